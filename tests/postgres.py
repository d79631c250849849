"""A real PostgreSQL for tests, from the distribution's packages: on a free port, in a folder of its own, with fsync."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from alertd.demo.processes import free_port

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
PASSWORD = "hunter2-of-the-store"
USER = "alertd"


def missing() -> bool:
    return not BINARIES


def as_nobody_special() -> list[str]:
    """PostgreSQL refuses to run as root: words that run a program as its own user instead."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []


class Server:
    """One server. `start` and `stop` may be called again and again; what it holds stays."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="alertd-postgres-"))
        self.port = free_port()
        self.data = self.folder / "data"
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)

    def make(self) -> None:
        """An empty server, not started."""
        (self.folder / "password").write_text(PASSWORD)
        (self.folder / "password").chmod(0o644)
        self.run("initdb", f"--pgdata={self.data}", f"--username={USER}", "--encoding=UTF8", "--no-locale",
                 f"--pwfile={self.folder / 'password'}", "--auth-local=trust", "--auth-host=scram-sha-256")
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(f"\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{self.folder}'\n"
                           "shared_buffers = 64MB\nmax_connections = 80\nwal_level = replica\n")

    def as_standby(self) -> None:
        """Once its files are there: let it listen where this one does."""
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(f"\nunix_socket_directories = '{self.folder}'\n")

    def start(self) -> None:
        self.run("pg_ctl", "start", f"--pgdata={self.data}", f"--log={self.folder / 'log'}", "--wait",
                 f"--options=-p {self.port}")

    def stop(self, mode: str = "fast") -> None:
        """`immediate` is as if its power were cut."""
        self.run("pg_ctl", "stop", f"--pgdata={self.data}", f"--mode={mode}", "--wait")

    def run(self, program: str, *words: str) -> str:
        """Run one of PostgreSQL's programs; what it printed."""
        command = [*as_nobody_special(), str(BINARIES[-1] / program), *words]
        # to a file: a server that stays would hold a pipe open
        with tempfile.TemporaryFile("w+") as said:
            done = subprocess.run(command, stdout=said, stderr=said, stdin=subprocess.DEVNULL, cwd="/", check=False)
            said.seek(0)
            text = said.read()
        assert done.returncode == 0, f"{program}: {text}"
        return text

    def ask(self, statement: str, name: str = "postgres") -> str:
        """The answer of a statement, as plain text."""
        return self.run("psql", f"--host={self.folder}", f"--port={self.port}", f"--username={USER}", "-qAtX",
                        "-v", "ON_ERROR_STOP=1", f"--dbname={name}", f"--command={statement}").strip()

    def url(self, name: str) -> str:
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def remove(self) -> None:
        with contextlib.suppress(AssertionError):  # it may have been stopped
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A server that runs within the block."""
    server = Server()
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.remove()


def name_of_new() -> str:
    """A name for a database that no other test has."""
    return f"t{os.getpid()}_{time.monotonic_ns()}"

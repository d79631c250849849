"""Processes that the demo and the flows start: free ports, until they answer, and never one left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import aiohttp

# Below the kernel's range for outgoing connections (32768 on, man 7 ip), so that a port stays free while whoever
# listens on it is away for a restart.
PORTS = range(20_000, 32_000)
TAIL = 2_000  # characters of a log that are shown when its process failed


class Failed(Exception):
    """A process that ended, or did not answer in time; the message has the end of its log."""


class Process:
    """A child in a process group of its own, its output in `log`. Ends with `stop` or `kill`, whatever it does."""

    def __init__(self, name: str, command: Sequence[str | Path], log: Path, **env: str) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._popen = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output,
                                           stderr=output, env={**os.environ, **env}, start_new_session=True)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def code(self) -> int | None:
        """Its exit status, below zero for a signal; None while it runs."""
        return self._popen.poll()

    def tail(self) -> str:
        """The end of what it said."""
        return self.log.read_text(errors="replace")[-TAIL:]

    async def answers(self, url: str, seconds: float = 30.0) -> None:
        """Return once `url` is answered with 200; Failed when the process ends first or the time is over."""
        deadline = time.monotonic() + seconds
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            while True:
                if self.code is not None:
                    raise Failed(f"{self.name} ended with status {self.code}: {self.tail()}")
                with contextlib.suppress(aiohttp.ClientError, OSError):
                    async with session.get(url) as response:
                        if response.status == 200:
                            return
                if time.monotonic() > deadline:
                    raise Failed(f"{self.name} did not answer {url} in {seconds:.0f} s: {self.tail()}")
                await asyncio.sleep(0.05)

    async def ended(self, seconds: float = 30.0) -> int:
        """Its exit status, once it has ended by itself."""
        deadline = time.monotonic() + seconds
        while (code := self.code) is None:
            if time.monotonic() > deadline:
                raise Failed(f"{self.name} did not end in {seconds:.0f} s: {self.tail()}")
            await asyncio.sleep(0.02)
        return code

    def signal(self, number: signal.Signals) -> None:
        """To the process alone, as an administrator would."""
        self._popen.send_signal(number)

    def kill(self) -> None:
        """At once, with everything it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()

    def stop(self, seconds: float = 20.0) -> int:
        """In good order, or by force after so many seconds; the exit status. Calling it again does nothing."""
        if self.code is None:
            self._popen.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(seconds)
        self.kill()
        return self._popen.returncode


@contextlib.contextmanager
def running(process: Process) -> Iterator[Process]:
    """The process, stopped when the block is left, however it is left."""
    try:
        yield process
    finally:
        process.stop()


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    while True:
        port = random.choice(PORTS)  # noqa: S311  a port, not a secret
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port


def alertd(*words: str | Path) -> list[str | Path]:
    """The command line of this very alertd, by this very Python."""
    return [sys.executable, "-m", "alertd", *words]


def find_prometheus() -> str | None:
    """Prometheus on PATH."""
    return shutil.which("prometheus")


def find_alertmanager() -> str | None:
    """Alertmanager on PATH; Debian calls it prometheus-alertmanager."""
    return shutil.which("alertmanager") or shutil.which("prometheus-alertmanager")


def prometheus(program: str, folder: Path, port: int) -> Process:
    """Prometheus with `folder`/prometheus.yml, its data beside it."""
    return Process("Prometheus", [
        program, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}", "--web.enable-lifecycle", "--log.level=warn",
    ], folder / "prometheus.log")


def alertmanager(program: str, folder: Path, port: int) -> Process:
    """Alertmanager with `folder`/alertmanager.yml, alone: an empty cluster address keeps it off the network."""
    return Process("Alertmanager", [
        program, f"--config.file={folder / 'alertmanager.yml'}", f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", "--log.level=warn",
    ], folder / "alertmanager.log")

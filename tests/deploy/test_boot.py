"""The unit under a real systemd, booted in namespaces of its own: with its user, its credentials, its filters of system
calls, its watchdog. By `make chaos` only, as root."""

import os
import re
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from tests.deploy import unit

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.chaos,
    pytest.mark.skipif(os.getuid() != 0, reason="only root may make such namespaces"),
    pytest.mark.skipif(not Path(f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}").exists(),
                       reason="the system has no Python of this version outside of /home and /root"),
]


class Machine:
    """A booted system. `run` runs a command in it."""

    def __init__(self, folder: Path, cgroup: Path) -> None:
        self._cgroup = cgroup
        cgroup.mkdir()
        self._folder = folder
        with (folder / "log").open("w") as log:
            self._outer = subprocess.Popen(
                ["sh", "-c", 'echo $$ > "$0/cgroup.procs"; exec unshare "$@"', cgroup,
                 "--mount", "--propagation=private", "--pid", "--fork", "--uts", "--ipc", "--cgroup", "--net",
                 "--kill-child", Path(__file__).with_name("boot.sh"), folder, ROOT, sysconfig.get_path("purelib")],
                stdout=log, stderr=log, start_new_session=True)

    def run(self, *words: str) -> str:
        assert self._outer.poll() is None, (self._folder / "log").read_text()
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text().split()
        if not children:
            return "not there yet"
        done = subprocess.run(["nsenter", "--target", children[0], "--all", "--root", *words], capture_output=True,
                              text=True, check=False, timeout=120)
        return done.stdout + done.stderr

    def show(self, what: str) -> str:
        return self.run("systemctl", "show", "alertd", "--value", f"--property={what}").strip()

    def until(self, what: str, pattern: str, seconds: float = 60) -> str:
        """The value of a property, once it is so."""
        deadline = time.monotonic() + seconds
        while True:
            said = self.show(what)
            if re.search(pattern, said):
                return said
            assert time.monotonic() < deadline, (said, self.run("journalctl", "-u", "alertd", "--no-pager"),
                                                 (self._folder / "log").read_text())
            time.sleep(0.2)

    def end(self) -> None:
        os.killpg(self._outer.pid, signal.SIGKILL)
        self._outer.wait()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            folders = sorted([self._cgroup, *(path for path in self._cgroup.rglob("*") if path.is_dir())], reverse=True)
            try:
                for folder in folders:
                    folder.rmdir()
                return
            except OSError:
                time.sleep(0.1)


@pytest.fixture
def machine(tmp_path):
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    [place] = [Path(line[1]) for line in mounts if line[2] == "cgroup2"][:1]
    booted = Machine(tmp_path, place / f"alertd-test-{os.getpid()}")
    yield booted
    booted.end()


@pytest.mark.timeout(300)
def test_it_lives_under_systemd(machine):
    """Started as nobody with no right and a filter, ready, reloaded, a fault of the file refused and shown, started
    anew where it does not say that it is alive, stopped in time with status 0."""
    machine.until("ActiveState", "^active")
    assert machine.show("StatusText") == "serving at http://127.0.0.1:9097"
    status = machine.run("cat", f"/proc/{machine.show('MainPID')}/status")
    assert {"CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} <= set(status.splitlines())
    assert not re.search(r"^Uid:\t0", status, re.MULTILINE)
    assert "alertd is ready" in machine.run("/opt/alertd/bin/alertd", "healthcheck")
    assert machine.run("stat", "--format=%a", "/var/lib/private/alertd/alertd.db").strip() == "600"
    machine.run("sh", "-c", "echo 'nonsense: 1' >> /etc/alertd/routing.yaml")
    machine.run("systemctl", "reload", "alertd")
    assert "unknown key 'nonsense'" in machine.until("StatusText", "refused")
    machine.run("sed", "-i", "/nonsense/d", "/etc/alertd/routing.yaml")
    machine.run("systemctl", "reload", "alertd")
    machine.until("StatusText", "^serving at [^ ]+$")
    assert machine.show("NRestarts") == "0"

    drop_in = "/run/systemd/system/alertd.service.d/quick.conf"
    machine.run("sh", "-c", f"mkdir -p $(dirname {drop_in}) && printf '[Service]\\nWatchdogSec=6s\\n' > {drop_in}")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "alertd")
    first = machine.show("MainPID")
    machine.run("kill", "-STOP", first)
    machine.until("NRestarts", "1", seconds=120)
    machine.until("ActiveState", "^active")
    assert machine.show("MainPID") != first

    begun = time.monotonic()
    machine.run("systemctl", "stop", "alertd")
    assert time.monotonic() - begun < unit.seconds("TimeoutStopSec")
    assert (machine.show("Result"), machine.show("ExecMainStatus")) == ("success", "0")

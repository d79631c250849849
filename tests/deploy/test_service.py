"""The systemd unit: its text, and the daemon under its words and limits."""

import asyncio
import ctypes
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alertd.demo import processes
from alertd.demo.processes import Process, running
from tests.deploy import unit

ROUTING = """
receivers: {on-call: {log: {}}}
routes: {critical: on-call, warning: on-call, info: on-call}
"""
PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1  # what MemoryDenyWriteExecute= asks of a newer kernel; man 2 prctl


@pytest.fixture
def etc(tmp_path):
    """Its folders, with the least that it needs."""
    (tmp_path / "state").mkdir()
    (tmp_path / "rules").mkdir()
    (tmp_path / "routing.yaml").write_text(ROUTING)
    return tmp_path


class Manager:
    """What systemd does with a unit of Type=notify: it listens."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self._taking = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._taking.bind(str(self.path))
        self._taking.settimeout(unit.seconds("WatchdogSec"))

    def hears(self) -> dict[str, str]:
        """The next message that is no sign of life."""
        while "WATCHDOG" in (message := dict(line.split("=", 1) for line in
                                             self._taking.recv(4096).decode().splitlines())):
            pass
        return message

    def start(self, folder: Path, *before: str, port: int = 0) -> Process:
        """The daemon as the unit starts it."""
        return Process("alertd", [*before, *unit.words(folder, port)], folder / "log", NOTIFY_SOCKET=str(self.path),
                       WATCHDOG_USEC=str(unit.seconds("WatchdogSec") * 1_000_000))


async def test_it_starts_reloads_and_stops(etc):
    """As systemd sees it: ready once it serves, reloading until the file is in force or refused, stopping, over in
    time with status 0."""
    manager, port = Manager(etc), processes.free_port()
    [reload] = unit.settings()["ExecReload"]
    with running(manager.start(etc, port=port)) as daemon:
        ready = await asyncio.to_thread(manager.hears)
        assert ready == {"READY": "1", "STATUS": f"serving at http://127.0.0.1:{port}"}
        await daemon.answers(f"http://127.0.0.1:{port}/-/ready", seconds=1)
        for text, outcome in ((ROUTING + "nonsense: 1\n", "routing.yaml:4:1"), (ROUTING, ready["STATUS"])):
            (etc / "routing.yaml").write_text(text)
            await asyncio.create_subprocess_exec(*shlex.split(reload.replace("$MAINPID", str(daemon.pid))))
            told = await asyncio.to_thread(manager.hears)
            assert told["RELOADING"] == "1"
            assert int(told["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
            ready = await asyncio.to_thread(manager.hears)
            assert (ready["READY"], outcome in ready["STATUS"]) == ("1", True), ready
        daemon.signal(signal.SIGTERM)
        assert (await asyncio.to_thread(manager.hears))["STOPPING"] == "1"
        assert await daemon.ended(unit.seconds("TimeoutStopSec")) == 0


def test_its_limits_let_the_daemon_work(etc):
    """Every system call of a start, a reload and a backup is allowed, with no memory both written and executed."""
    listed = " ".join(unit.settings()["SystemCallFilter"])
    assert listed == "@system-service ~@privileged @resources"
    allowed = calls("@system-service") - calls("@privileged") - calls("@resources")
    manager, traced = Manager(etc), etc / "trace"
    hardened = "import ctypes, os, sys; ctypes.CDLL(None).prctl(65, 1, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])"
    with running(manager.start(etc, "strace", "-f", "-qq", "-e", "signal=none", "-o", str(traced),
                               sys.executable, "-c", hardened)) as daemon:
        assert manager.hears()["READY"] == "1"
        child = int(re.match(r"\d+", traced.read_text())[0])
        os.kill(child, signal.SIGHUP)
        assert [manager.hears().popitem()[0] for _ in range(2)] == ["MONOTONIC_USEC", "STATUS"]
        os.kill(child, signal.SIGTERM)
        assert manager.hears()["STOPPING"] == "1"
        assert daemon.stop() == 0
    used = set(re.findall(r"^\d+ +(?:<\.\.\. )?([a-z_0-9]+)(?:\(| resumed)", traced.read_text(), re.MULTILINE))
    rootly = {"fchown"}  # SQLite gives its files to their folder's owner, when it is root
    assert used - rootly - allowed == set()
    assert "fdatasync" in used


@pytest.mark.skipif(ctypes.CDLL(None).prctl(66, 0, 0, 0, 0) < 0, reason="this kernel is older than 6.3")
def test_the_limit_on_memory_is_one():
    """What the test above asks the kernel for does refuse."""
    code = ("import ctypes, mmap\nassert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0\n"
            "mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "PermissionError" in done.stderr


def calls(group):
    """The system calls of one of systemd's groups, with those it includes."""
    listed = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True)
    names = {line.strip() for line in listed.stdout.splitlines()[1:] if line.strip() and "#" not in line}
    return {name for name in names if name[0] != "@"}.union(*(calls(name) for name in names if name[0] == "@"))


def test_systemd_takes_it(tmp_path):
    """Not a word from `systemd-analyze verify`, where the program is there."""
    text = unit.FILE.read_text().replace(unit.PROGRAM, sys.executable)
    (tmp_path / "alertd.service").write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", tmp_path / "alertd.service"], capture_output=True, text=True,
                          check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_is_hardened():
    """An exposure below 2.0 of 10."""
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--threshold=20", unit.FILE],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert float(re.search(r"exposure level .*: ([\d.]+)", done.stdout)[1]) < 2.0


def test_its_secrets_are_those_of_the_routing_file():
    """Each that routing.yaml names is handed over, and docs/deployment.md says how its folder becomes theirs."""
    named = set(re.findall(r"_file: secrets/(\w+)", (unit.FILE.parents[1] / "routing.yaml").read_text()))
    handed = dict(one.split(":") for one in unit.settings()["LoadCredential"])
    assert set(handed) == named
    assert set(handed.values()) == {f"/etc/alertd/secrets.d/{name}" for name in named}
    told = (unit.FILE.parents[1] / "docs/deployment.md").read_text()
    assert f"ln -s /run/credentials/{unit.FILE.name} /etc/alertd/secrets\n" in told
    assert f"python3 -m venv {Path(unit.PROGRAM).parents[1]} " in told

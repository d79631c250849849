"""What systemd is told, over a real socket."""

import asyncio
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from alertd.engine.systemd import Systemd
from alertd.store import database
from alertd.store.writer import Writer


@pytest.fixture(params=["file", "abstract"])
def listener(request, tmp_path):
    """What systemd listens on, and the address it gives."""
    path = str(tmp_path / "notify") if request.param == "file" else f"@alertd-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as taking:
        taking.bind(path.replace("@", "\0") if path.startswith("@") else path)
        taking.settimeout(5)
        yield taking, path


@pytest.fixture
async def writer(tmp_path):
    db = database.connect(f"sqlite:///{tmp_path}/alertd.db")
    writing = Writer(db.writer)
    writing.start()
    yield writing
    await writing.stop()
    await db.close()


def moving(_seconds):
    """A writer that comes back from everything."""
    return False


def heard(listener):
    """One message, as the lines it has."""
    return dict(line.split("=", 1) for line in listener[0].recv(4096).decode().splitlines())


def quiet(listener):
    listener[0].setblocking(False)
    with pytest.raises(BlockingIOError):
        listener[0].recv(4096)


def test_the_words(listener):
    """Ready with a line for people, reloading with its moment, stopping."""
    systemd = Systemd({"NOTIFY_SOCKET": listener[1]}, moving)
    systemd.ready("serving, with\na second line")
    assert heard(listener) == {"READY": "1", "STATUS": "serving, with a second line"}
    before = time.monotonic_ns() // 1000
    systemd.reloading()
    message = heard(listener)
    assert message["RELOADING"] == "1"
    assert before <= int(message["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
    systemd.stopping()
    assert heard(listener)["STOPPING"] == "1"


def test_a_path_keeps_its_at_signs(tmp_path):
    """Only an address that begins with @ is no file."""
    folder = tmp_path / "user@1000"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as taking:
        taking.bind(str(folder / "notify"))
        Systemd({"NOTIFY_SOCKET": str(folder / "notify")}, moving).stopping()
        assert taking.recv(100).startswith(b"STOPPING=1")


def test_without_systemd_nothing_is_said(monkeypatch):
    """And nobody who does not listen harms it."""
    Systemd({"NOTIFY_SOCKET": str(Path("/nowhere/notify"))}, moving).ready("serving")
    monkeypatch.setattr(socket, "socket", None)
    Systemd({}, moving).ready("serving")


async def test_signs_of_life_come_three_times_as_often_as_they_must(listener):
    """As long as the block lasts."""
    mine = {"WATCHDOG_USEC": "150000", "WATCHDOG_PID": str(os.getpid())}
    systemd = Systemd({"NOTIFY_SOCKET": listener[1], **mine}, moving)
    begun = time.monotonic()
    async with systemd.watched():
        assert [await asyncio.to_thread(heard, listener) for _ in range(4)] == [{"WATCHDOG": "1"}] * 4
        assert time.monotonic() - begun >= 0.15
    await asyncio.sleep(0.1)
    quiet(listener)


async def test_none_comes_while_the_writer_is_stuck(listener, writer):
    """But the reason; and they come again when it moves again."""
    held = threading.Event()

    def hold(_connection, items):
        return [held.wait(5) for _ in items]

    waiting = asyncio.create_task(writer.submit(hold, "one"))
    await asyncio.sleep(0.1)
    async with Systemd({"NOTIFY_SOCKET": listener[1], "WATCHDOG_USEC": "90000"}, writer.stuck).watched():
        for _ in range(2):
            assert "does not come back" in (await asyncio.to_thread(heard, listener))["STATUS"]
        held.set()
        await waiting
        while (message := await asyncio.to_thread(heard, listener)) != {"WATCHDOG": "1"}:
            assert "STATUS" in message


async def test_none_comes_when_the_writer_is_gone(listener, writer):
    """Its task ended, so nothing would ever be written."""
    writer._tasks[0].cancel()
    await asyncio.sleep(0)
    async with Systemd({"NOTIFY_SOCKET": listener[1], "WATCHDOG_USEC": "90000"}, writer.stuck).watched():
        assert "does not come back" in (await asyncio.to_thread(heard, listener))["STATUS"]
    writer._tasks = []


@pytest.mark.parametrize("environment", [{}, {"WATCHDOG_USEC": "90000", "WATCHDOG_PID": "1"}])
async def test_nobody_who_did_not_ask_gets_them(listener, environment):
    """No WATCHDOG_USEC, or one that is another process's."""
    async with Systemd({"NOTIFY_SOCKET": listener[1], **environment}, moving).watched():
        await asyncio.sleep(0.05)
    quiet(listener)

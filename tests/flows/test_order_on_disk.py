"""No yes before the disk has it, as the system calls show."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import re
import shutil
import signal
from pathlib import Path

import pytest

from tests.flows.processes import House, webhook

CALLS = "recvfrom,sendto,sendmsg,write,writev,pwrite64,fdatasync,fsync"
_LINE = re.compile(r"(?P<pid>\d+) +(?P<at>\d+\.\d+) (?P<rest>.*)")
_RESUMED = re.compile(r"<\.\.\. (?P<name>\w+) resumed>")


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """One system call: the line number where it began and where it ended, and what strace says of it."""

    began: int
    ended: int
    text: str


def calls(trace: Path) -> list[Call]:
    """Every finished call, in the order they ended; a call that another thread interrupted is put together."""
    found, open_calls = [], dict[str, tuple[int, str]]()
    for number, line in enumerate(trace.read_text(errors="replace").splitlines()):
        match = _LINE.match(line)
        if match is None:
            continue
        pid, text = match["pid"], match["rest"]
        if text.endswith("<unfinished ...>"):
            open_calls[pid] = (number, text)
        elif _RESUMED.match(text):
            began, start = open_calls.pop(pid)
            found.append(Call(began, number, start + text))
        else:
            found.append(Call(number, number, text))
    return found


def unsynced(found: list[Call]) -> tuple[int, list[Call]]:
    """How many webhooks were answered 200, and the answers before which no sync of the log both began after the
    webhook had been read and ended."""
    syncs = [call for call in found if re.match(r"f(data)?sync\(\d+<[^>]*-wal>", call.text) and "= 0" in call.text]
    asked: dict[str, Call] = {}
    answers, wrong = 0, []
    for call in found:
        descriptor = re.match(r"\w+\((\d+)<", call.text)
        if descriptor is None:
            continue
        if call.text.startswith("recvfrom") and re.search(r'"POST /webhook|"\{', call.text):
            asked[descriptor[1]] = call
        elif "HTTP/1.1 200" in call.text and (request := asked.pop(descriptor[1], None)):
            answers += 1
            if not any(request.ended < sync.began and sync.ended < call.began for sync in syncs):
                wrong.append(call)
    return answers, wrong


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
async def test_sync_before_the_answer(house: House) -> None:
    """Each 200 to a webhook, sent alone or among others, is written after an fdatasync of the log that began when
    the whole webhook had been read."""
    trace = house.folder / "strace.txt"
    strace = ("strace", "-f", "-ttt", "-y", "-s", "40", "-e", f"trace={CALLS}", "-o", str(trace))
    daemon = await house.start(strace)
    for number in range(10):
        assert await house.post(webhook(f"Alone{number}")) == 200
    together = await asyncio.gather(*(house.post(webhook(f"Together{number}")) for number in range(30)))
    assert set(together) == {200}
    alertd = int((house.folder / "alertd.db.lock").read_text())  # strace would not hand the signal on
    os.kill(alertd, signal.SIGTERM)
    assert await daemon.ended() == 0
    answers, wrong = unsynced(calls(trace))
    assert answers == 40
    assert wrong == []

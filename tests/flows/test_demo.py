"""`alertd demo` as a person runs it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from alertd.demo import processes
from alertd.demo.processes import Process
from tests.flows.processes import until


def demo(folder: Path, *words: str, **env: str) -> Process:
    """The demo, its temporary folder within `folder`."""
    temporary = folder / "tmp"
    temporary.mkdir()
    return Process("demo", processes.alertd("demo", *words), folder / "demo.log", TMPDIR=str(temporary), **env)


def left_behind(folder: Path) -> list[str]:
    """Files in the temporary folder, and processes that mention it."""
    files = [path.name for path in (folder / "tmp").iterdir()]
    commands = [path.read_bytes().decode(errors="replace") for path in Path("/proc").glob("[0-9]*/cmdline")
                if os.access(path, os.R_OK)]
    return files + [command for command in commands if str(folder / "tmp") in command]


async def test_replayed(tmp_path: Path) -> None:
    """Without Prometheus on PATH recorded webhooks are replayed, which is said, and everything arrives."""
    with processes.running(demo(tmp_path, "--once", PATH="/nonexistent")) as process:
        assert await process.ended(60) == 0, process.tail()
    said = process.log.read_text()
    assert "recorded webhooks are replayed" in said
    for word in ("HighErrorRate fires", "PagerDuty", "management@example.com", "#leadership", "in the thread", "held"):
        assert word in said
    assert "\x1b[" not in said
    assert left_behind(tmp_path) == []


@pytest.mark.skipif(not (processes.find_prometheus() and processes.find_alertmanager()), reason="no Prometheus")
async def test_real(tmp_path: Path) -> None:
    """With real Prometheus and Alertmanager the rules of `alertd rules build` bring every message, both ways."""
    with processes.running(demo(tmp_path, "--once")) as process:
        assert await process.ended(110) == 0, process.log.read_text()
    said = process.log.read_text()
    assert "real Prometheus and Alertmanager" in said
    assert "Every expected message arrived" in said
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_interrupted(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end everything that was started and remove what was written."""
    with processes.running(demo(tmp_path)) as process:
        await until(lambda: "begin to fail" in process.log.read_text(), "it plays")
        process.signal(number)
        assert await process.ended() == 128 + number
    assert left_behind(tmp_path) == []
    assert "Traceback" not in process.log.read_text()

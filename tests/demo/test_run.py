from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from alertd.demo import processes, run
from alertd.demo.standins.pagerduty import PagerDuty


class Refusing(PagerDuty):
    """A PagerDuty that takes nothing."""

    async def reply(self, *_: Any) -> web.Response:
        return web.json_response({"status": "invalid event"}, status=400)


def test_missing_messages_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                     capsys: pytest.CaptureFixture[str]) -> None:
    """Where PagerDuty takes nothing, the demo ends with status 1 and lists what did not arrive there, and only
    that."""
    monkeypatch.setattr(run, "PagerDuty", Refusing)
    monkeypatch.setattr(run, "WAIT", 2.5)
    monkeypatch.setattr(processes, "find_prometheus", lambda: None)
    assert run.run(once=True, keep=tmp_path) == 1
    said = capsys.readouterr().out
    _, _, missing = said.partition("Did not arrive in time:\n")
    assert set(missing.strip().splitlines()) >= {"HighErrorRate, firing: PagerDuty",
                                                "  HighErrorRate, resolved: PagerDuty"}
    assert all(line.endswith(": PagerDuty") for line in missing.splitlines())


def test_daemon_that_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                  capsys: pytest.CaptureFixture[str]) -> None:
    """A daemon that ends at once ends the demo with status 1 and what the daemon said."""
    monkeypatch.setattr(processes, "alertd", lambda *_: ["sh", "-c", "echo no room >&2; exit 3"])
    assert run.run(once=True, keep=tmp_path) == 1
    assert "no room" in capsys.readouterr().err

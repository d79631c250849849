"""The Prometheus that the budgets are measured on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.slo import server


def blocks(data: Path, *spans: tuple[int, int]) -> None:
    for number, (first, last) in enumerate(spans):
        folder = data / f"block-{number}"
        folder.mkdir(parents=True)
        (folder / "meta.json").write_text(json.dumps({"minTime": first, "maxTime": last}))


@pytest.mark.parametrize(("spans", "over"), [
    ([], False), ([(0, 54)], False), ([(54, 108), (0, 54)], False), ([(0, 54), (54, 108), (10, 20)], True),
    ([(0, 54), (0, 54)], True)])
def test_blocks_that_lie_over_one_another_are_seen(tmp_path: Path, spans: list[tuple[int, int]], over: bool) -> None:
    """A block ends just before its `maxTime`."""
    blocks(tmp_path, *spans)
    assert server._overlapping(tmp_path) is over


def test_nothing_is_measured_on_blocks_that_stay_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them would cost a look of its own."""
    monkeypatch.setattr(server, "COMPACTED", 0.1)
    blocks(tmp_path, (0, 54), (0, 54))
    with pytest.raises(RuntimeError, match="compact"):
        server.Prometheus("http://127.0.0.1:1").settle(tmp_path)

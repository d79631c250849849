"""The picture of the history, and the files that it is kept in."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from bench.figures import Figure
from bench.picture import OCTAVES, lines, svg
from bench.record import keep, record


def _run(value: float, goal: float | None = 100.0, at_least: bool = False) -> dict[str, object]:
    return record([Figure("C first page", "ms", (value,), (), goal, at_least)], {"alerta": "skipped: no package"}, 0.5,
                  {"page": 9.5})


def test_twice_as_good_is_an_octave_up_whichever_way_it_counts() -> None:
    """A line goes up when its figure gets better, both where less is better and where more is."""
    assert [point.height for point in lines([_run(50.0), _run(200.0)])["C first page: ≤ 100 ms"]] == [1.0, -1.0]
    assert lines([_run(200.0, at_least=True)])["C first page: ≥ 100 ms"][0].height == 1.0


def test_no_connections_at_all_are_as_good_as_is_drawn() -> None:
    """A figure of 0 has no logarithm and is drawn all the same."""
    assert lines([_run(0.0, goal=8.0)])["C first page: ≤ 8 ms"][0].height == OCTAVES


def test_without_a_goal_there_is_no_line() -> None:
    """What is only shown is not drawn: there is nothing to stand above or below."""
    assert lines([_run(3.0, goal=None)]) == {}


def test_the_picture_is_svg_with_a_dot_a_run() -> None:
    """Two runs of one figure are two dots, the one that misses its goal in another colour."""
    root = ElementTree.fromstring(svg([_run(50.0), _run(200.0)]))
    dots = root.findall("{http://www.w3.org/2000/svg}circle")
    assert len(dots) == 2
    assert len({dot.get("fill") for dot in dots}) == 2


def test_every_run_stays(tmp_path: Path) -> None:
    """The history grows by a line a run, with its commit, its load and why a job gave nothing; older lines stay."""
    keep(tmp_path, _run(50.0))
    picture = keep(tmp_path, _run(60.0))
    runs = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert [run["figures"][0]["values"] for run in runs] == [[50.0], [60.0]]
    assert runs[0]["without"] == {"alerta": "skipped: no package"}
    assert {"commit", "load", "at", "seconds"} <= runs[0].keys()
    assert "60 met" in picture.read_text()

"""The history of the figures as one SVG: a line a figure, run after run, above or below its goal."""

from __future__ import annotations

import dataclasses
import html
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

RUNS = 40  # the newest of each figure
WIDTH, LEFT, RIGHT, ROW = 1080, 470, 160, 34
OCTAVES = 2.0  # shown on each side of the goal: four times better to four times worse
GOOD, BAD, FAINT, TEXT = "#2e7d32", "#c62828", "#c8c8c8", "#333333"


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    """One figure of one run. `height` is how far it is on the good side of its goal, in octaves (1: twice as good)."""

    at: str
    commit: str
    value: float
    height: float

    @property
    def met(self) -> bool:
        return self.height >= 0


def lines(records: Sequence[Mapping[str, Any]]) -> dict[str, list[Point]]:
    """The figures that have a goal, by their name, oldest run first."""
    found: dict[str, list[Point]] = {}
    for record in records:
        for figure in record["figures"]:
            values = figure["ratios"] or figure["values"]
            if figure["goal"] is None or not values:
                continue
            value = statistics.median(values)
            goal = f"{'≥' if figure['at_least'] else '≤'} {figure['goal']:g}"
            unit = "of the baseline" if figure["ratios"] else figure["unit"]
            found.setdefault(f"{figure['job']}: {goal} {unit}".rstrip(), []).append(Point(
                record["at"], record.get("commit", ""), value, _height(value, figure["goal"], figure["at_least"])))
    return {name: points[-RUNS:] for name, points in found.items()}


def _height(value: float, goal: float, at_least: bool) -> float:
    if value <= 0 or goal <= 0:  # of none there is no share: either as good or as bad as is drawn
        return OCTAVES if (value >= goal) == at_least or value == goal else -OCTAVES
    octaves = math.log2(value / goal)
    return octaves if at_least else -octaves


def svg(records: Sequence[Mapping[str, Any]]) -> str:
    """The picture. The grey line of each row is its goal; above it is better, whatever is counted."""
    rows = lines(records)
    height = ROW * (len(rows) + 1)
    drawn = "".join(_row(name, points, ROW * (number + 1)) for number, (name, points) in enumerate(rows.items()))
    title = f"{len(records)} runs; the grey line is the goal, above it is better; hover for the run"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" '
            f'font-size="12" fill="{TEXT}"><rect width="{WIDTH}" height="{height}" fill="white"/>'
            f'<text x="8" y="22">{html.escape(title)}</text>{drawn}</svg>\n')


def _row(name: str, points: Sequence[Point], top: int) -> str:
    middle, newest = top + ROW / 2, points[-1]
    places = [(_across(index, len(points)), middle - _clipped(point.height) / OCTAVES * (ROW / 2 - 4))
              for index, point in enumerate(points)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{GOOD if point.met else BAD}">'
        f"<title>{html.escape(f'{point.value:.4g} at {point.at} {point.commit}')}</title></circle>"
        for (x, y), point in zip(places, points, strict=True))
    said = f"{newest.value:.3g} {'met' if newest.met else 'NOT MET'}"
    return (f'<text x="8" y="{middle + 4}" font-size="11">{html.escape(name)}</text>'
            f'<line x1="{LEFT}" y1="{middle}" x2="{WIDTH - RIGHT}" y2="{middle}" stroke="{FAINT}"/>'
            f'<polyline points="{path}" fill="none" stroke="{TEXT}" stroke-opacity="0.4"/>{dots}'
            f'<text x="{WIDTH - RIGHT + 16}" y="{middle + 4}" fill="{GOOD if newest.met else BAD}">{said}</text>')


def _across(index: int, count: int) -> float:
    room = WIDTH - LEFT - RIGHT
    return LEFT + room * (index + 0.5) / count


def _clipped(height: float) -> float:
    return max(-OCTAVES, min(OCTAVES, height))

"""Figures and the table they are printed in."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: what every round measured, and how its median stands to the goal. `ratio` is against
    the baseline of the same round, where there is one; else the value itself is what the goal is about. `note`: what
    the profile names where the goal is missed, and the smallest change that would meet it; shown only then."""

    job: str
    unit: str
    values: tuple[float, ...]
    baseline: tuple[float, ...]
    goal: float | None  # None: shown, nothing is asked of it
    at_least: bool
    note: str = ""

    @property
    def ratios(self) -> tuple[float, ...]:
        if not self.baseline:
            return ()
        return tuple(value / base for value, base in zip(self.values, self.baseline, strict=True))

    @property
    def met(self) -> bool:
        if self.goal is None:
            return True
        middle = statistics.median(self.ratios or self.values)
        return middle >= self.goal if self.at_least else middle <= self.goal


NO_NOTE = ("why is not written down: repeat it on a quiet machine with more rounds, and if it stays, profile that job "
           "(py-spy, perf) and mend it, or say in its code what the profile names and what would meet the goal")


def because(note: str, values: Sequence[float], beside: Sequence[float]) -> str:
    """The note, where what it blames took at least half as long beside it in the same run; else none, for then it is
    something else."""
    return note if 2 * statistics.median(beside) >= statistics.median(values) else ""


class Skipped(Exception):
    """A job that cannot be done on this machine; says why."""


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def table(figures: Sequence[Figure]) -> str:
    """min / median / max of every figure; below, of each goal that is not met, why."""
    head = ("job", "unit", "alertd", "baseline", "ratio", "goal", "met")
    rows = [head, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    missed = [f"NOT MET  {figure.job}\n         {figure.note or NO_NOTE}" for figure in figures if not figure.met]
    return "\n".join((*lines, *missed))


def _row(figure: Figure) -> tuple[str, ...]:
    asked = figure.goal is not None
    goal = f"{'≥' if figure.at_least else '≤'} {figure.goal:g}" if asked else "-"
    met = ("yes" if figure.met else "NO") if asked else "-"
    spreads = (_spread(values) for values in (figure.values, figure.baseline, figure.ratios))
    return (figure.job, figure.unit, *spreads, goal, met)


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "-"
    return " / ".join(f"{value:.3g}" if value < 1000 else f"{value:.0f}"
                      for value in (min(values), statistics.median(values), max(values)))

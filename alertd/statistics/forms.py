"""The figures as programs read them: JSON, and CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from alertd.statistics import Statistics, Week, trend

FIGURES = ("incidents", "acknowledged", "mtta", "mttr", "calls", "calls_out_of_hours")


def view(found: Statistics) -> dict[str, Any]:
    """As the API shows it; times in milliseconds, null is what is not known."""
    asked = found.asked
    return {
        "id": "statistics", "timezone": asked.timezone.key, "weeks": [_week(week) for week in found.weeks],
        "trend": {name: trend([getattr(week, name) for week in found.weeks]) for name in FIGURES},
        "calls": [{"id": "/".join(filter(None, (load.receiver, load.person))), "receiver": load.receiver,
                   "person": load.person, "calls": list(load.calls), "out_of_hours": load.out_of_hours}
                  for load in found.loads],
        "noise": [{"id": noise.kind, "alert": noise.alert, "service": noise.service or None,
                   "episodes": noise.episodes, "incidents": noise.incidents,
                   "never_acknowledged": noise.never_acknowledged, "gone_soon": noise.gone_soon,
                   "flapping_days": noise.flapping_days} for noise in found.noise],
        "incomplete": [f"only the newest {sum(noise.episodes for noise in found.noise)} alerts are counted"]
        if found.cut else [],
    }


def as_csv(found: Statistics) -> str:
    """One figure a line, what is not known empty; no cell begins a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")  # as RFC 4180 has it
    writer.writerow(("of", "name", "week", "figure", "value"))
    for row in _rows(found):
        writer.writerow([_cell(value) for value in row])
    return out.getvalue()


def _week(week: Week) -> dict[str, Any]:
    return {"id": week.begins.isoformat(), "begins": week.begins.isoformat(), "known": week.known,
            **{name: getattr(week, name) for name in FIGURES}}


def _rows(found: Statistics) -> Iterable[tuple[object, ...]]:
    for week in found.weeks:
        for name in FIGURES:
            yield "week", "", week.begins.isoformat(), name, getattr(week, name)
    for load in found.loads:
        who = "/".join(filter(None, (load.receiver, load.person)))
        for week, calls in zip(found.weeks, load.calls, strict=True):
            yield "receiver", who, week.begins.isoformat(), "calls", calls
        yield "receiver", who, "", "out_of_hours", load.out_of_hours
    for noise in found.noise:
        for name in ("episodes", "incidents", "never_acknowledged", "gone_soon", "flapping_days"):
            yield "alert", noise.kind, "", name, getattr(noise, name)


def _cell(value: object) -> object:
    """A spreadsheet takes what begins so for a formula, and names of alerts are anybody's."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else value

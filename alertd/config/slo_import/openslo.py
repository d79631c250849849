"""OpenSLO v1. https://github.com/OpenSLO/OpenSLO"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from decimal import Decimal

from alertd.config import units
from alertd.config.slo_import.taking import WINDOW, Part, Path, Slo
from alertd.model import Millis
from alertd.rulegen.declared import Slices
from alertd.rulegen.slices import LENGTHS
from alertd.slo import window
from alertd.slo.window import Calendar, Period

_Indicator = tuple[Part, Path]
_PERIODS = {"1w": Period.WEEK, "1M": Period.MONTH, "1Q": Period.QUARTER}


def read(parts: list[Part]) -> Iterator[Slo]:
    """An SLO may name its indicator (SLI) or hold it; both are documents of the same file."""
    named: dict[str, _Indicator] = {}
    for part in parts:
        part.take("apiVersion")
        kind = part.take("kind")
        if kind == "SLI":
            named[str(part.take("metadata", "name"))] = (part, ("spec",))
        elif kind == "Service":
            part.take("metadata", "name")
        elif kind != "SLO":
            part.refuse((), f"a {kind} is not carried over")
    for part in parts:
        if part.peek("kind") == "SLO":
            yield from _slos(part, named)


def _slos(part: Part, named: Mapping[str, _Indicator]) -> Iterator[Slo]:
    names = part.take("spec", "service"), part.take("metadata", "name")
    as_exported = (part.take("metadata", "annotations", key) for key in ("alertd/service", "alertd/slo"))
    service, name = (str(ours or theirs or "") for ours, theirs in zip(as_exported, names, strict=True))
    part.take("spec", "description")
    over, found = _window(part), _indicator(part, named)
    method = part.take("spec", "budgetingMethod")
    paths = list(part.each("spec", "objectives"))
    slices = [_slices(part, path) for path in paths] if method == "Timeslices" else [None] * len(paths)
    if method not in (None, "Occurrences") and None in slices:
        part.refuse(("spec",), f"{service} {name}: its budget is counted by {method}, and only Occurrences are read, "
                               "and Timeslices of 1m or 5m with a timeSliceTarget")
    elif found is None:
        part.refuse(("spec",), f"{service} {name}: its indicator is no ratioMetric of good or bad and total")
    elif over is not None:
        calendar = over if isinstance(over, Calendar) else None
        length = over.period.rolling if isinstance(over, Calendar) else over
        events, bad, good = found
        for number, path in enumerate(paths):
            if part.peek(*path, "targetPercent") is not None:
                target = part.target((*path, "targetPercent"))
            else:
                target = part.target((*path, "target"), of=1)
            if target is not None:
                called = name if len(paths) == 1 else f"{name}-{number + 1}"
                yield Slo(service, called, target, length, events, bad, good, part, path, slices[number],
                          calendar=calendar)


def _slices(part: Part, path: Path) -> Slices | None:
    """None where they are no slices that can be counted."""
    try:
        length = units.duration(part.take(*path, "timeSliceWindow"))
        target = Decimal(str(part.take(*path, "timeSliceTarget")))
    except (ValueError, ArithmeticError):
        return None
    return Slices(length, target) if length in LENGTHS and 0 < target <= 1 else None


def _indicator(part: Part, named: Mapping[str, _Indicator]) -> tuple[str, str, str] | None:
    """The queries of events, bad and good ones."""
    held = part
    at: Path = ("spec", "indicator", "spec")
    if (reference := part.take("spec", "indicatorRef")) is not None:
        if reference not in named:
            return None
        held, at = named[reference]
    else:
        held.take("spec", "indicator", "metadata", "name")
    held.take(*at, "ratioMetric", "counter")
    queries = {}
    for side in ("total", "bad", "good"):
        source: Path = (*at, "ratioMetric", side, "metricSource")
        held.take(*source, "type")
        held.take(*source, "metricSourceRef")  # which server: not part of a rule
        queries[side] = str(held.take(*source, "spec", "query") or "")
    usable = queries["total"] and (queries["bad"] or queries["good"])
    return (queries["total"], queries["bad"], queries["good"]) if usable else None


def _window(part: Part) -> Millis | Calendar | None:
    """How long it looks back, or of which period it is; None, and told, where it is neither."""
    windows = list(part.each("spec", "timeWindow"))
    if not windows:
        return WINDOW
    at = windows[0]
    if len(windows) > 1:
        part.refuse(("spec", "timeWindow"), "one window is carried over, and these are several")
        return None
    length, rolling = part.take(*at, "duration"), part.take(*at, "isRolling")
    try:
        if part.peek(*at, "calendar") is not None:
            return _calendar(part, (*at, "calendar"), str(length))
        if not rolling:
            raise ValueError("a window that is not rolling needs its calendar")
        return units.duration(length)
    except ValueError as error:
        part.refuse(at, str(error))
        return None


def _calendar(part: Part, at: Path, length: str) -> Calendar:
    """ValueError where it is none that alertd has: of a week from Monday, a month or a quarter."""
    period, text = _PERIODS.get(length), str(part.take(*at, "startTime"))
    if period is None:
        raise ValueError(f"a calendar window of {length!r} is not carried over; {', '.join(_PERIODS)} are")
    zone = window.zone(str(part.take(*at, "timeZone") or "UTC"))
    try:
        starts = datetime.datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError as error:
        raise ValueError(f"startTime {text!r} is no time such as 2024-01-01 00:00:00") from error
    found, moment = Calendar(period, zone), round(starts.timestamp() * 1000)
    if found.begin(moment) != moment:
        raise ValueError(f"a {period} that begins at {text} is not carried over; one that begins as the calendar's is")
    return found

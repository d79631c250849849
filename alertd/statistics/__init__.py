"""How the last weeks were: how long until somebody came and until it was over, who was called when, what is noise.
Pure.

record (what is known) ▸ tally (counted by the quarter of an hour) ▸ figures (of any stretch of time, the digest's too)
▸ weeks, with trend ▸ forms (JSON, CSV)

Weeks are those of a zone, from Monday. A week from before anything was recorded is unknown, and so is a mean over
nothing; zero is said only where zero was counted.
"""

from __future__ import annotations

import dataclasses
import datetime
import statistics
import zoneinfo
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import TypeVar

from alertd.model import Millis
from alertd.rotas import parse_hours
from alertd.statistics.figures import Figures, Noise, figures, noise, out_of_hours
from alertd.statistics.record import OFFICE, AlertKind, Case, Counts, Office
from alertd.statistics.tally import Ring, Tally

MOST_WEEKS = 26

T = TypeVar("T")

__all__ = ["MOST_WEEKS", "OFFICE", "AlertKind", "Asked", "Case", "Counts", "Figures", "Load", "Noise", "Office", "Ring",
           "Statistics", "Tally", "Week", "ask", "figures", "measure", "noise", "out_of_hours", "trend"]


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """Over which weeks, by which clocks, and which hours count as working hours."""

    weeks: int
    office: Office
    now: Millis

    @property
    def timezone(self) -> zoneinfo.ZoneInfo:
        return self.office.timezone

    @property
    def begins(self) -> list[datetime.date]:
        """The Mondays, the oldest first; the last week is the one under way."""
        monday = self.office.local(self.now).date()
        monday -= datetime.timedelta(days=monday.weekday())
        return [monday - datetime.timedelta(weeks=back) for back in range(self.weeks - 1, -1, -1)]

    @property
    def since(self) -> Millis:
        return self._at(self.begins[0])

    def _at(self, date: datetime.date) -> Millis:
        return round(datetime.datetime.combine(date, datetime.time(), self.timezone).timestamp() * 1000)

    def bounds(self) -> list[tuple[datetime.date, Millis, Millis]]:
        """Each week with its first moment and the first one after it."""
        return [(date, self._at(date), self._at(date + datetime.timedelta(weeks=1))) for date in self.begins]


@dataclasses.dataclass(frozen=True, slots=True)
class Week:
    """What a week held. `known`: the share of it that was recorded, 0 (and then every figure is None) to 1. Means are
    in milliseconds."""

    begins: datetime.date
    known: float
    incidents: int | None = None
    acknowledged: int | None = None
    mtta: Millis | None = None
    mttr: Millis | None = None
    calls: int | None = None
    calls_out_of_hours: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Load:
    """Calls to one receiver, or one person of it, a week each (None: not recorded)."""

    receiver: str
    person: str | None
    calls: tuple[int | None, ...]
    out_of_hours: int


@dataclasses.dataclass(frozen=True, slots=True)
class Statistics:
    """All of it; weeks are the oldest first, loads and noise the most first. `cut`: there were more alerts than are
    looked at."""

    asked: Asked
    weeks: tuple[Week, ...]
    loads: tuple[Load, ...]
    noise: tuple[Noise, ...]
    cut: bool = False


def ask(weeks: str, timezone: str, hours: str, now: Millis) -> Asked:
    """What a person or a program asked for; ValueError says what is wrong with it."""
    if not weeks.isdecimal() or not 1 <= int(weeks) <= MOST_WEEKS:
        raise ValueError(f"weeks is a number from 1 to {MOST_WEEKS}")
    try:
        zone = zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"timezone: there is no zone {timezone[:60]!r}; write Europe/Berlin") from error
    try:
        return Asked(int(weeks), Office(zone, parse_hours(hours)), now)
    except ValueError as error:
        raise ValueError(f"hours: {error}") from error


def measure(asked: Asked, tally: Tally) -> Statistics:
    """The figures of its weeks."""
    bounds, office = asked.bounds(), asked.office
    edges = [*(begins for _, begins, _ in bounds), bounds[-1][2]]
    known = [_known(begins, ends, tally.since, asked.now) for _, begins, ends in bounds]
    slots = _by_week(edges, tally.slots.items())
    rings = _by_week(edges, ((ring.at, ring) for ring in tally.rings))
    weeks = [_week(date, share, figures(held, called, office)) if share else Week(date, 0.0)
             for (date, _, _), share, held, called in zip(bounds, known, slots, rings, strict=True)]
    return Statistics(asked, tuple(weeks), tuple(_loads(tally.rings, known, edges, office)),
                      tuple(noise(tally.kinds, office)), tally.cut)


def trend(values: Sequence[float | None]) -> float | None:
    """How the newest whole week differs from the mean of those before it; the last value is the week under way. None
    where there is nothing to compare."""
    *whole, _ = values or (None,)
    before = [value for value in whole[:-1] if value is not None]
    if not whole or whole[-1] is None or not before:
        return None
    return whole[-1] - statistics.fmean(before)


def _known(begins: Millis, ends: Millis, recorded_since: Millis | None, now: Millis) -> float:
    if recorded_since is None:
        return 0.0
    until = min(ends, now)
    return max(0.0, min(1.0, (until - max(begins, recorded_since)) / max(until - begins, 1)))


def _week(begins: datetime.date, known: float, held: Figures) -> Week:
    return Week(begins, round(known, 3), held.incidents, held.acknowledged, held.mtta, held.mttr, held.calls,
                held.calls_out_of_hours)


def _by_week(edges: Sequence[Millis], ones: Iterable[tuple[Millis, T]]) -> list[list[T]]:
    """What happened in which week; `edges` are their first moments, and the first one after the last."""
    found: list[list[T]] = [[] for _ in edges[1:]]
    for at, one in ones:
        if edges[0] <= at < edges[-1]:
            found[bisect_right(edges, at) - 1].append(one)
    return found


def _loads(rings: Iterable[Ring], known: Sequence[float], edges: Sequence[Millis], office: Office) -> list[Load]:
    by_whom: dict[tuple[str, str | None], list[Ring]] = {}
    for ring in rings:
        by_whom.setdefault((ring.receiver, ring.person), []).append(ring)
    found = []
    for whom, theirs in by_whom.items():
        weeks = _by_week(edges, ((ring.at, ring) for ring in theirs))
        numbers = (sum(ring.number for ring in week) if share else None
                   for week, share in zip(weeks, known, strict=True))
        found.append(Load(*whom, tuple(numbers), out_of_hours(theirs, office)))
    return sorted(found, key=lambda load: (-sum(one or 0 for one in load.calls), load.receiver, load.person or ""))

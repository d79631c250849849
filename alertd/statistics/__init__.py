"""How the last weeks were: how long until somebody came and until it was over, who was called when, what is noise.
Pure.

record (what is known) ▸ figures (of any stretch of time, the digest's too) ▸ weeks, with trend ▸ forms (JSON, CSV)

Weeks are those of a zone, from Monday. A week from before anything was recorded is unknown, and so is a mean over
nothing; zero is said only where zero was counted.
"""

from __future__ import annotations

import dataclasses
import datetime
import statistics
import zoneinfo
from collections.abc import Iterable, Sequence

from alertd.model import Millis
from alertd.rotas import parse_hours
from alertd.statistics.figures import Figures, Noise, figures, noise, starts
from alertd.statistics.record import OFFICE, Call, Case, Episode, Office, Record

MOST_WEEKS = 26

__all__ = ["MOST_WEEKS", "OFFICE", "Asked", "Call", "Case", "Episode", "Figures", "Load", "Noise", "Office", "Record",
           "Statistics", "Week", "ask", "figures", "measure", "noise", "starts", "trend"]


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


def measure(asked: Asked, record: Record) -> Statistics:
    """The figures of its weeks."""
    bounds = asked.bounds()
    known = [_known(begins, ends, record.since, asked.now) for _, begins, ends in bounds]
    weeks = [_week(date, share, figures(record, begins, ends, asked.office)) if share else Week(date, 0.0)
             for (date, begins, ends), share in zip(bounds, known, strict=True)]
    return Statistics(asked, tuple(weeks), tuple(_loads(asked, record.calls, known)),
                      tuple(noise(record.episodes, record.cases, asked.office)), record.cut)


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


def _loads(asked: Asked, calls: Sequence[Call], known: Sequence[float]) -> Iterable[Load]:
    by_whom: dict[tuple[str, str | None], list[Call]] = {}
    for call in calls:
        by_whom.setdefault((call.receiver, call.person), []).append(call)
    found = []
    for (receiver, person), every in by_whom.items():
        theirs = starts(every)  # two channels of one receiver ring the same people once
        numbers = [sum(begins <= call.at < ends for call in theirs) if share else None
                   for (_, begins, ends), share in zip(asked.bounds(), known, strict=True)]
        found.append(Load(receiver, person, tuple(numbers), sum(not asked.office.is_open(one.at) for one in theirs)))
    return sorted(found, key=lambda load: (-sum(one or 0 for one in load.calls), load.receiver, load.person or ""))

"""How an error budget was spent, hour by hour and day by day: what the page of an objective draws. Pure."""

from __future__ import annotations

import dataclasses
import datetime
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence

from alertd.model import DAY, HOUR, Millis
from alertd.slo.budget import Status
from alertd.slo.window import UTC, Calendar

RATES = (("6 hours", 6 * HOUR), ("1 day", DAY), ("3 days", 3 * DAY))  # beside the last hour, which the status knows
ENOUGH = 0.5  # of some time must be known for a rate over it


@dataclasses.dataclass(frozen=True, slots=True)
class Spent:
    """An hour: how many bad events the objective allowed for its events, how many there were, which share is known."""

    start: Millis
    allowed: float
    bad: float
    known: float
    events: float


@dataclasses.dataclass(frozen=True, slots=True)
class Day:
    """A day of the window, by the clocks of its zone: the share of the budget that it spent, and its burn rate (None:
    unknown)."""

    date: datetime.date
    spent: float | None
    rate: float | None

    @property
    def state(self) -> str:
        """unknown; ok below the rate that lasts the window, at_risk above it, exhausted above ten times that."""
        if self.rate is None:
            return "unknown"
        return "ok" if self.rate <= 1 else "at_risk" if self.rate <= 10 else "exhausted"


@dataclasses.dataclass(frozen=True, slots=True)
class Drawn:
    """`left` after each hour of the window (None where the hour is unknown) at `times` (seconds), the burn rate over
    each of RATES, and the days of the window."""

    times: tuple[int, ...]
    left: tuple[float | None, ...]
    rates: tuple[tuple[str, float | None], ...]
    days: tuple[Day, ...]


def draw(status: Status, hours: Sequence[Spent]) -> Drawn:
    """From the hours of its window, in order; missing ones are unknown. All that was allowed in the window until now
    is the whole budget."""
    by_start = {hour.start: hour for hour in hours}
    whole = sum(hour.allowed for hour in hours)
    times, left, spent = [], list[float | None](), 0.0
    for start in range(status.since, status.at, HOUR):
        hour = by_start.get(start)
        spent += hour.bad if hour else 0.0
        times.append((start + HOUR) // 1000)
        left.append(1 - spent / whole if hour and hour.known and whole else None)
    rates = (("hour", status.burn_rate), *((name, _rate(status, by_start, length)) for name, length in RATES))
    return Drawn(tuple(times), tuple(left), rates, tuple(_days(status, by_start, whole)))


def zone_of(status: Status) -> zoneinfo.ZoneInfo:
    """By whose clocks its days are: those of a window of the calendar, else UTC."""
    window = status.slo.window
    return window.timezone if isinstance(window, Calendar) else UTC


def _days(status: Status, by_start: Mapping[Millis, Spent], whole: float) -> Iterator[Day]:
    """A day has the hours that begin in it: 23 or 25 where the clocks change."""
    zone = zone_of(status)
    date = datetime.datetime.fromtimestamp(status.since / 1000, zone).date()
    while (begins := _midnight(date, zone)) < status.at:
        after = date + datetime.timedelta(days=1)
        yield _day(date, [by_start[at] for at in range(begins, _midnight(after, zone), HOUR) if at in by_start], whole)
        date = after


def _midnight(date: datetime.date, zone: zoneinfo.ZoneInfo) -> Millis:
    """Or the full hour after it."""
    at = round(datetime.datetime.combine(date, datetime.time(), zone).timestamp() * 1000)
    return -(-at // HOUR) * HOUR


def days(status: Status, hours: Sequence[Spent], since: Millis, number: int) -> tuple[float | None, ...]:
    """The share of the budget that each of these days spent, from `since` on."""
    whole = status.bad / (1 - status.budget_remaining) if status.bad and status.budget_remaining not in (None, 1) else (
        (status.events or 0.0) * (1 - status.slo.objective))
    by_start = {hour.start: hour for hour in hours}
    found = []
    for start in range(since, since + number * DAY, DAY):
        theirs = [by_start[at] for at in range(start, start + DAY, HOUR) if at in by_start]
        found.append(_day(datetime.date.min, theirs, whole).spent)
    return tuple(found)


def _rate(status: Status, by_start: Mapping[Millis, Spent], length: Millis) -> float | None:
    """Up to now; of the oldest hour, which lies in it in part, as much as if all were even."""
    since = status.at - length
    hours = [(by_start[start], min((start + HOUR - since) / HOUR, 1.0))
             for start in range(since // HOUR * HOUR, status.at, HOUR) if start in by_start]
    if sum(hour.known * share for hour, share in hours) < ENOUGH * length / HOUR:
        return None
    allowed = sum(hour.allowed * share for hour, share in hours)
    return sum(hour.bad * share for hour, share in hours) / allowed if allowed else 0.0


def _day(date: datetime.date, hours: Sequence[Spent], whole: float) -> Day:
    if not hours or not any(hour.known for hour in hours):
        return Day(date, None, None)
    bad, allowed = sum(hour.bad for hour in hours), sum(hour.allowed for hour in hours)
    known = sum(hour.known for hour in hours) / len(hours)
    return Day(date, bad / whole if whole else None,
               None if known < ENOUGH else bad / allowed if allowed else 0.0)

"""How an error budget was spent, hour by hour and day by day: what the page of an objective draws. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from alertd.model import DAY, HOUR, Millis
from alertd.slo.budget import Status

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
    """A day of the window: the share of the budget that it spent, and its burn rate (None: unknown)."""

    start: Millis
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
    first = status.since // DAY * DAY
    found = tuple(_day(by_start, start, whole) for start in range(first, status.at, DAY))
    return Drawn(tuple(times), tuple(left), rates, found)


def days(status: Status, hours: Sequence[Spent], since: Millis, number: int) -> tuple[float | None, ...]:
    """The share of the budget that each of these days spent, from `since` on."""
    whole = status.bad / (1 - status.budget_remaining) if status.bad and status.budget_remaining not in (None, 1) else (
        (status.events or 0.0) * (1 - status.slo.objective))
    by_start = {hour.start: hour for hour in hours}
    return tuple(_day(by_start, since + day * DAY, whole).spent for day in range(number))


def _rate(status: Status, by_start: Mapping[Millis, Spent], length: Millis) -> float | None:
    """Up to now; of the oldest hour, which lies in it in part, as much as if all were even."""
    since = status.at - length
    hours = [(by_start[start], min((start + HOUR - since) / HOUR, 1.0))
             for start in range(since // HOUR * HOUR, status.at, HOUR) if start in by_start]
    if sum(hour.known * share for hour, share in hours) < ENOUGH * length / HOUR:
        return None
    allowed = sum(hour.allowed * share for hour, share in hours)
    return sum(hour.bad * share for hour, share in hours) / allowed if allowed else 0.0


def _day(by_start: Mapping[Millis, Spent], start: Millis, whole: float) -> Day:
    hours = [by_start[at] for at in range(start, start + DAY, HOUR) if at in by_start]
    if not hours or not any(hour.known for hour in hours):
        return Day(start, None, None)
    bad, allowed = sum(hour.bad for hour in hours), sum(hour.allowed for hour in hours)
    known = sum(hour.known for hour in hours) / len(hours)
    return Day(start, bad / whole if whole else None,
               None if known < ENOUGH else bad / allowed if allowed else 0.0)

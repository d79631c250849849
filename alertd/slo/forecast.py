"""When a budget will be gone, or be back. Old errors leave a rolling window, hour by hour, as they grow old."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from alertd.model import HOUR, Millis
from alertd.slo.counts import SLOTS

RECENT = 24  # hours that the time to come is taken to be like; a day holds the quiet hours and the busy ones


@dataclasses.dataclass(frozen=True, slots=True)
class Spending:
    """Of some time: the bad events that the objective allowed for its events, and those there were."""

    allowed: float = 0.0
    bad: float = 0.0

    @property
    def left(self) -> float:
        return self.allowed - self.bad

    def __add__(self, other: Spending) -> Spending:
        return Spending(self.allowed + other.allowed, self.bad + other.bad)

    def __sub__(self, other: Spending) -> Spending:
        return Spending(self.allowed - other.allowed, self.bad - other.bad)

    def __mul__(self, times: float) -> Spending:
        return Spending(self.allowed * times, self.bad * times)


@dataclasses.dataclass(frozen=True, slots=True)
class Forecast:
    """If the time to come is like the last day: when nothing will be left (`exhausted_at`), or, where nothing is left
    now, when something will be again (`back_at`). Both None: neither, within one window from now. With `unknown` there
    is no forecast, for that reason."""

    exhausted_at: Millis | None = None
    back_at: Millis | None = None
    unknown: str = ""


def rolling(hours: Sequence[Spending], per_hour: Spending, now: Millis) -> Forecast:
    """Of a window with these hours, the oldest first; each hour to come is like `per_hour`, and the oldest goes."""
    left = sum(hour.left for hour in hours)
    return _turn(left, (per_hour.left - hour.left for hour in hours), now)


def calendar(so_far: Spending, per_hour: Spending, now: Millis, end: Millis) -> Forecast:
    """Of a window that nothing leaves until it begins anew, at `end`."""
    found = _turn(so_far.left, (per_hour.left for _ in range((end - now) // HOUR)), now)
    return Forecast(back_at=end) if so_far.left <= 0 and found.back_at is None else found


def _turn(left: float, changes: Iterator[float], now: Millis) -> Forecast:
    """When what is left, which changes by these hour by hour, comes to nothing or is more than nothing again."""
    gone = left <= 0
    for hour, change in enumerate(changes):
        before, left = left, left + change
        if gone != (left <= 0):
            # within the hour, as if it changed evenly; to the slot, since nothing is known finer than that
            share = round(before / (before - left) * SLOTS) / SLOTS
            at = now + hour * HOUR + round(share * HOUR)
            return Forecast(back_at=at) if gone else Forecast(exhausted_at=at)
    return Forecast()

"""Events and bad ones over time, of one group of an objective: any window of them is a difference of two sums."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Mapping

from alertd.model import HOUR, Millis


class Counts:
    """Made of how many events there were in the spans that ended at each time, and how many of them were bad; a span
    that nothing is known of is left out."""

    def __init__(self, events: Mapping[Millis, float], bad: Mapping[Millis, float]) -> None:
        self._times = sorted(events)
        self._events = [0.0, *itertools.accumulate(events[at] for at in self._times)]
        self._bad = [0.0, *itertools.accumulate(bad.get(at, 0.0) for at in self._times)]
        self._hours = sorted({-(-at // HOUR) for at in self._times})

    @property
    def first(self) -> Millis:
        """The time of the first span that is known."""
        return self._times[0]

    def within(self, start: Millis, end: Millis) -> tuple[float, float]:
        """Events and bad ones after `start` up to `end`."""
        low, high = (bisect.bisect_right(self._times, at) for at in (start, end))
        return self._events[high] - self._events[low], self._bad[high] - self._bad[low]

    def coverage(self, window: Millis, now: Millis) -> float:
        """The share of the full hours of `window` up to `now` of which something is known."""
        hour = now // HOUR
        low, high = (bisect.bisect_right(self._hours, at) for at in (hour - window // HOUR, hour))
        return (high - low) * HOUR / window


def grouped(events: Iterable[tuple[tuple[tuple[str, str], ...], Mapping[Millis, float]]],
            bad: Mapping[tuple[tuple[str, str], ...], Mapping[Millis, float]]
            ) -> dict[tuple[tuple[str, str], ...], Counts]:
    """By the group's labels; bad events exist where events do."""
    return {labels: Counts(its, bad.get(labels, {})) for labels, its in events if its}

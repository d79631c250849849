"""What is counted of an objective, by the hour.

Prometheus has a row for each slot of five minutes: the row at the mark M of the clock counts what happened from six
minutes to one minute before M (alertd.rulegen.rows says why). The twelve rows at the marks behind the full hour H, up
to the next one, are the hour H here: it begins and ends a minute before the clock's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from alertd.model import HOUR, MINUTE, Millis

SLOT: Millis = 5 * MINUTE
DELAY: Millis = 1 * MINUTE  # by which a slot ends before its mark
SLOTS = HOUR // SLOT


@dataclasses.dataclass(frozen=True, slots=True)
class Count:
    """Events, and the bad ones among them. Whole numbers but for resets, where Prometheus estimates."""

    events: float = 0.0
    bad: float = 0.0

    def __add__(self, other: Count) -> Count:
        return Count(self.events + other.events, self.bad + other.bad)

    def __sub__(self, other: Count) -> Count:
        return Count(self.events - other.events, self.bad - other.bad)

    def __mul__(self, share: float) -> Count:
        return Count(self.events * share, self.bad * share)


NOTHING = Count()
Slots = tuple[Count | None, ...]  # twelve; None where nothing is known


@dataclasses.dataclass(frozen=True, slots=True)
class Hour:
    """One hour of one series. `known` is the share of it that has rows; `slots` is empty where all of it is known and
    nothing bad happened: then it does not matter how the events lie in the hour."""

    start: Millis
    count: Count
    known: float
    slots: Slots = ()

    def slot(self, index: int) -> Count | None:
        """What one of its slots counts; None where that is not known."""
        if self.slots:
            return self.slots[index]
        return self.count * (1 / SLOTS) if self.known else None


def hour_of(mark: Millis) -> Millis:
    """The hour that the row at this mark belongs to."""
    return (mark - 1) // HOUR * HOUR


def hours(rows: Mapping[Millis, Count]) -> list[Hour]:
    """The hours that have rows, given by their marks, in order."""
    by_hour: dict[Millis, list[Count | None]] = {}
    for mark, count in rows.items():
        slots = by_hour.setdefault(hour_of(mark), [None] * SLOTS)
        slots[(mark - hour_of(mark)) // SLOT - 1] = count
    return [_hour(start, tuple(slots)) for start, slots in sorted(by_hour.items())]


def _hour(start: Millis, slots: Slots) -> Hour:
    known = [slot for slot in slots if slot is not None]
    count = total(known)
    return Hour(start, count, len(known) / SLOTS, slots if count.bad or len(known) < SLOTS else ())


def total(counts: Iterable[Count]) -> Count:
    """All of them together."""
    events = bad = 0.0
    for count in counts:
        events += count.events
        bad += count.bad
    return Count(events, bad)


def span(start: Millis, index: int) -> tuple[Millis, Millis]:
    """When a slot of the hour `start` began and ended."""
    begins = start + index * SLOT - DELAY
    return begins, begins + SLOT


def within(hour: Hour, since: Millis, until: Millis) -> Count:
    """What of the hour happened from `since` to before `until`; a slot that is cut counts by its part."""
    parts = []
    for index in range(SLOTS):
        begins, ends = span(hour.start, index)
        share = (min(ends, until) - max(begins, since)) / SLOT
        slot = hour.slot(index) if share > 0 else None
        if slot is not None:
            parts.append(slot * min(share, 1.0))
    return total(parts)

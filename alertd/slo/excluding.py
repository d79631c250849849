"""Maintenance taken out of a budget, also after the fact."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from alertd.matchers import Matcher
from alertd.model import Labels, Millis
from alertd.schedule import Stretch
from alertd.slo.counts import NOTHING, SLOT, SLOTS, Count, Hour, span, total


@dataclasses.dataclass(frozen=True, slots=True)
class Exclusion:
    """A stretch of time that does not count for the objectives whose labels (`service`, `slo`, and those it is split
    by) all matchers match. `origin` names the maintenance window it comes from, "" where a person asked for it;
    `undone_at` is when somebody took it back."""

    id: str
    matchers: tuple[Matcher, ...]
    starts: Millis
    ends: Millis
    reason: str
    creator: str
    made_at: Millis
    origin: str = ""
    undone_at: Millis | None = None
    undone_by: str | None = None

    def covers(self, labels: Labels) -> bool:
        """Whether it holds for what has these labels."""
        return self.undone_at is None and self.matches(labels)

    def matches(self, labels: Labels) -> bool:
        """The same, taken back or not."""
        return all(matcher.matches(labels) for matcher in self.matchers)


@dataclasses.dataclass(frozen=True, slots=True)
class Out:
    """What of an hour does not count, and which share of its time that is."""

    count: Count = NOTHING
    share: float = 0.0


def stretches(exclusions: Iterable[Exclusion], labels: Labels) -> list[Stretch]:
    """When nothing counts for an objective with these labels, in order; what overlaps or touches is one."""
    merged: list[Stretch] = []
    for starts, ends in sorted((one.starts, one.ends) for one in exclusions if one.covers(labels)):
        if merged and starts <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], ends)
        elif starts < ends:
            merged.append((starts, ends))
    return merged


def out(hour: Hour, taken: Sequence[Stretch], beside: Mapping[Millis, Hour]) -> Out:
    """What is taken out of `hour`; `beside` holds it and its neighbours by their starts.

    A slot that lies in a stretch goes as a whole. One that is cut keeps what its neighbour outside leads to expect
    for the part that stays: a failure that the maintenance caused begins within it, one that was there before goes on
    as it was.
    """
    shares = [_share(hour.start, index, taken) for index in range(SLOTS)]
    counts = []
    for index, share in enumerate(shares):
        slot = hour.slot(index) if share else None
        if slot is None:
            continue
        outside = _outside(hour.start, index, taken, beside) if share < 1 else None
        counts.append(slot * share if outside is None else slot - _least(slot, outside * (1 - share)))
    return Out(total(counts), sum(shares) / SLOTS)


def _share(start: Millis, index: int, taken: Sequence[Stretch]) -> float:
    begins, ends = span(start, index)
    covered = sum(max(0, min(ends, until) - max(begins, since)) for since, until in taken)
    return covered / SLOT


def _outside(start: Millis, index: int, taken: Sequence[Stretch], beside: Mapping[Millis, Hour]) -> Count | None:
    """The mean of the slots next to this one that lie outside; None where none is known."""
    found = []
    for step in (-1, 1):
        place = index + step
        at = start + place // SLOTS * SLOTS * SLOT
        place %= SLOTS
        hour = beside.get(at)
        slot = hour.slot(place) if hour and not _share(at, place, taken) else None
        if slot is not None:
            found.append(slot)
    return total(found) * (1 / len(found)) if found else None


def _least(one: Count, other: Count) -> Count:
    return Count(min(one.events, other.events), min(one.bad, other.bad))

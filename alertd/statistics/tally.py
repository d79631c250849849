"""What happened, counted by the hour: what the statistics and the noise of a digest are summed from. Pure.

Everything is counted where it happened, to the quarter of an hour, and of what is over only: an hour that is over
itself can then be counted once and kept. Counted are, of alerts, those that ended; of incidents by kinds of alerts,
those that were resolved.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence, Set

from alertd.model import DAY, HOUR, MINUTE, Millis
from alertd.statistics.record import AlertKind, Case, Counts

QUARTER: Millis = 15 * MINUTE  # on which every zone's weeks begin
GRACE: Millis = 10 * MINUTE  # after its end nothing is written into an hour any more, whoever's clock is late

FOREVER: Millis = 2**62

Range = tuple[Millis, Millis]  # from the first moment to the one that is no part of it


def hour_of(at: Millis) -> Millis:
    """When its hour began."""
    return at - at % HOUR


def quarter_of(at: Millis) -> Millis:
    """When its quarter of an hour began."""
    return at - at % QUARTER


@dataclasses.dataclass(slots=True)
class Slot:
    """A quarter of an hour: incidents that opened, those that somebody first took care of, those that ended; and how
    long that took in all, in milliseconds."""

    opened: int = 0
    acknowledged: int = 0
    to_acknowledge: Millis = 0
    ended: int = 0
    to_resolve: Millis = 0

    def add(self, other: Slot) -> None:
        """Those of another one."""
        self.opened += other.opened
        self.acknowledged += other.acknowledged
        self.to_acknowledge += other.to_acknowledge
        self.ended += other.ended
        self.to_resolve += other.to_resolve


@dataclasses.dataclass(frozen=True, slots=True)
class Ring:
    """Critical starts of a team for which a receiver, or one person of it, was first called at this moment, or in the
    quarter of an hour that begins then; `first`: before anybody else was."""

    at: Millis
    receiver: str
    person: str | None
    team: str = ""
    number: int = 1
    first: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class Tally:
    """All of it of some time. `since`: of what was before nothing is known, None where nothing ever was; `cut`: there
    were more alerts than are looked at."""

    slots: Mapping[Millis, Slot] = dataclasses.field(default_factory=dict)
    rings: Sequence[Ring] = ()
    kinds: Mapping[AlertKind, Counts] = dataclasses.field(default_factory=dict)
    since: Millis | None = None
    cut: bool = False


def slots_of(cases: Iterable[Case], since: Millis = 0, until: Millis = FOREVER) -> dict[Millis, Slot]:
    """What happened to incidents from `since` to before `until`: each where it opened, where somebody came and where it
    ended."""
    found: dict[Millis, Slot] = {}

    def at(moment: Millis | None) -> Slot:
        inside = moment is not None and since <= moment < until
        return found.setdefault(quarter_of(moment), Slot()) if moment is not None and inside else Slot()

    for one in cases:
        at(one.opened_at).opened += 1
        if one.acknowledged_at is not None:
            at(one.acknowledged_at).add(Slot(acknowledged=1, to_acknowledge=one.acknowledged_at - one.opened_at))
        if one.resolved_at is not None:
            at(one.resolved_at).add(Slot(ended=1, to_resolve=one.resolved_at - one.opened_at))
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class Cover:
    """Of which days and hours the figures are kept that make up a stretch of time, and what is left to count."""

    days: Sequence[Range]
    hours: Sequence[Range]
    rest: Sequence[Range]


def cover(since: Millis, until: Millis, hours: Set[Millis], days: Set[Millis]) -> Cover:
    """How to make it up of the days and hours that are kept, each by when it began."""
    found: dict[Millis, list[Range]] = {DAY: [], HOUR: [], 0: []}
    kept, at = sorted({*hours, *days}), since
    while at < until:
        if at in days and at + DAY <= until:
            length, step = DAY, DAY
        elif at in hours and at + HOUR <= until:
            length, step = HOUR, HOUR
        else:
            place = bisect_left(kept, at + 1)
            length, step = 0, min(until, kept[place] if place < len(kept) else until) - at
        ranges = found[length]
        if ranges and ranges[-1][1] == at:
            ranges[-1] = ranges[-1][0], at + step
        else:
            ranges.append((at, at + step))
        at += step
    return Cover(found[DAY], found[HOUR], found[0])

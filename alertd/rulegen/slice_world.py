"""Slices of time in the worlds of generated tests: what is shown so that a slice is good or bad, and which they are,
told slice by slice in plain Python."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from alertd.model import MINUTE, SECOND, Millis
from alertd.rulegen.declared import Condition, Fresh, Holds
from alertd.rulegen.differences import DELAY
from alertd.rulegen.indicator import Sliced
from alertd.rulegen.scenarios import notation

Phases = Sequence[tuple[int, int]]  # minutes, and by how much a counter grows in each
Verdict = bool | None  # whether a slice is bad; None is not known

_HAIR = Decimal("1e-6")  # of a bound: the nearest value on its other side


@dataclasses.dataclass(frozen=True, slots=True)
class Values:
    """A gauge: its value at each minute from 0 on, None where it is not there."""

    values: tuple[Decimal | None, ...]

    def notation(self) -> str:
        return notation(self.values)


@dataclasses.dataclass(frozen=True, slots=True)
class Tally:
    """How many there were up to each minute."""

    counts: tuple[int, ...]

    def at(self, minute: int) -> int:
        return self.counts[min(minute, len(self.counts) - 1)] if minute >= 0 else 0


def ends(length: Millis, last: int) -> Iterator[int]:
    """The minutes at which slices end, up to the minute `last`: those of five minutes with the slots of the rows."""
    minutes = length // MINUTE
    return (minute for minute in range(last + 1) if (minute + DELAY // MINUTE) % minutes == 0)


def tallies(verdicts: Iterable[tuple[int, Verdict]]) -> tuple[Tally, Tally]:
    """The known slices and the bad ones, of slices given with the minutes they end at."""
    known, bad = [0], [0]
    for minute, verdict in verdicts:
        for counts, one in ((known, verdict is not None), (bad, verdict is True)):
            counts.extend([counts[-1]] * (minute + 1 - len(counts)))
            counts[-1] += one
    return Tally(tuple(known)), Tally(tuple(bad))


def over(most: Decimal, events: int, bad: int) -> Verdict:
    """Whether more than the share `most` of a slice's events is bad."""
    part, whole = most.as_integer_ratio()
    return bad * whole > events * part if events else None


def events(sliced: Sliced, bad: Phases, good: Phases) -> tuple[Phases, Phases]:
    """The bad and the good events of which these are the slices: in a good slice as many bad ones as may be, in a bad
    one the fewest that may not."""
    part, whole = sliced.most.as_integer_ratio()
    some: list[tuple[int, int]] = []
    rest: list[tuple[int, int]] = []
    for (minutes, is_bad), (_, is_good) in zip(bad, good, strict=True):
        failed = part + 1 if is_bad else part if is_good else 0
        some.append((minutes, failed))
        rest.append((minutes, whole - failed if is_bad or is_good else 0))
    return some, rest


def gauge(of: Condition | Fresh, bad: Phases, good: Phases) -> Values:
    """What the gauge shows in these slices: the nearest to its bound that does; nothing at minute 0 and in minutes that
    are neither good nor bad."""
    values: list[Decimal | None] = [None]
    for (minutes, is_bad), (_, is_good) in zip(bad, good, strict=True):
        for _ in range(minutes):
            values.append(_value(of, bool(is_bad), len(values)) if is_bad or is_good else None)
    return Values(tuple(values))


def _value(of: Condition | Fresh, bad: bool, minute: int) -> Decimal:
    if isinstance(of, Fresh):
        return Decimal(minute * MINUTE - of.within - (SECOND if bad else 0)) / SECOND
    hair = _HAIR.scaleb(max(of.bound.adjusted(), 0))
    if of.holds is Holds.EQUAL:
        return of.bound + (hair if minute % 2 else -hair) if bad else of.bound
    below = of.holds in (Holds.LESS, Holds.AT_MOST)
    at_bound = (of.holds in (Holds.LESS, Holds.MORE)) == bad
    return of.bound if at_bound else of.bound + (hair if below == bad else -hair)


def judged(of: Condition | Fresh, shown: Sequence[Values], length: Millis) -> Iterator[tuple[int, Verdict]]:
    """Each slice with the minute it ends at. The worst sample of all series decides."""
    last = max((len(line.values) for line in shown), default=0) - 1
    minutes = length // MINUTE
    for end in ends(length, last):
        seen = [[value for value in line.values[max(end - minutes + 1, 0):end + 1] if value is not None]
                for line in shown]
        broken = [_broken(of, values, end) for values in seen if values]
        yield end, any(broken) if broken else None


def _broken(of: Condition | Fresh, values: Sequence[Decimal], end: int) -> bool:
    if isinstance(of, Fresh):
        return end * MINUTE // SECOND - max(values) > Decimal(of.within) / SECOND
    holds = {Holds.LESS: max(values) < of.bound, Holds.AT_MOST: max(values) <= of.bound,
             Holds.MORE: min(values) > of.bound, Holds.AT_LEAST: min(values) >= of.bound,
             Holds.EQUAL: min(values) == max(values) == of.bound}
    return not holds[of.holds]

"""The tests of the records that events are counted in: every one of them is there, whatever targets and Prometheus do.

They are evaluated at every second mark only, as if the others had been missed. Slices of time have tests of their own:
what a row of theirs missed is not known.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from alertd.model import HOUR, MINUTE, Millis
from alertd.rulegen import promql, slo_world
from alertd.rulegen.declared import Service
from alertd.rulegen.differences import DELAY, GAP, SLOT
from alertd.rulegen.objectives import Watch
from alertd.rulegen.scenarios import Sample, Scenario, notation, series
from alertd.rulegen.slo_world import Judge, Line, Phases, Shown, shown

EVALUATED: Millis = 2 * SLOT
_SLOT, _EVERY, _GAP = SLOT // MINUTE, EVALUATED // MINUTE, GAP // MINUTE
_MARK = 7 * _EVERY  # something happens in the slot that is counted here
_WHEN = _MARK - DELAY // MINUTE - 3  # the minute of it
_END = 20 * _EVERY  # behind it by more than an hour, and by more than the newest minutes, which may be estimated
_BEGIN = _EVERY - _SLOT - DELAY // MINUTE  # the first row's slot
_OPEN = 2 * SLOT + DELAY  # since the last mark but one, less the delay
_BROKEN = 150  # minutes, after which the total begins anew
_OLD = 5000  # what counters showed before anybody looked

_Values = Sequence[Decimal | int | None]
_Seen = Callable[[Line], _Values]  # what Prometheus sees of a counter, minute by minute


@dataclasses.dataclass(frozen=True, slots=True)
class _World:
    """`together` are shown something, their bad events marked in the way `which`."""

    service: Service
    together: tuple[Watch, ...]
    which: int

    def scenario(self, name: str, bad: Phases, good: Phases, seen: _Seen, up: _Values, *, soon: bool = False,
                 end: int = _END) -> Scenario:
        """What the records are at the `end`, and just before and `soon` after what happens."""
        lines = [one for watch in self.together
                 for one in shown(watch, bad, good, self.which, **dict.fromkeys(watch.tracked.by, "a"))]
        text = {series(one.metric, one.labels): notation(seen(one.line)) for one in lines if isinstance(one.line, Line)}
        text |= {series("up", labels): notation(up) for labels in slo_world.targets(self.service, self.together)}
        samples = tuple(sample for watch in self.together for sample in _counted(watch, lines, soon, end))
        return Scenario(f"Records, {name}, marked in way {self.which + 1}", text, (), samples)


def _counted(watch: Watch, lines: Sequence[Shown], soon: bool, end: int) -> Iterator[Sample]:
    """Up to now; up to the newest row; in the hour before that; and since the rows that have settled."""
    counts, = Judge(watch, (), lines).groups.values()
    window, row = watch.tracked.window, end - DELAY // MINUTE
    asked = [(f"increase{promql.duration(window)}", minute, minute, window) for minute in [_MARK] * soon + [end]]
    asked.append(("increase1h", end, row, HOUR))
    if soon:
        asked.append(("open", _MARK - _EVERY, _MARK - _EVERY, _OPEN))
        asked.append(("total", _MARK - _EVERY, _MARK - _EVERY - DELAY // MINUTE, end * MINUTE))
    if end == _END:  # after a long absence the total begins anew
        asked.append(("total", end, row, end * MINUTE))
    events, bad = counts.within(_EVERY, window)
    if events and not bad:  # none, before a row has settled too
        first = slo_world.recorded(watch, "bad", f"increase{promql.duration(window)}")
        yield Sample(_EVERY, first, 0)
    for record, at, minute, span in asked:
        events, bad = counts.within(minute, span)
        for what, count in (("events", events), ("bad", bad)):  # bad ones are there where events are, if only as none
            yield Sample(at, f"round({slo_world.recorded(watch, what, record)})", count if events else None)


def scenarios(service: Service, together: Sequence[Watch]) -> Iterator[Scenario]:
    """Of objectives that can be shown something at once, for each way in which an event is marked."""
    for which in range(max(len(slo_world.ways(watch)) for watch in together)):
        yield from _scenarios(_World(service, tuple(together), which))


def _scenarios(world: _World) -> Iterator[Scenario]:
    before, after = _WHEN - 12, _END - _WHEN
    alive = [1] * (_END + 1)
    yield world.scenario("every second evaluation is missed", [(_BEGIN, 0), (86, 2), (_END - 90, 3)],
                         [(_BEGIN, 0), (86, 7), (_END - 90, 90)], _all, alive, soon=True)
    phases: Phases = [(10, 0), (before - 10, 1), (10, 0), (1, 1), (1, 0), (after, 30)]
    yield world.scenario("restarted, and past the old count before the slot ends", phases, phases, _Restarted(_WHEN),
                         alive)
    phases = [(10, 0), (before - 10, 1), (11, 0), (1, 2), (5, 0), (after - 5, 3)]
    yield world.scenario("restarted in a slot that was missed", phases, phases, _Restarted(_WHEN - _SLOT), alive,
                         soon=True)
    if all(watch.tracked.indicator.scraped for watch in world.together):  # else nothing tells birth from joining
        lengths = (_BEGIN, _WHEN - 1 - _BEGIN, 1, after)
        bad = [*zip(lengths, (0, 0, 4, 2), strict=True)]
        for name, rates in (("born on a target that was scraped", (0, 1, 1, 1)),
                            ("all born on a target that was scraped", (0, 0, 3, 1)),
                            ("born on a target that was scraped, and nothing good ever", (0, 0, 0, 0))):
            yield world.scenario(name, bad, [*zip(lengths, rates, strict=True)], _born, alive, soon=True)
    phases = [(_WHEN, 0), (after, 20)]
    yield world.scenario("joined with a history", phases, phases, _joined, [0] * _WHEN + [1] * (after + 1), soon=True)
    if not world.which:  # they are long, and the rows of all ways are of one text
        yield _away(world, _BROKEN, True)
        yield _away(world, _GAP, True)
        yield _away(world, _GAP + _EVERY, False)


def _away(world: _World, gap: int, told: bool) -> Scenario:
    """From the last row to the one after it lie `gap` minutes; what was counted in between is `told`, or not known."""
    last, back = _MARK - 1, _MARK - 1 + gap
    missed = 4 if told else 0
    phases: Phases = [(10, 0), (last - 10, 3), (gap - 1, 0), (1, missed), (60, 1)]
    up = [1] * (last + 1) + [0] * (gap - 1) + [1] * 61
    end = (back + 61) // _EVERY * _EVERY
    return world.scenario(f"away for {promql.duration(gap * MINUTE)}", phases, phases, _Away(last, back, 4 - missed),
                          up, end=end)


@dataclasses.dataclass(frozen=True, slots=True)
class _Away:
    """Not scraped behind minute `last` until `back`, where the counter has grown by `more` that nobody knows of."""

    last: int
    back: int
    more: int

    def __call__(self, line: Line) -> _Values:
        seen = [line.at(minute) for minute in range(self.last + 1)]
        after = [line.at(minute) + self.more for minute in range(self.back, line.ends[-1] + 1)]
        return [*seen, *[None] * (self.back - self.last - 1), *after]


def _all(line: Line) -> _Values:
    return [line.at(minute) for minute in range(_END + 1)]


@dataclasses.dataclass(frozen=True, slots=True)
class _Restarted:
    """It begins with 0 again at minute `when`."""

    when: int

    def __call__(self, line: Line) -> _Values:
        return [line.at(minute) - (line.at(self.when) if minute >= self.when else 0) for minute in range(_END + 1)]


def _born(line: Line) -> _Values:
    return [line.at(minute) or None for minute in range(_END + 1)]


def _joined(line: Line) -> _Values:
    return [None] * _WHEN + [_OLD + line.at(minute) for minute in range(_WHEN, _END + 1)]



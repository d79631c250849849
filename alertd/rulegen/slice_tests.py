"""The tests of the records that slices of time are counted in: something happens in one minute, and every evaluation
from then on is asked what is known of it.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterator, Sequence

from alertd.model import MINUTE, SECOND, Millis
from alertd.rulegen import promql, slo_world
from alertd.rulegen.declared import Service
from alertd.rulegen.differences import DELAY, SETTLED, SLOT
from alertd.rulegen.indicator import Sliced
from alertd.rulegen.objectives import Watch
from alertd.rulegen.scenarios import Sample, Scenario, notation, series
from alertd.rulegen.slice_world import Values
from alertd.rulegen.slo_world import Counts, Judge, Line, counted, shown

# At another second of each minute. From a minute behind a mark on, the slice that ended at the mark is read apart; the
# one before it never, since it is in the row: one evaluation is 69 s behind a mark, one is 56 s.
EVALUATED: Millis = 41 * SECOND
_SCRAPED: Millis = 30 * SECOND  # a slice has two samples
_ROW, _DELAY = SLOT // MINUTE, DELAY // MINUTE
_WHEN = _ROW  # the minute in which it happens, the first of a row's
_END = _WHEN + _ROW + 1
_AT, _LAST = 2 * _WHEN, 2 * _END  # the samples at their ends
_UP = (1,) * (_LAST + 1)
_OLD = 5000  # what counters showed before anybody looked


class _Of(enum.Enum):
    """What a counter is of."""

    BAD = enum.auto()
    BESIDE = enum.auto()  # of the other events, which the bad ones are no part of
    OTHER = enum.auto()


_Values = Sequence[int | None]
_Seen = Callable[[Line, _Of], _Values]  # what Prometheus sees of a counter


@dataclasses.dataclass(frozen=True, slots=True)
class _World:
    """`together` are shown something, their bad events marked in the way `which`."""

    service: Service
    together: tuple[Watch, ...]
    which: int

    def scenario(self, name: str, slices: str, seen: _Seen, up: _Values = _UP, unknown: str = "_") -> Scenario:
        """`slices`: a good one `+`, a bad one `-`, one that nothing is known of ` `, from minute 1 on. A gauge shows
        `unknown` then."""
        bad, good = ([(1, int(one == kind)) for one in slices] for kind in "-+")
        text: dict[str, str] = {}
        samples: list[Sample] = []
        for watch in self.together:
            lines = list(shown(watch, bad, good, self.which, **dict.fromkeys(watch.tracked.by, "a")))
            for of, one in zip(_of(watch, [one.metric for one in lines]), lines, strict=True):
                text[series(one.metric, one.labels)] = (_gauge(one.line, unknown) if isinstance(one.line, Values) else
                                                        notation(seen(one.line, of)))
            counts, = Judge(watch, (), lines).groups.values()
            samples += _asked(watch, counts)
        text |= {series("up", labels): notation(up) for labels in slo_world.targets(self.service, self.together)}
        return Scenario(f"Slices, {name}, marked in way {self.which + 1}", text, (), tuple(samples),
                        interval=_SCRAPED)


def _of(watch: Watch, metrics: Sequence[str]) -> Sequence[_Of]:
    """What the shown counters are of."""
    if not watch.counted.bad:
        return [_Of.OTHER] * len(metrics)
    return (_Of.BESIDE if len(set(metrics)) == 1 else _Of.OTHER), _Of.BAD


def _gauge(values: Values, unknown: str) -> str:
    each = [values.values[(at + 1) // 2] for at in range(_LAST + 1)]
    return " ".join(unknown if value is None else promql.number(value) for value in each)


def _asked(watch: Watch, counts: Counts) -> Iterator[Sample]:
    """The newest slices, up to those that have settled; and the row. Slices of five minutes are counted a minute behind
    their ends."""
    late = _DELAY if isinstance(watch.tracked.indicator, Sliced) and watch.tracked.indicator.length == SLOT else 0
    for at in range(-(-_WHEN * MINUTE // EVALUATED) * EVALUATED, _END * MINUTE, EVALUATED):
        newest, settled = at // MINUTE - late, (at - SETTLED) // SLOT * _ROW  # the last mark that has settled
        minute = -(-at // MINUTE)
        ago = minute * MINUTE - at
        yield from counted(watch, "open", minute, counts.within(newest, (newest - settled + _ROW + _DELAY) * MINUTE),
                           f" offset {promql.duration(ago)}" if ago else "")
    yield from counted(watch, "increase5m", _END, counts.within(_WHEN + _ROW - _DELAY, SLOT))


def scenarios(service: Service, together: Sequence[Watch]) -> Iterator[Scenario]:
    """Of objectives that can be shown something at once, for each way in which an event is marked."""
    for which in range(max(len(slo_world.ways(watch)) for watch in together) or 1):
        yield from _scenarios(_World(service, tuple(together), which))


def _scenarios(world: _World) -> Iterator[Scenario]:
    missed = [int(at not in range(_AT - 3, _AT)) for at in range(_LAST + 1)]
    yield world.scenario("a bad one behind a restart that was missed", "--- -+ ++++", _nothing_else_at_first, missed)
    yield world.scenario("a good one behind a restart that was missed", "--- ++ ++++", _nothing_bad_later, missed)
    bad, good = "    -+ ++++", "    ++ ++++"
    counters = [watch.tracked.indicator for watch in world.together if not watch.objective.gauge]
    if all(indicator.scraped for indicator in counters):  # else nothing tells birth from joining
        yield world.scenario("a bad one of counters born with it", bad, _born, unknown="NaN")
    came = [int(at >= _AT - 1) for at in range(_LAST + 1)]
    yield world.scenario("a bad one of a target that joined, and more", "    -+ --++", _joined, came)
    if not counters:
        return
    yield world.scenario("a good one of a target that joined", good, _joined, came)
    yield world.scenario("a good one among bad ones", "----+------", _all)
    if not world.which:  # what is read of all events is the same in all ways
        yield world.scenario("nothing yet of a target that joined", "     + ++++", _joined, came)
        if all(indicator.scraped for indicator in counters):
            yield world.scenario("a good one of counters born with it", good, _born)


def _all(line: Line, _: _Of) -> _Values:
    return [line.at(at // 2) for at in range(_LAST + 1)]


def _restarted(line: Line) -> list[int | None]:
    """It begins with 0 again while it is not scraped, after minute _WHEN - 2."""
    before = [line.at(at // 2) for at in range(_AT - 3)]
    return [*before, None, None, None, *(line.at(at // 2) - line.at(_WHEN - 2) for at in range(_AT, _LAST + 1))]


def _nothing_else_at_first(line: Line, of: _Of) -> _Values:
    """The first that happens after a restart is bad."""
    values = _restarted(line)
    if of is _Of.BESIDE:
        values[_AT:_AT + 2] = [None, None]
    return values


def _nothing_bad_later(line: Line, of: _Of) -> _Values:
    """The counter of bad events is not scraped again after the first time."""
    values = _restarted(line)
    if of is _Of.BAD:
        values[_AT + 1:] = [None] * (_LAST - _AT)
    return values


def _born(line: Line, _: _Of) -> _Values:
    return [line.at(at // 2) or None for at in range(_LAST + 1)]


def _joined(line: Line, _: _Of) -> _Values:
    return [None] * (_AT - 1) + [_OLD + line.at(at // 2) for at in range(_AT - 1, _LAST + 1)]

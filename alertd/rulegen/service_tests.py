"""The tests of a service's error rate and response times. A request is bad where it failed or was slow."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from alertd.model import MINUTE
from alertd.presets import Failure, Latency, Requests
from alertd.rulegen import counting, example, promql
from alertd.rulegen.declared import Service
from alertd.rulegen.scenarios import QUIET, Check, Leveled, Scenario, check, decimals, notation, series
from alertd.rulegen.threshold import LEAST_EVENTS, SLOW_SHARE

Counter = Sequence[int | None]  # its value at each minute from 0 on

_WINDOW = counting.WINDOW // MINUTE
_BEGIN = QUIET + 1  # the minute of the first request


@dataclasses.dataclass(frozen=True, slots=True)
class World:
    """One way in which a service shows its requests. `judged` are the levels of one alert that see the bad requests
    as bad, each with the share above which it fires; `apart` says that bad requests have series of their own, which
    need not exist, `again` that another world differs in spelling alone; `shows(bad, good)` are the series for
    two counters."""

    name: str
    apart: bool
    again: bool
    service: Service
    judged: tuple[tuple[Leveled, Decimal], ...]
    shows: Callable[[Counter, Counter], Mapping[str, Counter]]

    @property
    def alert(self) -> str:
        return self.judged[0][0].rule.alert

    @property
    def end(self) -> int:
        """A minute at which every level that is to fire does."""
        return _BEGIN + max(leveled.minutes for leveled, _ in self.judged) + _WINDOW

    def check(self, minute: int, share: Decimal) -> Check:
        """What fires at `minute` when this share of the requests was bad from _BEGIN on."""
        firing = [leveled for leveled, limit in self.judged
                  if share > limit and minute >= _BEGIN + leveled.minutes]
        return check(minute, self.alert, firing, {"service": self.service.name}, share)

    def scenario(self, what: str, bad: Counter, good: Counter, *checks: Check, up: bool = True) -> Scenario:
        shown = {name: notation(values) for name, values in self.shows(bad, good).items()}
        if up:
            shown[series("up", _target(self.service))] = notation([1] * (self.end + 1))
        return Scenario(f"{self.alert}, {self.name}: {what}", shown, checks)


def error_worlds(preset: Requests, service: Service, levels: tuple[Leveled, ...]) -> Iterator[World]:
    """Every way the preset marks failures."""
    base = example.labels(service.selector)
    judged = tuple((leveled, leveled.level.above) for leveled in levels)
    for failure in preset.failures:
        def shows(bad: Counter, good: Counter, failure: Failure = failure) -> Mapping[str, Counter]:
            return {series(preset.counter, base, failure.good): good, series(preset.counter, base, failure.bad): bad}

        yield World(f"failures marked {failure.match}", True, False, service, judged, shows)


def slow_worlds(preset: Latency, service: Service, levels: tuple[Leveled, ...]) -> Iterator[World]:
    """For each level requests just slower than it, with every spelling of its bucket. Levels of a shorter time see
    them as slow too."""
    base = example.labels(service.selector)
    least = counting.edge(preset, int(min(leveled.level.above for leveled in levels)))
    for leveled in levels:
        edge = counting.edge(preset, int(leveled.level.above))
        judged = tuple((other, SLOW_SHARE) for other in levels if other.level.above <= leveled.level.above)
        spellings = [promql.number(edge)] if edge % 1 else [promql.number(edge), f"{promql.number(edge)}.0"]
        for spelling in spellings:
            def shows(bad: Counter, good: Counter, edge: Decimal = edge, spelling: str = spelling
                      ) -> Mapping[str, Counter]:
                count = [None if slow is None or fast is None else slow + fast
                         for slow, fast in zip(bad, good, strict=True)]
                none = [None if every is None else 0 for every in count]
                fast = [None if every is None else some for every, some in zip(count, good, strict=True)]
                buckets = {promql.number(at): none if at < least else fast if at < edge else count
                           for at in service.buckets if at != edge}
                les = {**buckets, spelling: fast, "+Inf": count}
                return {series(f"{preset.histogram}_count", base): count,
                        **{series(f"{preset.histogram}_bucket", base, {"le": le}): values
                           for le, values in les.items()}}

            name = f'over {promql.duration(int(leveled.level.above))}, le="{spelling}"'
            yield World(name, False, spelling != spellings[0], service, judged, shows)


def scenarios(world: World) -> Iterator[Scenario]:
    """Everything that must and must not fire in one world."""
    limits = sorted({limit for _, limit in world.judged})
    events = 10 ** (max(2, decimals(limits)) + 2)  # a minute: one request more or less is a hair over or under
    for limit in limits:
        yield _over(world, limit, int(limit * events) + 1, events)
        yield _under(world, limit, int(limit * events) - 1, events)
    if world.again:
        return
    yield _no_traffic(world)
    yield _nothing_bad(world)
    yield _restart(world)
    yield from _behind_restart(world)
    yield from _few(world)


def _over(world: World, limit: Decimal, bad: int, events: int) -> Scenario:
    first = {_BEGIN + leveled.minutes for leveled, its in world.judged if its == limit}
    minutes = sorted(first | {minute - 1 for minute in first})
    return world.scenario(f"fires just over {promql.percent(limit)}", _from(world, bad), _from(world, events - bad),
                          *(world.check(minute, Decimal(bad) / events) for minute in minutes))


def _under(world: World, limit: Decimal, bad: int, events: int) -> Scenario:
    return world.scenario(f"silent just under {promql.percent(limit)}", _from(world, bad), _from(world, events - bad),
                          world.check(world.end, Decimal(bad) / events))


def _no_traffic(world: World) -> Scenario:
    rests = [LEAST_EVENTS] * (world.end + 1)
    return world.scenario("silent without traffic", rests, rests, world.check(world.end, Decimal(0)))


def _nothing_bad(world: World) -> Scenario:
    never: Counter = [None if world.apart else 0] * (world.end + 1)
    return world.scenario("silent while nothing was ever bad", never, _from(world, 100),
                          world.check(world.end, Decimal(0)))


def _restart(world: World) -> Scenario:
    """Bad requests around a restart, which sets the counters to 0: one before it and one after are not three."""
    bad = [50] * (QUIET - 1) + [51, 51, 0] + [1] * (world.end - _BEGIN)
    soon = _BEGIN + 2 + min(leveled.minutes for leveled, _ in world.judged)
    return world.scenario("silent for two bad requests around a restart", bad, [0] * (world.end + 1),
                          world.check(soon, Decimal(0)))


def _behind_restart(world: World) -> Iterator[Scenario]:
    """Three bad requests after a restart count as three, though the counter stands only two above its old value. They
    happen once, so only levels that fire while they are in sight can be asked."""
    longest = max(leveled.minutes for leveled, _ in world.judged)
    if longest < _WINDOW - 2:
        bad = [1] * (_BEGIN - 1) + [0] + [3] * (world.end - _BEGIN + 1)
        yield world.scenario("fires for three bad requests behind a restart", bad, [0] * (world.end + 1),
                             world.check(_BEGIN + longest, Decimal(1)))


def _few(world: World) -> Iterator[Scenario]:
    """All requests are bad, and their series are born with the first of them. Two in every window are never told,
    three are. That the birth was seen is known from `up`, or from another series of the target."""
    def every_window(count: int) -> Counter:
        return [None] * _BEGIN + [count * (1 + minute // _WINDOW) for minute in range(world.end - _BEGIN + 1)]

    fires = max(leveled.minutes for leveled, _ in world.judged) + _BEGIN
    born: Counter = [None] * _BEGIN + [0] * (world.end - _BEGIN + 1)
    older: Counter = [0] * (world.end + 1)
    for what, good in (("first", born), ("first failed", older))[:1 + world.apart]:
        yield world.scenario(f"silent for two bad requests, the {what} ones ever", every_window(LEAST_EVENTS - 1), good,
                             world.check(world.end, Decimal(0)), up=good is born)
        yield world.scenario(f"fires for three bad requests, the {what} ones ever", every_window(LEAST_EVENTS), good,
                             world.check(fires - 1, Decimal(1)), world.check(fires, Decimal(1)), up=good is born)


def _from(world: World, step: int) -> Counter:
    """A counter that rests at 0 and grows by `step` a minute from _BEGIN on."""
    return [0] * _BEGIN + [step * minute for minute in range(1, world.end - _BEGIN + 2)]


def _target(service: Service) -> dict[str, str]:
    labels = example.labels(service.selector)
    return {name: labels.get(name, "") for name in example.TARGET}

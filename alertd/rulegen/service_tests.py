"""The tests of a service's error rate and response times."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from decimal import Decimal

from alertd.model import MINUTE
from alertd.rulegen import probe_tests, promql, threshold, worlds
from alertd.rulegen.declared import Service, Watched
from alertd.rulegen.scenarios import QUIET, Leveled, Sample, Scenario, decimals
from alertd.rulegen.threshold import LEAST_EVENTS
from alertd.rulegen.worlds import BEGIN, WINDOW, Counter, World

_FLOOD = 10**9  # good requests a minute, beside which none of the bad ones before them is a share
_FINE = 4  # good ones beside the least bad ones that are told
_SHARE = Decimal(LEAST_EVENTS) / (LEAST_EVENTS + _FINE)
_STRETCHED = 7  # evaluations for which _ended's two bad requests look like three or more


def scenarios(service: Service, watched: Watched, levels: tuple[Leveled, ...]) -> Iterator[Scenario]:
    """Everything that must and must not fire, in every world the service's preset knows."""
    preset = service.preset
    if watched is Watched.ERRORS and preset.requests:
        found = worlds.failing(preset.requests, service, levels)
    elif watched is not Watched.ERRORS and preset.latency:
        found = worlds.slow(preset.latency, service, levels)
    else:
        yield from probe_tests.scenarios(service, watched, levels)
        return
    for world in found:
        yield from _scenarios(world)


def _scenarios(world: World) -> Iterator[Scenario]:
    limits = sorted({(judged.limit, judged.weight) for judged in world.judged})
    events = 10 ** (max(2, decimals(limit for limit, _ in limits)) + 2)  # a minute: one more or less is a hair
    for limit, weight in limits:
        bad = int(limit / weight * events)
        if bad + 1 <= events:
            yield _over(world, limit, weight, bad + 1, events)
            yield _under(world, limit, bad - 1, events)
    if world.again:
        return
    yield _no_traffic(world)
    yield _nothing_bad(world)
    yield _kept(world)
    yield _restart(world)
    yield _back(world)
    yield from _back_beside(world)
    yield from _behind_restart(world)
    yield from _missed(world)
    yield from _new_series(world)
    yield from _ended(world)
    yield from _few(world)


def _over(world: World, limit: Decimal, weight: Decimal, bad: int, events: int) -> Scenario:
    first = {BEGIN + judged.leveled.minutes for judged in world.judged
             if (judged.limit, judged.weight) == (limit, weight)}
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
    found = world.scenario("silent while nothing was ever bad", never, _from(world, 100),
                           world.check(world.end, Decimal(0)))
    none = f"sum({threshold.FAILURES}{{service={promql.quoted(world.service.name)}}})"
    return dataclasses.replace(found, samples=(Sample(world.end, none, 0),) if world.apart else ())


def _kept(world: World) -> Scenario:
    """Nothing but bad requests until every level fires, then nearly none but good ones: the alerts are kept."""
    last = BEGIN + world.longest
    kept = last + max(judged.leveled.rule.keep_firing for judged in world.judged) // MINUTE
    bad = [0] * BEGIN + [100 * min(minute, last - BEGIN + 1) for minute in range(1, world.end - BEGIN + 2)]
    good = [0] * (last + 1) + [_FLOOD * minute for minute in range(1, world.end - last + 1)]
    return world.scenario("kept behind its end", bad, good, world.check(kept, Decimal(1)),
                          world.check(kept + 1, Decimal(0)))


def _restart(world: World) -> Scenario:
    """Bad requests around a restart, which sets the counters to 0: one before it and one after are not three."""
    bad = [50] * (QUIET - 1) + [51, 51, 0] + [1] * (world.end - BEGIN)
    soon = BEGIN + 2 + min(judged.leveled.minutes for judged in world.judged)
    return world.scenario("silent for two bad requests around a restart", bad, [0] * (world.end + 1),
                          world.check(soon, Decimal(0)))


def _back(world: World) -> Scenario:
    """A target that was down comes back with what it had counted before: none of that is new."""
    counted: Counter = [None] * BEGIN + [50] * (world.end - BEGIN + 1)
    soon = BEGIN + min(judged.leveled.minutes for judged in world.judged)
    return world.scenario("silent for a target that was down", counted, counted, world.check(soon, Decimal(0)),
                          down=BEGIN)


def _back_beside(world: World) -> Iterator[Scenario]:
    """The same beside a target with bad requests of its own: their share is what it is without the other."""
    if any(matcher.label == "instance" for matcher in world.service.selector):
        return  # it selects one target
    other = {"instance": "other:80"}
    counted: Counter = [None] * BEGIN + [5000] * (world.end - BEGIN + 1)
    soon = BEGIN + min(judged.leveled.minutes for judged in world.judged)
    beside = world.series(counted, counted, other) | world.up(BEGIN, other)
    yield world.scenario("fires beside a target that was down", _from(world, 100 * LEAST_EVENTS),
                         _from(world, 100 * _FINE), world.check(soon, _SHARE), beside=beside)


def _behind_restart(world: World) -> Iterator[Scenario]:
    """Three bad requests after a restart count as three, though the counter stands only two above its old value, and
    likewise four good ones; or though it stands far above nothing since a restart that has left the window. They happen
    once, so only levels that fire while they are in sight can be asked."""
    longest, rest = world.longest, world.end - BEGIN + 1
    if longest >= WINDOW - 2:
        return
    bad, good = ([1] * (BEGIN - 1) + [0] + [count] * rest for count in (LEAST_EVENTS, _FINE))
    yield world.scenario("fires for three bad requests behind a restart", bad, good,
                         world.check(BEGIN + longest, _SHARE, LEAST_EVENTS))
    if all(judged.weight == 1 for judged in world.judged):  # else too few may follow on enough
        when = BEGIN + longest - WINDOW - 3
        # a share that fell with what left the window: an alert that is merely kept shows the one before
        bad, good = ([older] * when + [0] + [older] * (BEGIN - when - 1) + [older + count] * rest
                     for older, count in ((15, LEAST_EVENTS), (10, _FINE)))
        yield world.scenario("fires for three bad requests long behind a restart", bad, good,
                             world.check(BEGIN + longest, _SHARE, LEAST_EVENTS))


def _missed(world: World) -> Iterator[Scenario]:
    """What was counted between two scrapes of which some failed is seen for as long as any other."""
    kept = BEGIN + WINDOW - 1 + max(judged.leveled.rule.keep_firing for judged in world.judged) // MINUTE
    if world.longest < WINDOW - 2:
        bad, good = ([0] * (BEGIN - 2) + [None] * 2 + [count] * (world.end - BEGIN + 1)
                     for count in (LEAST_EVENTS, _FINE))
        yield world.scenario("fires for three bad requests behind missed scrapes", bad, good,
                             world.check(kept, _SHARE, LEAST_EVENTS), world.check(kept + 1, Decimal(0)))


def _new_series(world: World) -> Iterator[Scenario]:
    """Requests of a new kind, on a target that is known by the old kind only."""
    older: Counter = [0] * (world.end + 1)
    if world.longest < WINDOW - 2:
        bad, good = ([None] * BEGIN + [count] * (world.end - BEGIN + 1) for count in (LEAST_EVENTS, _FINE))
        yield world.scenario("fires for three bad requests, the first ones of their kind", bad, good,
                             world.check(BEGIN + world.longest, _SHARE, LEAST_EVENTS), up=False,
                             beside=world.series(older, older, {worlds.spare(world.service): "old"}))


def _ended(world: World) -> Iterator[Scenario]:
    """Two processes that Prometheus met when they were old, saw three times and never again, with one bad request
    each: two, though increase() stretches each to one and a half or more for the next seven minutes. A level that
    waits longer cannot be misled. With more of them they are told, and their share is one of whole requests."""
    soonest = min(judged.leveled.minutes for judged in world.judged)
    rest: Counter = [None] * (world.end - BEGIN - 2)
    if soonest <= _STRETCHED - 1:
        yield world.scenario("silent for two bad requests in processes that ended",
                             [None] * BEGIN + [5, 5, 6, *rest], [None] * BEGIN + [0, 0, 0, *rest],
                             world.check(BEGIN + 3 + soonest, Decimal(0)), up=False, copies=2)
    if world.longest <= _STRETCHED - 1:  # each count is half as much again, rounded down
        bad, good = 3, 1
        fine = int(good * 1.5)
        every = int(bad * 1.5) + fine if world.apart else int((bad + good) * 1.5)  # or what is good is taken from all
        yield world.scenario("fires for bad requests in processes that ended",
                             [None] * BEGIN + [5, 5, 5 + bad, *rest], [None] * BEGIN + [5, 5, 5 + good, *rest],
                             world.check(BEGIN + _STRETCHED + 1, Decimal(every - fine) / every, 2 * (every - fine)),
                             up=False, copies=2)


def _few(world: World) -> Iterator[Scenario]:
    """All requests are bad, and their series are born with the first of them. Two in every window are never told,
    three are. That the birth was seen is known from `up`, or from another series of the target."""
    def every_window(count: int, before: int | None = None) -> Counter:
        return [before] * BEGIN + [count * (1 + minute // WINDOW) for minute in range(world.end - BEGIN + 1)]

    fires = world.longest + BEGIN
    born: Counter = [None] * BEGIN + [0] * (world.end - BEGIN + 1)
    older: Counter = [0] * (world.end + 1)
    for what, good in (("first", born), ("first failed", older))[:1 + world.apart]:
        yield world.scenario(f"silent for two bad requests, the {what} ones ever", every_window(LEAST_EVENTS - 1), good,
                             world.check(world.end, Decimal(0)), up=good is born)
        yield world.scenario(f"fires for three bad requests, the {what} ones ever", every_window(LEAST_EVENTS), good,
                             world.check(fires - 1, Decimal(1), LEAST_EVENTS),
                             world.check(fires, Decimal(1), LEAST_EVENTS), up=good is born)
    yield world.scenario("fires for three bad requests, and no others, of old counters",
                         every_window(LEAST_EVENTS, 0), older, world.check(fires, Decimal(1), LEAST_EVENTS))


def _from(world: World, step: int) -> Counter:
    """A counter that rests at 0 and grows by `step` a minute from BEGIN on."""
    return [0] * BEGIN + [step * minute for minute in range(1, world.end - BEGIN + 2)]

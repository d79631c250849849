"""The tests of a service's objectives: all of them at once where their metrics are apart, since what promtool takes is
counted in evaluations."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from alertd.model import MINUTE
from alertd.rulegen import burn, objectives, promql, slo_world, tiers
from alertd.rulegen.declared import Service
from alertd.rulegen.differences import DELAY
from alertd.rulegen.objectives import Watch
from alertd.rulegen.rules import AlertRule
from alertd.rulegen.scenarios import Check, Sample, Scenario, series
from alertd.rulegen.slo_world import STEP, Judge, Phases, Shown, counted, shown
from alertd.rulegen.threshold import LEAST_EVENTS
from alertd.rulegen.tiers import Burn, Tier

# Times the traffic: what is averaged over minutes instead of events is far off, and a burst is seen to its last step.
_HEAVY = 100_000
_EXACT = 2**52  # Prometheus' numbers are whole up to twice this


@dataclasses.dataclass(frozen=True, slots=True)
class Judged:
    """An objective with its burn alerts."""

    watch: Watch
    rules: tuple[AlertRule, ...]

    def burn(self, name: str) -> Burn | None:
        fits = tiers.fit(self.watch.tracked.target, self.watch.tracked.window).burns
        return next((fit for fit in fits if fit.tier.name == name), None)

    def kept(self, name: str) -> int:
        """For how many minutes the tier's alert outlives its condition."""
        return next((rule.keep_firing // MINUTE for rule in self.rules if rule.labels["tier"] == name), 0)


def _rounds(judged: Sequence[Judged]) -> Iterator[list[Judged]]:
    """Those that can be shown something at once."""
    for watches in objectives.apart([one.watch for one in judged]):
        yield [one for one in judged if one.watch in watches]


def scenarios(service: Service, judged: Sequence[Judged]) -> Iterator[Scenario]:
    """Every tier of every objective: just over and just under its limit, at both ends of both its windows, and what
    must not fire."""
    sliced = [one for one in judged if one.watch.objective.slices]
    rounds = [*_rounds([one for one in judged if one not in sliced]), *_rounds(sliced)]
    for number, together in enumerate(rounds):
        world = _World(service, judged, tuple(together), f" ({number + 1})" if number else "")
        if together[0] in sliced:
            yield from _slices(world)
            continue
        for tier in tiers.TIERS:
            yield from _limits(world, tier.name)
            yield from _windows(world, tier.name)
            if not tier.settled:
                yield from _good_before(world, tier.name)
        yield from _few(world)


@dataclasses.dataclass(frozen=True, slots=True)
class _World:
    """`together` are shown something; what all `judged` say of it is checked."""

    service: Service
    judged: Sequence[Judged]
    together: Sequence[Judged]
    suffix: str

    def scenario(self, name: str, phases: dict[str, tuple[Phases, Phases]], minutes: Sequence[int],
                 which: int = 0) -> Scenario:
        """`phases` are the bad and the good events of each objective, by its name."""
        lines = self._lines(phases, which)
        end = max(minutes)
        text = {series(one.metric, one.labels): one.line.notation() for one in lines}
        text |= {series("up", labels): f"1x{end}"
                 for labels in slo_world.targets(self.service, [one.watch for one in self.together])}
        judges = [Judge(one.watch, one.rules, lines) for one in self.judged]
        fired = [judge.firing(minutes) for judge in judges]
        checks = tuple(Check(minute, burn.ALERT, tuple((alert.labels, alert.annotations)
                                                       for its in fired for alert in its[minute]))
                       for minute in sorted(minutes))
        budgets = tuple(judge.budget(end) for judge in judges)
        return Scenario(f"{burn.ALERT}: {name}{self.suffix}", text, checks, budgets)


    def _lines(self, phases: Mapping[str, tuple[Phases, Phases]], which: int) -> list[Shown]:
        lines: list[Shown] = []
        for one in self.together:
            if one.watch.tracked.slo in phases:
                bad, good = phases[one.watch.tracked.slo]
                lines += shown(one.watch, bad, good, which, **_group(one.watch, "a"))
                if one.watch.tracked.by:  # beside it a group that nothing is wrong with
                    lines += shown(one.watch, [(length, 0) for length, _ in bad], good, which,
                                   **_group(one.watch, "b"))
        return lines

    def counted(self, record: str, at: int, phases: Mapping[str, tuple[Phases, Phases]], until: int, span: int
                ) -> Iterator[Sample]:
        """What the records of this name must be `at` a minute, of all groups of an objective together: what there was
        in the `span` of minutes up to `until`."""
        lines = self._lines(phases, 0)
        for one in self.together:
            if one.watch.tracked.slo in phases:
                counts = [each.within(until, span * MINUTE) for each in Judge(one.watch, (), lines).groups.values()]
                yield from counted(one.watch, record, at, (sum(events for events, _ in counts),
                                                           sum(bad for _, bad in counts)))


def _group(watch: Watch, value: str) -> dict[str, str]:
    return dict.fromkeys(watch.tracked.by, value)


def _limits(world: _World, tier: str) -> Iterator[Scenario]:
    """One share of bad events all along: just under the limit for nothing, just over it after `for`."""
    fits = {one.watch.tracked.slo: fit for one in world.together if (fit := one.burn(tier))}
    if not fits:
        return
    lasting = max(fit.tier.lasting for fit in fits.values()) // MINUTE
    minutes = sorted({STEP, lasting or STEP, lasting + STEP, lasting + 2 * STEP})
    for what, of_limit in (("just over", Decimal("1.01")), ("just under", Decimal("0.99"))):
        phases = {slo: _constant(fit, of_limit, minutes[-1]) for slo, fit in fits.items()}
        yield world.scenario(f"{tier}, {what} the limit", phases, minutes)


def _constant(fit: Burn, of_limit: Decimal, minutes: int) -> tuple[Phases, Phases]:
    every = _traffic(fit)
    bad = int(fit.limit * of_limit * every)
    return [(minutes, bad)], [(minutes, every - bad)]


def _traffic(fit: Burn) -> int:
    """Events a minute, so many that a hundredth of the limit is some of them."""
    return int(10 ** (2 - Decimal(fit.limit).adjusted()))


def _windows(world: _World, tier: str) -> Iterator[Scenario]:
    """A heavy burst, then light traffic: a share just under the limit, and late in the long window one just over it.
    The alert ends when the burst leaves the short window, which then holds too little while the long one still holds
    enough; it comes back with the late failures; and it ends when the burst leaves the long window, which then holds
    too little while the short one holds enough."""
    fits = {one.watch.tracked.slo: fit for one in world.together if (fit := one.burn(tier))}
    if not fits:
        return
    long, short = next((fit.tier.long // MINUTE, fit.tier.short // MINUTE) for fit in fits.values())
    first = short - short % STEP
    again = long - 2 * first
    ends = {long + first + one.kept(tier) for one in world.together if one.watch.tracked.slo in fits}
    end = max(ends) + STEP
    phases = {slo: _burst(fit, first, again, end) for slo, fit in fits.items()}
    minutes = {2 * first, 2 * first + STEP, 2 * first + 2 * STEP, again, long - STEP, long + first, *ends}
    yield world.scenario(f"{tier}, both windows", phases, sorted(minutes))


def _burst(fit: Burn, first: int, again: int, end: int) -> tuple[Phases, Phases]:
    light = _traffic(fit)
    share = min(fit.limit * Decimal("1.05"), (1 + fit.limit) / 2)
    # the late share fills a quarter of the long window when the burst leaves it: together under the limit; and the calm
    # one is over it where a window of six hours holds the events of five minutes less
    calm, late = fit.limit * Decimal("0.99"), min(fit.limit * Decimal("1.01"), (1 + fit.limit) / 2)
    heavy = min(light * _HEAVY, _EXACT // first)
    lengths, every, shares = (first, again - first, end - again), (heavy, light, light), (share, calm, late)
    bad = [(minutes, int(traffic * part)) for minutes, traffic, part in zip(lengths, every, shares, strict=True)
           if minutes]
    good = [(minutes, traffic - int(traffic * part))
            for minutes, traffic, part in zip(lengths, every, shares, strict=True) if minutes]
    return bad, good


def _good_before(world: _World, tier: str) -> Iterator[Scenario]:
    """A flood of good events, then light traffic with a share just over the limit, which is one only of all events
    since the flood: it is told when the flood leaves the long window."""
    fits = {one.watch.tracked.slo: fit for one in world.together if (fit := one.burn(tier))}
    if not fits:
        return
    phases: dict[str, tuple[Phases, Phases]] = {}
    long = max(fit.tier.long for fit in fits.values()) // MINUTE
    end = long + 4 * STEP
    for slo, fit in fits.items():
        (bad,), (good,) = _constant(fit, Decimal("1.01"), end - STEP)
        phases[slo] = [(STEP, 0), bad], [(STEP, min(_traffic(fit) * _HEAVY, _EXACT // STEP)), good]
    yield world.scenario(f"{tier}, a flood of good events before the long window", phases,
                         range(long - STEP, end, STEP))


def _slices(world: _World) -> Iterator[Scenario]:
    for tier in tiers.TIERS:
        fits = {one.watch.tracked.slo: (one.watch, fit) for one in world.together if (fit := one.burn(tier.name))}
        if fits:
            yield _slices_over(world, tier, fits)
            yield _slices_under(world, tier, fits)
    slos = [one.watch.tracked.slo for one in world.together]
    lost: tuple[Phases, Phases] = [(20, 1), (50, 0)], [(20, 0), (50, 0)]
    yield world.scenario("all bad, then nothing known", dict.fromkeys(slos, lost), [5, 10, 15, 20, 25, 30, 45, 60, 70])
    fine: tuple[Phases, Phases] = [(60, 0)], [(60, 1)]
    yield world.scenario("every slice good", dict.fromkeys(slos, fine), [30, 60])
    yield _unknown(world)
    yield from _few_slices(world)


_Fits = Mapping[str, tuple[Watch, Burn]]
_Slices = Iterable[tuple[int, bool | None]]  # minutes, and whether they are bad; None is not known


def _slices_over(world: _World, tier: Tier, fits: _Fits) -> Scenario:
    """The fewest bad slices that are over the limit, of as many known ones as may be. One is in the first slot of the
    long window, one at its end; when that slot leaves, another bad one comes, and the alert ends when the short window
    is past it."""
    at, short, lasting = _full(tier), tier.short // MINUTE, tier.lasting // MINUTE
    kept = {one.kept(tier.name) for one in world.together}
    end = at + lasting + short + STEP
    phases = {}
    for slo, (watch, fit) in fits.items():
        length, (bad, known) = _minutes(watch), _over(watch, fit)
        beside = min(STEP - length, (known - bad) * length)
        good = (known - bad) * length - beside - lasting
        late = min(short, good)
        early = min(short + STEP, good - late)  # what leaves the window while that is asked for is like what comes
        phases[slo] = _phases([
            (_before(watch, tier), False), (lasting, False), (length, True), (beside, False), (early, False),
            (tier.long // MINUTE - known * length, None), (good - early - late, False), ((bad - 2) * length, True),
            (late, False), (length, True), (lasting, False), (length, True), (short + max(kept) + 3 * STEP, False)])
    minutes = {at - STEP, at, at + lasting - STEP, at + lasting, end - STEP, end,
               *(end + each - before for each in kept for before in (STEP, 0))}
    return _with_hours(world, world.scenario(f"{tier.name}, just over the limit", phases, sorted(minutes)), phases, at)


def _slices_under(world: _World, tier: Tier, fits: _Fits) -> Scenario:
    """As many bad slices as may be, at the long window's end, and one more just before it."""
    at, lasting = _full(tier), tier.lasting // MINUTE
    phases = {}
    for slo, (watch, fit) in fits.items():
        length, (bad, known), before = _minutes(watch), _under(watch, fit), _before(watch, tier)
        phases[slo] = _phases([
            (min(length, before), True), (before - min(length, before), False), ((known - bad) * length, False),
            (tier.long // MINUTE - known * length, None), (bad * length, True), (lasting + 2 * STEP, False)])
    minutes = {at, at + STEP, at + lasting, at + lasting + STEP}
    return _with_hours(world, world.scenario(f"{tier.name}, just under the limit", phases, sorted(minutes)), phases, at)


def _full(tier: Tier) -> int:
    """The evaluation before whose long window there was a slot."""
    return tier.long // MINUTE + STEP


def _before(watch: Watch, tier: Tier) -> int:
    """The minutes before the long window: it ends a minute before the evaluation where its end is a row's."""
    return STEP - (DELAY // MINUTE if tier.settled or _minutes(watch) == STEP else 0)


def _minutes(watch: Watch) -> int:
    """Of a slice."""
    assert watch.objective.slices is not None, "asked of objectives that are counted by slices"
    return watch.objective.slices.length // MINUTE


def _over(watch: Watch, fit: Burn) -> tuple[int, int]:
    """How many bad slices of how many known ones in the long window are the least share over the limit."""
    every, limit = fit.tier.long // MINUTE // _minutes(watch), Fraction(fit.limit)
    shares = ((bad, min(every, math.ceil(bad / limit) - 1)) for bad in range(watch.tracked.least, every + 1))
    return min(shares, key=lambda share: (Fraction(*share), -share[1]))


def _under(watch: Watch, fit: Burn) -> tuple[int, int]:
    """How many are the largest share that is not; where the limit is passed by less than is told, one fewer than that.
    """
    every, limit = fit.tier.long // MINUTE // _minutes(watch), Fraction(fit.limit)
    shares = [(bad, known) for bad in range(watch.tracked.least, every + 1)
              if (known := math.ceil(bad / limit)) <= every]
    return max(shares, key=lambda share: (Fraction(*share), share[1]), default=(watch.tracked.least - 1, every))


def _phases(slices: _Slices) -> tuple[Phases, Phases]:
    some = [(minutes, bad) for minutes, bad in slices if minutes]
    return [(minutes, int(bad is True)) for minutes, bad in some], [(minutes, int(bad is False))
                                                                    for minutes, bad in some]


def _with_hours(world: _World, scenario: Scenario, phases: Mapping[str, tuple[Phases, Phases]], at: int) -> Scenario:
    """The rows of the hour are asked for as well."""
    samples = world.counted("increase1h", at, phases, at - DELAY // MINUTE, 60)
    return dataclasses.replace(scenario, samples=(*scenario.samples, *samples))


def _unknown(world: _World) -> Scenario:
    """The total begins anew behind hours in which nothing was known; the rows since an hour mark are there all along.
    """
    before, gone, after, late = 130, 150, 20, DELAY // MINUTE
    of_two: list[tuple[int, bool | None]] = [(STEP, True), (STEP, False)]  # in turn
    shown = _phases([(STEP - late, False), *of_two * ((before - STEP) // (2 * STEP)), (STEP, True), (gone, None),
                     *of_two * (after // (2 * STEP))])
    phases = {one.watch.tracked.slo: shown for one in world.together}
    end, mark = before + gone + after, (before // 60 - 1) * 60  # the last hour mark but one
    made = world.scenario(f"nothing known for {promql.duration(gone * MINUTE)}", phases, [end])
    samples = (world.counted("since_hour", before, phases, before - late, before - mark + STEP),
               *(world.counted(record, end, phases, end - late, after + STEP) for record in ("since_hour", "total")))
    return dataclasses.replace(made, checks=(), samples=(*made.samples, *itertools.chain.from_iterable(samples)))


def _few_slices(world: _World) -> Iterator[Scenario]:
    """Nothing but bad slices, one fewer than are told and as many."""
    for what, more in (("too few", -1), ("enough", 0)):
        phases = {one.watch.tracked.slo: _phases([
            (STEP - DELAY // MINUTE, None), ((one.watch.tracked.least + more) * _minutes(one.watch), True),
            (6 * STEP, None)]) for one in world.together}
        yield world.scenario(f"{what} bad slices, and no others", phases, range(STEP, 6 * STEP, STEP))


def _few(world: _World) -> Iterator[Scenario]:
    """At night: one bad event fewer than are told, and nothing but them. One more is told by every tier, the slowest an
    hour later. The series of bad events is there before, is born with them, or comes back with them."""
    slos = [one.watch.tracked.slo for one in world.together]
    ways = max(len(slo_world.ways(one.watch)) for one in world.together)
    fits = (fit for one in world.together for tier in tiers.TIERS if (fit := one.burn(tier.name)))
    end = max(30, *(15 + fit.tier.lasting // MINUTE for fit in fits), 0)
    minutes = sorted({10, 15, 20, 25, 30, end})
    for which, (what, count) in itertools.product(range(ways), (("too few", LEAST_EVENTS - 1),
                                                                ("enough", LEAST_EVENTS))):
        phases: tuple[Phases, Phases] = [(10, 0), (1, count), (end - 1, 0)], [(10, 0), (1, 0), (end - 1, 0)]
        made = world.scenario(f"{what} bad events, marked in way {which + 1}", dict.fromkeys(slos, phases), minutes,
                              which)
        yield made
        bad, rest = f"0x10 {count} {count}x{end - 2}", f"0x10 0 0x{end - 2}"
        if all(one.watch.tracked.indicator.scraped for one in world.together):  # else nothing tells birth from joining
            yield _changed(made, "their series born with them", {bad: f"_x11 {count}x{end - 1}"})
        if count < LEAST_EVENTS:
            quiet = not any(check.firing for check in made.checks)  # else one that is made of several of them fires
            for these in [slos] if quiet else [[slo] for slo in slos]:
                name = made.name if quiet else f"{made.name}, {these[0]} alone"
                some = dataclasses.replace(world.scenario("", dict.fromkeys(these, phases), minutes, which), name=name)
                yield _changed(some, "and a restart", {bad: f"0x10 {count}x8 0x{end - 10}"})
                yield _changed(some, "and a gap", {bad: f"0x5 _x10 {count}x{end - 6}", rest: f"0x5 _x10 0x{end - 6}",
                                                   f"1x{end}": f"1x5 0x9 1x{end - 15}"})
    never: tuple[Phases, Phases] = [(60, 0)], [(60, 0)]
    traffic: tuple[Phases, Phases] = [(60, 0)], [(60, 1000)]
    idle = world.scenario("no traffic", dict.fromkeys(slos, never), [30, 60])
    yield _changed(idle, "", {"0x60": "7x60"})
    fine = world.scenario("nothing bad", dict.fromkeys(slos, traffic), [30, 60])
    yield fine
    without = {name: values for name, values in fine.series.items() if values != "0x60"}
    yield dataclasses.replace(fine, name=f"{fine.name}, nor ever was", series=without)


def _changed(scenario: Scenario, what: str, changes: dict[str, str]) -> Scenario:
    """The same expectation though the series look otherwise."""
    shown = {name: changes.get(values, values) for name, values in scenario.series.items()}
    return dataclasses.replace(scenario, name=f"{scenario.name}, {what}" if what else scenario.name, series=shown)

"""The job: one history, both shapes over it, and what both say beside what was true."""

from __future__ import annotations

import dataclasses
import random
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from alertd.model import Millis
from alertd.rulegen import rows, tiers
from alertd.rulegen.differences import DELAY, SLOT
from alertd.rulegen.rules import AlertRule, Group
from alertd.rulegen.threshold import LEAST_EVENTS
from bench.figures import Figure
from bench.slo import costs, history, shapes, world
from bench.slo.server import Cost, Prometheus, finite, prometheus
from bench.slo.world import CALM, History, Service, Weather

INTERVAL = 30_000  # milliseconds; of Sloth's groups and of our fast one
MOMENTS = 40  # of each service at which Sloth's budget is asked; ours is at all of them
WATCHED = ("total", "five", "percent")
PREVIEW = 12 * 3600  # seconds of incident that alerts are asked about
_POINT = float(shapes.BUDGET) / 100  # one percentage point of the budget, as a share of bad events
_WINDOW = shapes.WINDOW // 1000

ALERTS = (
    "an objective has nine alerts here and two there. Four fifths are what counts up to now with every scrape, a "
    "quarter of all is the fast tier's alert: windows of it that begin with a row, and not exactly an hour and five "
    "minutes ago, would take a tenth off")


@dataclasses.dataclass(frozen=True, slots=True)
class Pair:
    """An alert: the share of bad events within the short and within the long window, both over `limit`."""

    short: str
    long: str
    limit: float
    settled: bool = False  # evaluated with each row


@dataclasses.dataclass(slots=True)
class Found:
    """Of one shape: how far off its budgets are, which services have none, what it costs."""

    errors: list[float] = dataclasses.field(default_factory=list)
    missing: set[str] = dataclasses.field(default_factory=set)
    cost: Cost = dataclasses.field(default_factory=lambda: Cost(0, 0))
    alerts: Cost = dataclasses.field(default_factory=lambda: Cost(0, 0))  # the part of it that is no record
    arithmetic: float = 0  # samples/s of the records, as the cost report says
    first: dict[str, float] = dataclasses.field(default_factory=dict)  # seconds from an incident to its page
    false: float = 0  # minutes of pages that truth does not know


def budgets(folder: Path, rounds: int, services: int = len(world.SERVICES), weather: Weather = CALM) -> list[Figure]:
    """Cost and error of 30-day budgets against the shape Sloth writes, on the same 37 days in the same run."""
    ours, theirs = [], []
    for seed in range(1, rounds + 1):
        begin = time.monotonic()
        chosen = {service: world.simulate(service, seed, weather) for service in world.SERVICES[:services]}
        data = folder / f"tsdb-{seed}"
        history.record(folder, data, chosen, weather.missed)
        with prometheus(folder, data) as server:
            ours.append(_ours(server, chosen, weather.missed))
            theirs.append(_sloth(server, chosen, seed))
        with prometheus(folder, data) as server:  # anew: the one before has answered for six days of every moment
            server.settle(data)
            for service in chosen:  # in turn, since a machine is not equally fast all the time
                _cost(server, ours[-1], tuple(shapes.ours(service)), len(chosen))
                _cost(server, theirs[-1], (shapes.sloth(service, INTERVAL),), len(chosen))
        print(f"seed {seed}: {time.monotonic() - begin:.0f} s; Sloth's shape is off by {max(theirs[-1].errors):.1f} "
              f"points at most, {statistics.fmean(theirs[-1].errors):.2f} on average, and has no budget for "
              f"{', '.join(sorted(theirs[-1].missing)) or 'none'} of the services", file=sys.stderr)
    return list(_figures(ours, theirs))


def _figures(ours: list[Found], theirs: list[Found]) -> Iterator[Figure]:
    def values(of: list[Found], what: str) -> tuple[float, ...]:
        return tuple(float(getattr(one, what)) for one in of)

    yield Figure("S budget off by at most, at every evaluation of 6 days", "points",
                 tuple(max(one.errors) for one in ours), (), 1, False)
    yield Figure("S budget off by on average", "points", tuple(statistics.fmean(one.errors) for one in ours), (), 0.05,
                 False)
    yield Figure("S services with traffic and no budget", "services", tuple(float(len(one.missing)) for one in ours),
                 (), 0, False)
    yield Figure("S samples read, against Sloth's shape", "samples/s and SLO", tuple(one.cost.samples for one in ours),
                 tuple(one.cost.samples for one in theirs), 1 / 50, False)
    yield Figure("S time of all rules, against Sloth's shape", "ms/s and SLO",
                 tuple(one.cost.seconds * 1000 for one in ours), tuple(one.cost.seconds * 1000 for one in theirs),
                 1 / 10, False, ALERTS)
    yield Figure("S time of the records alone, against Sloth's shape", "ms/s and SLO",
                 tuple((one.cost.seconds - one.alerts.seconds) * 1000 for one in ours),
                 tuple((one.cost.seconds - one.alerts.seconds) * 1000 for one in theirs), 1 / 10, False)
    yield Figure("S samples of the records as reported, against measured", "samples/s and SLO",
                 values(ours, "arithmetic"), tuple(one.cost.samples - one.alerts.samples for one in ours), 1.1, False)
    for name, goal in (("total", 1.0), ("five", 1.05), ("percent", 1.05)):
        if all(name in one.first for one in (*ours, *theirs)):
            yield Figure(f"S page for the incident '{name}', against Sloth's shape", "s",
                         tuple(one.first[name] for one in ours), tuple(one.first[name] for one in theirs), goal, False)
    yield Figure("S pages that truth does not know", "minutes", values(ours, "false"), (), 0, False)


def _ours(server: Prometheus, services: Mapping[Service, History], missed: float) -> Found:
    found = Found()
    for service, its in services.items():
        first = history.fast(history.END - history.ASKED)
        names = (f"slo:{what}:increase30d" for what in ("events", "bad"))
        events, bad = (dict(server.values(history.named(service, name), first, history.END, world.SCRAPE))
                       for name in names)
        for moment in range(int(first), int(history.END), world.SCRAPE):
            if not history.happened(service.name, float(moment), missed):
                continue
            share = bad[moment] / events[moment] if events.get(moment) else None
            _compare(found, service, its, moment, share)
        _pages(server, found, service, its, _pairs(service))
    events = statistics.fmean(sum(sum(map(bool, target.samples.values())) for target in its.targets)
                              for its in services.values())
    bad = statistics.fmean(len(its.targets) for its in services.values())  # of one code
    found.arithmetic = float(rows.samples_per_second(shapes.tracked(next(iter(services))), round(events), round(bad),
                                                     INTERVAL))
    return found


def _sloth(server: Prometheus, services: Mapping[Service, History], seed: int) -> Found:
    found = Found()
    chance = random.Random(seed)
    for service, its in services.items():
        for _ in range(MOMENTS):
            moment = int(history.fast(history.END - chance.uniform(0, history.ASKED)))
            _compare(found, service, its, moment, server.value(shapes.sloth_month(service), moment))
        _pages(server, found, service, its, [
            Pair(shapes.sloth_ratio(service, _text(short)), shapes.sloth_ratio(service, _text(long)),
                 float(shapes.BUDGET) * factor) for short, long, factor in shapes.PAGE])
    return found


def _compare(found: Found, service: Service, its: History, moment: int, share: float | None) -> None:
    """`share` is the part of the window's events that was bad, as a shape has it."""
    events, bad = world.truth(its, moment, _WINDOW)
    if not events:
        if share is not None:
            raise RuntimeError(f"{service.name} had no events and yet a share of {share}")
    elif share is None or not finite(share):
        found.missing.add(service.name)
    else:
        found.errors.append(abs(share - bad / events) / _POINT)


def _pairs(service: Service) -> Iterator[Pair]:
    """Ours that page: what is told from the rows is evaluated with each of them."""
    slo = shapes.tracked(service)
    for tier in shapes.pages():
        limit = next(float(burn.limit) for burn in tiers.fit(slo.target, slo.window).burns if burn.tier == tier)
        ratios = (rows.ratio(slo, tier.short, settled=tier.settled),
                  rows.ratio(slo, tier.long, LEAST_EVENTS, tier.settled))
        yield Pair(*ratios, limit, tier.settled)


def _pages(server: Prometheus, found: Found, service: Service, its: History, pairs: Iterable[Pair]) -> None:
    if service.name not in WATCHED:
        return
    start = world.START + world.LAST * world.DAY
    known = {moment for moment in range(int(history.fast(start)), int(history.fast(start)) + PREVIEW, world.SCRAPE)
             if _known(its, moment)}
    told: list[int] = []
    for pair in pairs:
        begin, step = (history.slow(start) + SLOT // 1000, SLOT // 1000) if pair.settled else (
            history.fast(start), world.SCRAPE)
        over = [{int(second) for second, value in server.values(one, begin, begin + PREVIEW, step)
                 if value > pair.limit} for one in (pair.short, pair.long)]
        its_own = over[0] & over[1]
        told += its_own
        # a scrape of half a minute on either side is as near as anything can be; a row is up to six minutes old
        late = (SLOT + DELAY) // 1000 * pair.settled + world.SCRAPE
        found.false += step / 60 * sum(
            not any(-world.SCRAPE <= moment - true <= late for true in known) for moment in its_own)
    if told:
        found.first[service.name] = min(told) - start


def _known(its: History, moment: int) -> bool:
    def share(window: Millis) -> float:
        events, bad = world.truth(its, moment, window // 1000)
        return bad / events if events else 0.0

    return any(min(share(short), share(long)) > float(shapes.BUDGET) * factor for short, long, factor in shapes.PAGE)


def _cost(server: Prometheus, found: Found, groups: tuple[Group, ...], services: int) -> None:
    """Add a service's share of what all rules cost each second, per objective."""
    moment = history.fast(world.START + 35 * world.DAY + 40_000)
    for group in groups:
        for rule in group.rules:
            cost = costs.cost(server, rule.expr, moment).times(1000 / (group.interval or INTERVAL) / services)
            found.cost += cost
            if isinstance(rule, AlertRule) or rule.record == shapes.ALERT:
                found.alerts += cost


def _text(window: Millis) -> str:
    return {300_000: "5m", 1_800_000: "30m", 3_600_000: "1h", 21_600_000: "6h"}[window]

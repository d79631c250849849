"""The ways in which a service shows its requests, for the tests of its error rate and response times. A request is bad
where it failed or was slow."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from alertd.model import MINUTE, Labels
from alertd.presets import Failure, Latency, Requests
from alertd.rulegen import buckets, counting, example, promql
from alertd.rulegen.declared import Service
from alertd.rulegen.scenarios import QUIET, Check, Leveled, Scenario, fired, notation, series
from alertd.rulegen.threshold import LEAST_EVENTS, SLOW_SHARE, VALUE, bounds

Counter = Sequence[int | None]  # its value at each minute from 0 on

WINDOW = counting.WINDOW // MINUTE
BEGIN = QUIET + 1  # the minute of the first request

_SPARE = ("process", "replica", "copy", "example_of")  # labels of which a selector names not all


@dataclasses.dataclass(frozen=True, slots=True)
class Judged:
    """A level that sees the bad requests of a world, and the share above which it fires. `weight` is how much of a
    bad request its figure counts: less than 1 where it is estimated. `sure` are the templates that show the bounds of
    an estimate, and whether the bad requests are in them."""

    leveled: Leveled
    limit: Decimal
    weight: Decimal = Decimal(1)
    sure: Mapping[str, bool] = dataclasses.field(default_factory=dict)

    def fires(self, share: Decimal, count: int | None) -> bool:
        enough = count is None or count * self.weight >= LEAST_EVENTS
        return share * self.weight > self.limit and enough

    def shares(self, share: Decimal) -> dict[str, Decimal]:
        return {VALUE: share * self.weight, **{text: share * seen for text, seen in self.sure.items()}}


@dataclasses.dataclass(frozen=True, slots=True)
class World:
    """One way in which a service shows its requests. `judged` are the levels of one alert that see the bad requests
    as bad; `apart` says that bad requests have series of their own, which need not exist, `again` that another world
    differs in spelling alone; `shows(bad, good, labels)` are the series for two counters, with more labels."""

    name: str
    apart: bool
    again: bool
    service: Service
    judged: tuple[Judged, ...]
    shows: Callable[[Counter, Counter, Labels], Mapping[str, Counter]]

    @property
    def alert(self) -> str:
        return self.judged[0].leveled.rule.alert

    @property
    def longest(self) -> int:
        return max(judged.leveled.minutes for judged in self.judged)

    @property
    def end(self) -> int:
        """A minute at which every level that is to fire does."""
        return BEGIN + self.longest + WINDOW

    def check(self, minute: int, share: Decimal, count: int | None = None) -> Check:
        """What fires at `minute` when this share of the requests was bad from BEGIN on; `count` are the bad ones in
        sight where they are few."""
        firing = [judged for judged in self.judged
                  if judged.fires(share, count) and minute >= BEGIN + judged.leveled.minutes]
        return Check(minute, self.alert, tuple(
            fired(judged.leveled.rule, {"service": self.service.name}, judged.shares(share)) for judged in firing))

    def scenario(self, what: str, bad: Counter, good: Counter, *checks: Check, up: bool = True, copies: int = 1,
                 down: int = 0, beside: Mapping[str, str] | None = None) -> Scenario:
        """`copies` are processes that each show the same; the target could not be scraped for its first `down` minutes;
        `beside` are series of others."""
        by = spare(self.service)
        parts = [{by: str(copy)} for copy in range(copies)] if copies > 1 else [{}]
        shown = {name: values for labels in parts for name, values in self.series(bad, good, labels).items()}
        if up:
            shown |= self.up(down)
        return Scenario(f"{self.alert}, {self.name}: {what}", {**shown, **(beside or {})}, checks)

    def series(self, bad: Counter, good: Counter, labels: Labels) -> dict[str, str]:
        return {name: notation(values) for name, values in self.shows(bad, good, labels).items()}

    def up(self, down: int, labels: Labels | None = None) -> dict[str, str]:
        values = notation([0] * down + [1] * (self.end + 1 - down))
        return {series("up", _target(self.service), labels or {}): values}


def spare(service: Service) -> str:
    """A label that may have any value, for the selector does not name it: it tells copies of the service apart."""
    named = {matcher.label for matcher in service.selector}
    return next(label for label in _SPARE if label not in named)


def failing(preset: Requests, service: Service, levels: tuple[Leveled, ...]) -> Iterator[World]:
    """Every way the preset marks failures."""
    base = example.labels(service.selector)
    judged = tuple(Judged(leveled, leveled.level.above) for leveled in levels)
    for failure in preset.failures:
        def shows(bad: Counter, good: Counter, labels: Labels, failure: Failure = failure) -> Mapping[str, Counter]:
            return {series(preset.counter, base, labels, failure.good): good,
                    series(preset.counter, base, labels, failure.bad): bad}

        yield World(f"failures marked {failure.match}", True, False, service, judged, shows)


def slow(preset: Latency, service: Service, levels: tuple[Leveled, ...]) -> Iterator[World]:
    """For each level requests just slower than it, with every spelling of its bucket. Levels of a shorter time see
    them as slow too. Where a level lies between two edges, requests between these as well."""
    places = [_place(preset, service, leveled) for leveled in levels]
    least = min(place.below for place in places)
    for leveled, place in zip(levels, places, strict=True):
        over = promql.duration(int(leveled.level.above))
        spellings = promql.spellings(place.above)
        for spelling in spellings:
            yield World(f'over {over}, le="{spelling}"', False, spelling != spellings[0], service,
                        _judged(preset, service, levels, place.above),
                        _Histogram(preset, service, least, place.above, spelling))
        if not place.exact:
            yield World(f'over {over}, le="{spellings[0]}" holds them', False, True, service,
                        _judged(preset, service, levels, place.below),
                        _Histogram(preset, service, least, place.below, promql.number(place.below)))


@dataclasses.dataclass(frozen=True, slots=True)
class _Histogram:
    """Good requests lie in the bucket that ends at `least`, bad ones in the one that begins at `slow`, whose edge is
    written as `spelling`."""

    preset: Latency
    service: Service
    least: Decimal
    slow: Decimal
    spelling: str

    def __call__(self, bad: Counter, good: Counter, labels: Labels) -> Mapping[str, Counter]:
        count = [None if slow is None or fast is None else slow + fast for slow, fast in zip(bad, good, strict=True)]
        none = [None if every is None else 0 for every in count]
        fast = [None if every is None else some for every, some in zip(count, good, strict=True)]
        les = {self.spelling if at == self.slow else promql.number(at):
               none if at < self.least else fast if at <= self.slow else count for at in self.service.buckets}
        base = {**example.labels(self.service.selector), **labels}
        return {series(f"{self.preset.histogram}_count", base): count,
                **{series(f"{self.preset.histogram}_bucket", base, {"le": le}): values
                   for le, values in {**les, "+Inf": count}.items()}}


def _place(preset: Latency, service: Service, leveled: Leveled) -> buckets.Between:
    place = buckets.between(preset, service.buckets, int(leveled.level.above))
    assert place, "a rule was made of this level, so it lies among the buckets"
    return place


def _judged(preset: Latency, service: Service, levels: tuple[Leveled, ...], slow: Decimal) -> tuple[Judged, ...]:
    """How each level sees requests in the bucket that begins at the edge `slow`."""
    found = []
    for leveled in levels:
        place = _place(preset, service, leveled)
        (below, above), (most, least) = place.weights, (place.below <= slow, place.above <= slow)
        weight = Decimal(below * most + above * least) / (below + above)
        if weight:
            templates = () if place.exact else bounds(service, preset, place)
            found.append(Judged(leveled, SLOW_SHARE, weight, dict(zip(templates, (least, most), strict=False))))
    return tuple(found)


def _target(service: Service) -> dict[str, str]:
    labels = example.labels(service.selector)
    return {name: labels.get(name, "") for name in example.TARGET}

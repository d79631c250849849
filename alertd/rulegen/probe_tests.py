"""The tests of thresholds on probes. A probe leaves one sample a minute, so that ten minutes hold ten of each target:
limits of less than a tenth are straddled by many targets, and when an alert is due is counted out here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from decimal import Decimal

from alertd.rulegen import example, promql
from alertd.rulegen.declared import Service, Watched
from alertd.rulegen.scenarios import Check, Leveled, Scenario, check, notation, series
from alertd.rulegen.threshold import LEAST_EVENTS, SLOW_SHARE
from alertd.rulegen.worlds import BEGIN, WINDOW, spare

_MOST_TARGETS = 200  # as many as it takes to see a tenth of a percent more or less; a test file should stay readable

_Target = Sequence[bool | None]  # whether its probe was bad at each minute from 0 on; None: it was not probed


@dataclasses.dataclass(frozen=True, slots=True)
class _World:
    """How a service shows its probes: a gauge that is `good` or `bad`, and the levels of one alert on it, each with
    the share above which it fires."""

    service: Service
    gauge: str
    good: Decimal
    bad: Decimal
    judged: tuple[tuple[Leveled, Decimal], ...]

    @property
    def end(self) -> int:
        return BEGIN + 2 * WINDOW + max(leveled.minutes for leveled, _ in self.judged)

    def scenario(self, what: str, targets: Sequence[_Target], *minutes: int) -> Scenario:
        """Checked at these minutes, at the first and last before and after each level is due, and at the end."""
        due = [first for judged in self.judged if (first := self.due(*judged, targets)) is not None]
        at = sorted({*minutes, self.end, *due, *(minute - 1 for minute in due)})
        name = f"{self.judged[0][0].rule.alert}, {self.gauge}: {what}"
        return Scenario(name, self.shown(targets), tuple(self.check(minute, targets) for minute in at))

    def shown(self, targets: Sequence[_Target]) -> dict[str, str]:
        base, by = example.labels(self.service.selector), spare(self.service)
        return {series(self.gauge, base, {by: str(number)}): notation(
            [None if bad is None else self.bad if bad else self.good for bad in target])
            for number, target in enumerate(targets)}

    def check(self, minute: int, targets: Sequence[_Target]) -> Check:
        bad, events = _counted(targets, minute)
        firing = [leveled for leveled, limit in self.judged
                  if all(_over(limit, *_counted(targets, at)) for at in range(minute - leveled.minutes, minute + 1))]
        alert = self.judged[0][0].rule.alert
        return check(minute, alert, firing, {"service": self.service.name}, Decimal(bad) / max(1, events))

    def due(self, leveled: Leveled, limit: Decimal, targets: Sequence[_Target]) -> int | None:
        first = next((at for at in range(self.end) if _over(limit, *_counted(targets, at))), None)
        return None if first is None or first + leveled.minutes > self.end else first + leveled.minutes


def scenarios(service: Service, watched: Watched, levels: tuple[Leveled, ...]) -> Iterator[Scenario]:
    """Everything that must and must not fire."""
    for world in _worlds(service, watched, levels):
        for limit in sorted({limit for _, limit in world.judged}):
            count = min(_MOST_TARGETS, int(1 / min(limit, 1 - limit)) + 1)
            most = int(limit * count * WINDOW)
            yield world.scenario(f"fires just over {promql.percent(limit)}", _from(world, most + 1, count))
            yield world.scenario(f"silent just under {promql.percent(limit)}", _from(world, most, count))
        yield world.scenario("silent for two bad probes in ten minutes", _from(world, LEAST_EVENTS - 1, 1))
        yield world.scenario("three bad probes in ten minutes", _from(world, LEAST_EVENTS, 1))
        yield world.scenario("silent where nothing probes any more", [[False] * BEGIN])
        yield world.scenario("recovers", [[False] * BEGIN + [True] * WINDOW + [False] * (world.end - BEGIN)])


def _worlds(service: Service, watched: Watched, levels: tuple[Leveled, ...]) -> Iterator[_World]:
    """Failed probes; for response times, for each level probes a hair slower than it, and no others."""
    probe = service.preset.probe
    assert probe, "a rule was made of this level, so there is a probe"
    if watched is Watched.ERRORS:
        judged = tuple((leveled, leveled.level.above) for leveled in levels)
        yield _World(service, probe.gauge, Decimal(1), Decimal(0), judged)
        return
    assert probe.duration
    least = min(leveled.level.above for leveled in levels) / probe.unit
    for leveled in levels:
        slow = tuple((other, SLOW_SHARE) for other in levels if other.level.above <= leveled.level.above)
        yield _World(service, probe.duration, least, leveled.level.above / probe.unit * Decimal("1.001"), slow)


def _from(world: _World, bad: int, count: int) -> list[_Target]:
    """From BEGIN on `bad` probes in every ten minutes, of those of `count` targets."""
    full, rest = divmod(bad, WINDOW)
    tens = [WINDOW] * full + [rest] + [0] * (count - full - 1)
    return [[False] * BEGIN + [(minute % WINDOW) < some for minute in range(world.end + 1 - BEGIN)]
            for some in tens[:count]]


def _over(limit: Decimal, bad: int, events: int) -> bool:
    return bad >= LEAST_EVENTS and bad > limit * events


def _counted(targets: Sequence[_Target], minute: int) -> tuple[int, int]:
    """The bad probes and all probes of the ten minutes that end at `minute`."""
    seen = [bad for target in targets for bad in target[max(0, minute - WINDOW + 1):minute + 1] if bad is not None]
    return sum(seen), len(seen)

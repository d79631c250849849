"""37 days of services as Prometheus scraped them, and what really happened.

Truth counts every request, also those that a restart or a gap took from the counters.
"""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Iterator

SCRAPE = 30  # seconds
DAY = 86_400
DAYS = 37
START = 20_000 * DAY  # midnight UTC
OFFSET = 7  # seconds of a scrape after the full half minute
STEPS = DAYS * DAY // SCRAPE
GAP = (20 * DAY + 10 * 3600, 20 * DAY + 16 * 3600)  # no target was scraped
OBJECTIVE = "0.999"
Span = tuple[float, float, float]  # from day, for minutes, the share of requests that fail


@dataclasses.dataclass(frozen=True, slots=True)
class Service:
    """`peak` requests a scrape at noon on a weekday, a twentieth at night; `bad` is the usual share of failures."""

    name: str
    peak: float = 600
    bad: float = 0.0002
    spans: tuple[Span, ...] = ()
    quiet: tuple[float, float] | None = None  # hours of the day without requests
    every: int = 1  # scrapes from one request (burst) to the next
    restarts: float = 0  # hours from one restart to the next
    loops: tuple[float, ...] = ()  # days on which it restarts every other minute for an hour, at noon
    ends: float = DAYS  # the day of its last request


def _nights(*days: float) -> tuple[Span, ...]:
    return tuple((day + 3 / 24, 20, 1.0) for day in days)


def _peaks(*days: float, minutes: float = 2, share: float = 1.0) -> tuple[Span, ...]:
    return tuple((day + 13 / 24, minutes, share) for day in days)


_BEFORE_GAP = (GAP[0] / DAY - 10 / 1440, 10, 1.0)
_IN_GAP = (GAP[0] / DAY + 1 / 24, 60, 0.2)
LAST = 34.55  # the day of the incidents that alerts are asked about
SERVICES = (
    Service("total", spans=((LAST, 60, 1.0),)), Service("percent", spans=((LAST, 360, 0.01),)),
    Service("five", spans=((LAST, 120, 0.05),)), Service("calm"),
    Service("night", spans=_nights(4, 12, 25, 33, 35)), Service("nights", spans=_nights(*range(2, 37, 3)), peak=100),
    Service("peak", spans=_peaks(4.9, 18, 33, 35)), Service("peaks", spans=_peaks(5, 22, 34, minutes=10, share=0.3)),
    Service("resets", bad=0.0005, restarts=5), Service("before gap", spans=(_BEFORE_GAP,)),
    Service("in gap", spans=(_IN_GAP,)), Service("rare", peak=1, bad=0.004, every=40),
    Service("batch", quiet=(2 + 10 / 60, 26), spans=((33 + 2 / 24, 2, 0.2),)),
    Service("born", bad=0.00003, restarts=17, spans=_peaks(9, 31, minutes=1)),
    Service("bursts", peak=4000, every=20, spans=_peaks(8, 35, minutes=30, share=0.05)),
    Service("silent", quiet=(0, 5), spans=_peaks(14, 34)), Service("loops", loops=(9, 21, 33, 35), bad=0.0005),
    Service("random", spans=tuple((day + (day * 7919 % 97) / 97, 3, 0.4) for day in range(1, 36, 2))),
    Service("ended", spans=_peaks(30), ends=33.0), Service("idle", peak=0),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Weather:
    """What goes wrong all the time. `failed` is the share of scrapes that fail, `late` by how many seconds the others
    come late at most, `missed` the share of a group's evaluations that do not happen."""

    targets: int = 1
    failed: float = 0
    late: float = 0
    missed: float = 0


CALM, ROUGH = Weather(), Weather(targets=3, failed=0.01, late=8, missed=0.02)


@dataclasses.dataclass(slots=True)
class Target:
    """One process of a service: `samples` maps a code to what was scraped, `up` is of every scrape that was tried."""

    samples: dict[str, list[tuple[float, int]]] = dataclasses.field(
        default_factory=lambda: {"200": [], "404": [], "500": []})
    up: list[tuple[float, int]] = dataclasses.field(default_factory=list)
    counters: dict[str, int] = dataclasses.field(default_factory=lambda: {"200": 0, "404": 0})


@dataclasses.dataclass(slots=True)
class History:
    """What one service did. `events` and `bad` are the true counts up to each scrape."""

    events: list[int]
    bad: list[int]
    targets: list[Target]


def at(step: int) -> int:
    """The time of a scrape, seconds."""
    return START + step * SCRAPE + OFFSET


def truth(history: History, moment: int, window: int) -> tuple[int, int]:
    """Events and failures of the scrapes in the `window` seconds up to `moment`."""
    last, first = (min((time - START - OFFSET) // SCRAPE, STEPS - 1) for time in (moment, moment - window))
    before = (history.events[first], history.bad[first]) if first >= 0 else (0, 0)
    return history.events[last] - before[0], history.bad[last] - before[1]


def simulate(service: Service, seed: int, weather: Weather = CALM) -> History:
    chance, winds = random.Random(f"{seed} {service.name}"), random.Random(f"{seed} {service.name} {weather}")
    history = History([], [], [Target() for _ in range(weather.targets)])
    events = bad = 0
    restarts = set(_restarts(service, chance))
    spans = [(first * DAY, first * DAY + minutes * 60, share) for first, minutes, share in service.spans]
    for step in range(STEPS):
        second = step * SCRAPE
        count = int(_rate(service, second) + chance.random()) if step % service.every == 0 else 0
        share = max((share for first, last, share in spans if first <= second < last), default=service.bad)
        failed = min(count, int(count * share + chance.random())) if count else 0
        events, bad = events + count, bad + failed
        for number, target in enumerate(history.targets):
            since = step - number * _ROLLING  # the targets restart one after the other
            if since in restarts:
                target.counters = {"200": 0, "404": 0}
            if since - 1 not in restarts:  # what came between a restart and the scrape before it is in no sample
                _serve(target, *(_part(whole, number + step, len(history.targets)) for whole in (count, failed)))
            if not GAP[0] <= second < GAP[1]:
                _scrape(target, at(step) + winds.uniform(0, weather.late), winds.random() >= weather.failed)
        history.events.append(events)
        history.bad.append(bad)
    return history


_ROLLING = 10  # scrapes


def _part(whole: int, turn: int, targets: int) -> int:
    """What one of so many gets of it; they take turns with what is over."""
    return whole // targets + (turn % targets < whole % targets)


def _serve(target: Target, count: int, failed: int) -> None:
    failed = min(count, failed)
    missing = (count - failed) // 50
    target.counters["200"] += count - failed - missing
    target.counters["404"] += missing
    if failed:  # the counter of failures is born with the first
        target.counters["500"] = target.counters.get("500", 0) + failed


def _scrape(target: Target, moment: float, works: bool) -> None:
    target.up.append((moment, int(works)))
    if works:
        for code, value in target.counters.items():
            target.samples[code].append((moment, value))


def _restarts(service: Service, chance: random.Random) -> Iterator[int]:
    if service.restarts:
        yield from range(100, STEPS, int(service.restarts * 3600 / SCRAPE))
    for day in service.loops:
        step = int((day + 0.5) * DAY / SCRAPE)
        end = step + 3600 // SCRAPE
        while step < end:
            yield step
            step += chance.randint(3, 6)


def _rate(service: Service, second: int) -> float:
    """Requests a scrape: 20 to 1 between noon and midnight, half on weekends."""
    hour = second % DAY / 3600
    if service.quiet and (service.quiet[0] <= hour < service.quiet[1] or hour < service.quiet[1] - 24):
        return 0
    if second >= service.ends * DAY:
        return 0
    if service.every > 1:
        return service.peak
    weekend = 0.5 if second // DAY % 7 in (5, 6) else 1
    return service.peak * weekend * (0.05 + 0.95 * (1 - math.cos(2 * math.pi * hour / 24)) / 2)

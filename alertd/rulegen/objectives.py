"""A declared objective as what is counted for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from decimal import Decimal

from alertd import matchers
from alertd.matchers import Matcher
from alertd.presets import Latency, Requests
from alertd.rulegen import counting, promql
from alertd.rulegen.declared import Counted, Counter, Objective, Service
from alertd.rulegen.indicator import Indicator, Sliced
from alertd.rulegen.rows import Tracked


@dataclasses.dataclass(frozen=True, slots=True)
class Watch:
    """An objective with its counters (or the gauge, as what there is of events), and with them as the records read
    them."""

    objective: Objective
    counted: Counted
    tracked: Tracked


def watches(service: Service) -> Iterator[Watch]:
    """Each objective of `service` that can be counted."""
    scraped = _targets(service.selector)
    for objective in service.objectives:
        if counted := _counted(service, objective):
            indicator = _indicator(objective, counted, scraped)
            yield Watch(objective, counted, Tracked(service.name, objective.name, objective.target, objective.window,
                                                    indicator, objective.by))


def _counted(service: Service, objective: Objective) -> Counted | None:
    if objective.gauge:
        return Counted((objective.gauge.gauge,))
    return objective.counted or _preset(service, objective)


def _indicator(objective: Objective, counted: Counted, scraped: str) -> Indicator | Sliced:
    indicator = Indicator(_texts(counted.events), _texts(counted.bad), _texts(counted.good), scraped)
    if objective.slices is None:
        return indicator
    most = 1 - (objective.slices.target or Decimal(1))
    return Sliced(objective.slices.length, objective.gauge or indicator, most, scraped)


def _preset(service: Service, objective: Objective) -> Counted | None:
    if objective.under is None:
        return _requests(service.preset.requests, service.selector) if service.preset.requests else None
    return (_durations(service.preset.latency, service.selector, objective.under) if service.preset.latency else None)


def _requests(preset: Requests, selector: tuple[Matcher, ...]) -> Counted:
    bad = tuple(Counter(preset.counter, (*selector, matchers.parse(failure.match))) for failure in preset.failures)
    return Counted((Counter(preset.counter, selector),), bad)


def _durations(preset: Latency, selector: tuple[Matcher, ...], under: int) -> Counted:
    fast = (*selector, matchers.parse(promql.le(counting.edge(preset, under))))
    return Counted((Counter(f"{preset.histogram}_count", selector),),
                   good=(Counter(f"{preset.histogram}_bucket", fast),))


def _texts(counters: tuple[Counter, ...]) -> tuple[str, ...]:
    return tuple(promql.selector(counter.metric, counter.matchers) for counter in counters)


def _targets(selector: tuple[Matcher, ...]) -> str:
    """`up` of the service's targets, by the labels that every scraped series has. Empty where the selector names no
    job: `up` of all targets there are would be read with every row."""
    named = [matcher for matcher in selector if matcher.label in ("job", "instance")]
    return promql.selector("up", named) if any(matcher.label == "job" for matcher in named) else ""

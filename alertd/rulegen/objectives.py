"""A declared objective as what is counted for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from decimal import Decimal

from alertd import matchers
from alertd.matchers import Matcher
from alertd.presets import Latency, Requests
from alertd.rulegen import counting, promql, rows
from alertd.rulegen.declared import Counted, Counter, Objective, Part, Service, Symptom
from alertd.rulegen.indicator import Composite, Indicator, Sliced, pattern
from alertd.rulegen.rows import Tracked
from alertd.slo.promise import Promise


@dataclasses.dataclass(frozen=True, slots=True)
class Watch:
    """An objective with its counters (or the gauge, as what there is of events), and with them as the records read
    them. What it is made of stands apart in `parts`: one, unless it is made of several objectives; `targets` are
    conditions on the targets of each."""

    objective: Objective
    parts: tuple[Counted, ...]
    tracked: Tracked
    targets: tuple[tuple[Matcher, ...], ...]

    @property
    def counted(self) -> Counted:
        """Of an objective that is not made of others."""
        return self.parts[0]


def promise(watch: Watch) -> Promise:
    """What is promised by it, without how it is counted."""
    tracked, calendar = watch.tracked, watch.objective.calendar
    return Promise(tracked.service, tracked.slo, format(tracked.target.normalize(), "f"), tracked.window, tracked.by,
                   f"{calendar.period} {calendar.timezone.key}" if calendar else "")


def watches(service: Service) -> Iterator[Watch]:
    """Each objective of `service` that can be counted."""
    for objective in service.objectives:
        whole = objective.parts or (Part(service, objective),)
        parts = tuple(counted for part in whole if (counted := _counted(part.service, part.objective)))
        if len(parts) < len(whole):
            continue
        indicators = [_indicator(part.objective, counted, _up(part.service), _marks(part.service, part.objective))
                      for part, counted in zip(whole, parts, strict=True)]
        indicator = indicators[0] if len(whole) == 1 else Composite(
            tuple(each for each in indicators if isinstance(each, Indicator)))
        tracked = Tracked(service.name, objective.name, objective.target, objective.window, indicator, objective.by)
        yield Watch(objective, parts, tracked, tuple(_target(part.service.selector) for part in whole))


def apart(watches: Iterable[Watch]) -> list[list[Watch]]:
    """Objectives that share a metric cannot be shown different things at once: those that can, in their order."""
    rounds: list[tuple[set[str], list[Watch]]] = []
    for one in watches:
        metrics = {counter.metric for counted in one.parts
                   for counter in (*counted.events, *counted.bad, *counted.good)}
        free = next((its for its in rounds if not its[0] & metrics), None)
        if free is None:
            rounds.append((metrics, [one]))
        else:
            free[0].update(metrics)
            free[1].append(one)
    return [its for _, its in rounds]


def _counted(service: Service, objective: Objective) -> Counted | None:
    if objective.gauge:
        return Counted((objective.gauge.gauge,))
    return objective.counted or _preset(service, objective)


def _marks(service: Service, objective: Objective) -> tuple[Matcher, ...]:
    """How the preset marks a failure, where a regular expression tells it. The labels of the records are taken."""
    if objective.symptom is not Symptom.AVAILABILITY or not service.preset.requests:
        return ()
    marks = tuple(matchers.parse(failure.match) for failure in service.preset.requests.failures)
    told = all(pattern(mark) for mark in marks) and not {mark.label for mark in marks} & {*rows.LABELS}
    return marks if told else ()


def _indicator(objective: Objective, counted: Counted, scraped: str, marks: tuple[Matcher, ...]
               ) -> Indicator | Sliced:
    events = Indicator(_texts(counted.events), _texts(counted.bad), _texts(counted.good), scraped, marks)
    if objective.slices is None:
        return events
    most = 1 - (objective.slices.target or Decimal(1))
    return Sliced(objective.slices.length, objective.gauge or events, most, scraped)


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


def _up(service: Service) -> str:
    """`up` of the service's targets, by the labels that every scraped series has. Empty where the selector names no
    job: `up` of all targets there are would be read with every row."""
    named = _target(service.selector)
    return promql.selector("up", named) if any(matcher.label == "job" for matcher in named) else ""


def _target(selector: tuple[Matcher, ...]) -> tuple[Matcher, ...]:
    return tuple(matcher for matcher in selector if matcher.label in ("job", "instance"))

"""A declared threshold, a preset and a service become alert rules."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterator
from decimal import Decimal

from alertd.model import MINUTE, Millis, Severity
from alertd.presets import Latency, Requests
from alertd.rulegen import counting, promql, runbook
from alertd.rulegen.declared import RESPONSE_TIMES, UTILIZATIONS, Declared, Level, Service, Symptom, Watched
from alertd.rulegen.rules import AlertRule, Group, RecordingRule

VALUE = "{{ $value | humanizePercentage }}"
INSTANCE = "{{ $labels.instance }}"
KEEP_FIRING: Millis = 5 * MINUTE  # a value that hovers at its limit is one alert, not ten
LEAST_EVENTS = 3  # fewer failed or slow requests are chance, whatever share of a quiet hour's traffic they are
SLOW_SHARE = Decimal("0.05")  # the share form of a 95th percentile, exact at a bucket's edge


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """What is fixed about the alert of one kind of threshold. `symptom` is what it shares with an objective."""

    alert: str
    lasting: Millis
    severity: Severity
    symptom: Symptom | None = None


SHAPES = {
    Watched.CPU: Shape("HighCPUUtilization", 15 * MINUTE, Severity.WARNING),
    Watched.MEMORY: Shape("HighMemoryUtilization", 15 * MINUTE, Severity.WARNING),
    Watched.ERRORS: Shape("HighErrorRate", 5 * MINUTE, Severity.CRITICAL, Symptom.AVAILABILITY),
    Watched.RESPONSE_TIME: Shape("HighResponseTime", 5 * MINUTE, Severity.CRITICAL, Symptom.LATENCY),
    Watched.RESPONSE_TIME_P95: Shape("HighResponseTimeP95", 5 * MINUTE, Severity.WARNING, Symptom.LATENCY),
}

_USED = {Watched.CPU: "CPU", Watched.MEMORY: "memory"}

REQUESTS, FAILURES, TIMED, SLOW = (f"service:{what}:increase{promql.duration(counting.WINDOW)}"
                                   for what in ("requests", "failures", "timed_requests", "slow_requests"))


def lasting(watched: Watched, level: Level) -> Millis:
    return SHAPES[watched].lasting if level.lasting is None else level.lasting


def severity(watched: Watched, level: Level, service: Service | None = None) -> Severity:
    """What the level says; else the alert's own, but warning where an objective of the service pages for the same
    symptom: one outage is one page."""
    if level.severity is not None:
        return level.severity
    shape = SHAPES[watched]
    paged = {objective.symptom for objective in service.objectives} if service else set()
    return Severity.WARNING if shape.symptom in paged else shape.severity


def nodes(declared: Declared) -> Iterator[Group]:
    """The group of each utilization that has a threshold."""
    for watched in UTILIZATIONS:
        levels = declared.thresholds.get(watched, ())
        if levels:
            rules = tuple(_utilization(declared, watched, level) for level in levels)
            yield Group(f"nodes {watched}", rules)


def _utilization(declared: Declared, watched: Watched, level: Level) -> AlertRule:
    what = _USED[watched]
    limit = promql.percent(level.above)
    expression = declared.nodes.utilization[watched].expression.strip()
    return _alert(
        declared, watched, level, None,
        expr=f"(\n{textwrap.indent(expression, '  ')}\n) > {promql.number(level.above)}",
        summary=f"Over {limit} of the {what} of {INSTANCE} is in use",
        description=f"{VALUE} of the {what} of {INSTANCE} is in use; the declared limit is {limit}.",
    )


def service(declared: Declared, service: Service) -> Iterator[Group]:
    """The groups of one service: its failures, and its slow requests, each where a threshold watches them."""
    errors = declared.thresholds.get(Watched.ERRORS, ())
    if errors and service.preset.requests:
        yield Group(f"{service.name} {Watched.ERRORS}", (
            *_failure_records(service, service.preset.requests),
            *(_error_rate(declared, service, level) for level in errors)))
    times = [(watched, level) for watched in RESPONSE_TIMES for level in declared.thresholds.get(watched, ())]
    if times and service.preset.latency:
        yield Group(f"{service.name} {Watched.RESPONSE_TIME}", (
            *_slow_records(service, service.preset.latency, sorted({int(level.above) for _, level in times})),
            *(_response_time(declared, service, watched, level) for watched, level in times)))


def _failure_records(service: Service, preset: Requests) -> Iterator[RecordingRule]:
    labels = {"service": service.name}
    yield RecordingRule(REQUESTS, counting.requests(preset, service.selector), labels)
    yield RecordingRule(FAILURES, counting.failures(preset, service.selector, of(REQUESTS, service)), labels)


def _slow_records(service: Service, preset: Latency, overs: list[Millis]) -> Iterator[RecordingRule]:
    labels = {"service": service.name}
    yield RecordingRule(TIMED, counting.timed(preset, service.selector), labels)
    for over in overs:
        expr = counting.slow(preset, service.selector, over, of(TIMED, service))
        yield RecordingRule(SLOW, expr, {**labels, "over": promql.duration(over)})


def of(record: str, service: Service, **labels: str) -> str:
    """The record of this service."""
    return promql.selector(record, (), *(f"{name}={promql.quoted(value)}"
                                         for name, value in {"service": service.name, **labels}.items()))


def _error_rate(declared: Declared, service: Service, level: Level) -> AlertRule:
    limit = promql.percent(level.above)
    failures = of(FAILURES, service)
    return _alert(
        declared, Watched.ERRORS, level, service,
        expr=_share(failures, of(REQUESTS, service), promql.number(level.above)),
        summary=f"Over {limit} of the requests to {service.name} fail",
        description=f"{VALUE} of the requests to {service.name} failed in the last "
                    f"{promql.duration(counting.WINDOW)}; the declared limit is {limit}.",
    )


def _response_time(declared: Declared, service: Service, watched: Watched, level: Level) -> AlertRule:
    over = promql.duration(int(level.above))
    share = promql.percent(SLOW_SHARE)
    return _alert(
        declared, watched, level, service,
        expr=_share(of(SLOW, service, over=over), of(TIMED, service), promql.number(SLOW_SHARE)),
        summary=f"Over {share} of the requests to {service.name} take longer than {over}",
        description=f"{VALUE} of the requests to {service.name} took longer than {over} "
                    f"in the last {promql.duration(counting.WINDOW)}; the declared limit is {share}.",
    )


def _share(bad: str, events: str, limit: str) -> str:
    """True where more than `limit` of the events are bad and enough of them are. No events give no sample: never a
    division by zero, never NaN."""
    return f"{bad}\n/ on (service) ({events} > 0)\n> {limit}\nand on (service) {bad} >= {LEAST_EVENTS}"


def _alert(declared: Declared, watched: Watched, level: Level, service: Service | None, *, expr: str, summary: str,
           description: str) -> AlertRule:
    name = SHAPES[watched].alert
    labels = {"severity": str(severity(watched, level, service))}
    return AlertRule(
        name, expr, lasting(watched, level), KEEP_FIRING,
        labels={**labels, "service": service.name} if service else labels,
        annotations={"summary": summary, "description": description,
                     "runbook_url": runbook.url(declared.runbooks, name)})


def watchdog(declared: Declared) -> Group:
    """An alert that always fires: where it falls silent, the way from Prometheus to people is broken."""
    return Group("watchdog", (AlertRule(
        "Watchdog", "vector(1)", 0, 0, {"severity": str(Severity.NONE)},
        {"summary": "Alerting works",
         "description": "This alert always fires. Where it stops, Prometheus, Alertmanager or the way between them "
                        "does not work.",
         "runbook_url": runbook.url(declared.runbooks, "Watchdog")}),))

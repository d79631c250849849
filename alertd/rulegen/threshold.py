"""A declared threshold, a preset and a service become alert rules."""

from __future__ import annotations

import dataclasses
import re
import textwrap
from collections.abc import Iterator
from decimal import Decimal

from alertd.model import MINUTE, Labels, Millis, Severity
from alertd.presets import Latency, Preset, Probe
from alertd.rulegen import buckets, counting, probing, promql, runbook, tiers
from alertd.rulegen.declared import NODES, RESPONSE_TIMES, UTILIZATIONS, Declared, Level, Service, Symptom, Watched
from alertd.rulegen.rules import AlertRule, Group, RecordingRule
from alertd.rulegen.version import OLDEST, PrometheusVersion

VALUE = "{{ $value | humanizePercentage }}"
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

_IN = promql.duration(counting.WINDOW)
REQUESTS, FAILURES, TIMED, SLOW = (f"service:{what}:increase{_IN}"
                                   for what in ("requests", "failures", "timed_requests", "slow_requests"))
PROBES, FAILED_PROBES = f"service:probes:count{_IN}", f"service:failed_probes:count{_IN}"
SLICES, SLOW_SLICES = f"service:probe_slices:count{_IN}", f"service:slow_probe_slices:count{_IN}"


def lasting(watched: Watched, level: Level) -> Millis:
    return SHAPES[watched].lasting if level.lasting is None else level.lasting


def severity(watched: Watched, level: Level, service: Service | None = None) -> Severity:
    """What the level says; else the alert's own, but warning where an objective of the service pages for the same
    symptom: one outage is one page."""
    if level.severity is not None:
        return level.severity
    shape = SHAPES[watched]
    paged = {objective.symptom for objective in service.objectives if tiers.pages(objective)} if service else set()
    return Severity.WARNING if shape.symptom in paged else shape.severity


def nodes(declared: Declared) -> Iterator[Group]:
    """The group of each utilization that has a threshold, for every preset that is watched."""
    for preset in declared.nodes:
        for watched in UTILIZATIONS:
            levels = declared.thresholds.get(watched, ())
            if levels and watched in preset.utilization:
                rules = tuple(_utilization(declared, preset, watched, level) for level in levels)
                yield Group(node_group(preset, watched), rules)


def node_group(preset: Preset, watched: Watched) -> str:
    return f"{'nodes' if preset.name == NODES else preset.name} {watched}"


def _utilization(declared: Declared, preset: Preset, watched: Watched, level: Level) -> AlertRule:
    utilization = preset.utilization[watched]
    what, subject = utilization.of, _subject(preset)
    limit = promql.percent(level.above)
    return _alert(
        declared, watched, level, {} if preset.name == NODES else {"preset": preset.name},
        expr=f"(\n{textwrap.indent(utilization.expression.strip(), '  ')}\n) > {promql.number(level.above)}",
        summary=f"Over {limit} of the {what} of {subject} is in use",
        description=f"{VALUE} of the {what} of {subject} is in use; the declared limit is {limit}.",
    )


def _subject(preset: Preset) -> str:
    return re.sub(r"\{(\w+)\}", r"{{ $labels.\1 }}", preset.subject)


def service(declared: Declared, service: Service, version: PrometheusVersion = OLDEST) -> Iterator[Group]:
    """The groups of one service: its failures, and its slow requests, each where a threshold watches them."""
    preset = service.preset
    errors = declared.thresholds.get(Watched.ERRORS, ())
    times = [(watched, level) for watched in RESPONSE_TIMES for level in declared.thresholds.get(watched, ())]
    overs = sorted({int(level.above) for _, level in times})
    if errors and (records := tuple(_failure_records(service, version))):
        yield Group(f"{service.name} {Watched.ERRORS}", (
            *records, *(_error_rate(declared, service, level) for level in errors)))
    if times and preset.latency:
        yield Group(f"{service.name} {Watched.RESPONSE_TIME}", (
            *_slow_records(service, preset.latency, overs, version),
            *(_response_time(declared, service, preset.latency, watched, level) for watched, level in times)))
    elif times and preset.probe and preset.probe.duration:
        yield Group(f"{service.name} {Watched.RESPONSE_TIME}", (
            *_slow_probe_records(service, preset.probe, preset.probe.duration, overs),
            *(_probe_time(declared, service, watched, level) for watched, level in times)))


def _failure_records(service: Service, version: PrometheusVersion) -> Iterator[RecordingRule]:
    labels, selector = {"service": service.name}, service.selector
    if requests := service.preset.requests:
        yield RecordingRule(REQUESTS, counting.requests(requests, selector, version), labels)
        yield RecordingRule(FAILURES, counting.failures(requests, selector, of(REQUESTS, service), version), labels)
    elif probe := service.preset.probe:
        yield RecordingRule(PROBES, probing.probes(probe, selector), labels)
        yield RecordingRule(FAILED_PROBES, probing.failed(probe, selector, of(PROBES, service)), labels)


def _slow_records(service: Service, preset: Latency, overs: list[Millis], version: PrometheusVersion
                  ) -> Iterator[RecordingRule]:
    """What is slower than each edge that is needed, counted, and from these what is slower than a time between two."""
    labels, events = {"service": service.name}, of(TIMED, service)
    yield RecordingRule(TIMED, counting.timed(preset, service.selector, version), labels)
    places = {over: _between(service, preset, over) for over in overs}
    edges = sorted({edge for place in places.values() for edge in (place.below, place.above)})
    for edge in edges:
        expr = counting.slow(preset, service.selector, edge, events, version)
        yield RecordingRule(SLOW, expr, {**labels, "over": buckets.shown(preset, edge)})
    for over, place in places.items():
        if not place.exact:
            expr = _mixed(service, preset, place)
            if version.has_native_histograms:
                native = counting.native_slow(preset, service.selector, place.at, events)
                expr = f"{native}\nor on ()\n{expr}"
            yield RecordingRule(SLOW, expr, {**labels, "over": promql.duration(over)})


def _between(service: Service, preset: Latency, over: Millis) -> buckets.Between:
    place = buckets.between(preset, service.buckets, over)
    assert place, f"{over} ms lies outside the buckets of {service.name}; reading the rules refuses that"
    return place


def _mixed(service: Service, preset: Latency, place: buckets.Between) -> str:
    below, above = place.weights
    return (f"(\n  {below} * {_slower(service, preset, place.below)}\n  + on (service)\n"
            f"  {above} * {_slower(service, preset, place.above)}\n) / {below + above}")


def _slower(service: Service, preset: Latency, edge: Decimal) -> str:
    return of(SLOW, service, over=buckets.shown(preset, edge))


def _slow_probe_records(service: Service, preset: Probe, duration: str, overs: list[Millis]
                        ) -> Iterator[RecordingRule]:
    labels = {"service": service.name}
    yield RecordingRule(SLICES, probing.slices(duration, service.selector), labels)
    for over in overs:
        expr = probing.slow(duration, service.selector, Decimal(over) / preset.unit)
        yield RecordingRule(SLOW_SLICES, expr, {**labels, "over": promql.duration(over)})


def of(record: str, service: Service, **labels: str) -> str:
    """The record of this service."""
    return promql.selector(record, (), *(f"{name}={promql.quoted(value)}"
                                         for name, value in {"service": service.name, **labels}.items()))


def _error_rate(declared: Declared, service: Service, level: Level) -> AlertRule:
    limit = promql.percent(level.above)
    probed = service.preset.requests is None
    failed, all_of_them = (FAILED_PROBES, PROBES) if probed else (FAILURES, REQUESTS)
    what = f"{'probes of' if probed else 'requests to'} {service.name}"
    return _alert(
        declared, Watched.ERRORS, level, {"service": service.name}, service,
        expr=_share(of(failed, service), of(all_of_them, service), promql.number(level.above)),
        summary=f"Over {limit} of the {what} fail",
        description=f"{VALUE} of the {what} failed in the last {_IN}; the declared limit is {limit}.",
    )


def _response_time(declared: Declared, service: Service, preset: Latency, watched: Watched, level: Level) -> AlertRule:
    over = promql.duration(int(level.above))
    share = promql.percent(SLOW_SHARE)
    place = _between(service, preset, int(level.above))
    about = VALUE if place.exact else f"About {VALUE}"
    return _alert(
        declared, watched, level, {"service": service.name}, service,
        expr=_share(of(SLOW, service, over=over), of(TIMED, service), promql.number(SLOW_SHARE)),
        summary=f"Over {share} of the requests to {service.name} take longer than {over}",
        description=f"{about} of the requests to {service.name} took longer than {over} "
                    f"in the last {_IN}; the declared limit is {share}." + _interval(service, preset, place),
    )


def _interval(service: Service, preset: Latency, place: buckets.Between) -> str:
    """What is known for sure where the figure is an estimate."""
    if place.exact:
        return ""
    least, most = bounds(service, preset, place)
    below, above = (buckets.shown(preset, edge) for edge in (place.below, place.above))
    return f" The true share is between {least} and {most}: the histogram has no bucket between {below} and {above}."


def bounds(service: Service, preset: Latency, place: buckets.Between) -> tuple[str, str]:
    """The least and the most share that can be slower, as templates."""
    least, most = (f"{_slower(service, preset, edge)} / on (service) {of(TIMED, service)}"
                   for edge in (place.above, place.below))
    return _asked(least), _asked(most)


def _asked(query: str) -> str:
    """A template that shows the share a query gives."""
    return f"{{{{ with query {promql.quoted(query)} }}}}{{{{ . | first | value | humanizePercentage }}}}{{{{ end }}}}"


def _probe_time(declared: Declared, service: Service, watched: Watched, level: Level) -> AlertRule:
    over = promql.duration(int(level.above))
    share = promql.percent(SLOW_SHARE)
    return _alert(
        declared, watched, level, {"service": service.name}, service,
        expr=_share(of(SLOW_SLICES, service, over=over), of(SLICES, service), promql.number(SLOW_SHARE)),
        summary=f"Over {share} of the probes of {service.name} take longer than {over}",
        description=f"In {VALUE} of the last {_IN}, minute by minute, the probes of {service.name} took longer than "
                    f"{over}; the declared limit is {share}.",
    )


def _share(bad: str, events: str, limit: str) -> str:
    """True where more than `limit` of the events are bad and enough of them are. No events give no sample: never a
    division by zero, never NaN."""
    return f"{bad}\n/ on (service) ({events} > 0)\n> {limit}\nand on (service) {bad} >= {LEAST_EVENTS}"


def _alert(declared: Declared, watched: Watched, level: Level, labels: Labels, service: Service | None = None, *,
           expr: str, summary: str, description: str) -> AlertRule:
    name = SHAPES[watched].alert
    return AlertRule(
        name, expr, lasting(watched, level), KEEP_FIRING if level.keep_firing is None else level.keep_firing,
        labels={"severity": str(severity(watched, level, service)), **labels},
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

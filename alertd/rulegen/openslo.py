"""Declared SLOs as OpenSLO v1. https://github.com/OpenSLO/OpenSLO"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from alertd.rulegen import counting, promql
from alertd.rulegen.declared import Declared, Objective, Service
from alertd.slo.window import Period

VERSION = "openslo/v1"
_PERIODS = {Period.WEEK: "1w", Period.MONTH: "1M", Period.QUARTER: "1Q"}
_START = "2024-01-01 00:00:00"  # a Monday that a quarter begins with: each period is one of those counted from here


def documents(declared: Declared) -> Iterator[dict[str, Any]]:
    """A Service for each service with objectives, and an SLO with its indicator for each of them."""
    for service in sorted(declared.services, key=lambda service: service.name):
        if service.objectives:
            yield {"apiVersion": VERSION, "kind": "Service", "metadata": {"name": name(service.name)}, "spec": {}}
        for objective in service.objectives:
            if ratio := _ratio(service, objective):
                yield _slo(service, objective, ratio)


def unwritten(declared: Declared) -> list[str]:
    """The objectives that have no documents: slices of a gauge, what is made of others, and what the service's preset
    does not measure."""
    return [f"{service.name}: {objective.name!r} is about a gauge, of which OpenSLO knows no slices"
            if objective.gauge else
            f"{service.name}: {objective.name!r} is made of other objectives, which OpenSLO does not add up by counts"
            if objective.parts else
            f"{service.name}: the preset {service.preset.name!r} does not measure what {objective.name!r} is about"
            for service in declared.services for objective in service.objectives if not _ratio(service, objective)]


def name(text: str) -> str:
    """OpenSLO's names are those of DNS labels."""
    return re.sub(r"[^a-z0-9-]", "-", text.lower()).strip("-")[:63].rstrip("-")


def _ratio(service: Service, objective: Objective) -> dict[str, str] | None:
    """The queries of its counters, by what they count."""
    requests, latency = service.preset.requests, service.preset.latency
    if objective.gauge or objective.parts:
        return None
    if counted := objective.counted:
        sides = {"bad": counted.bad, "good": counted.good, "total": counted.events}
        return {side: f"sum({' or '.join(promql.selector(each.metric, each.matchers) for each in counters)})"
                for side, counters in sides.items() if counters}
    if objective.under is None and requests:
        bad = " or ".join(promql.selector(requests.counter, service.selector, failure.match)
                          for failure in requests.failures)
        return {"bad": f"sum({bad})", "total": f"sum({promql.selector(requests.counter, service.selector)})"}
    if objective.under is not None and latency:
        edge = counting.edge(latency, objective.under)
        good = promql.selector(f"{latency.histogram}_bucket", service.selector, f'le="{promql.number(edge)}"')
        total = promql.selector(f"{latency.histogram}_count", service.selector)
        return {"good": f"sum({good})", "total": f"sum({total})"}
    return None


def _slo(service: Service, objective: Objective, ratio: dict[str, str]) -> dict[str, Any]:
    sides = {side: {"metricSource": {"type": "Prometheus", "spec": {"query": query}}} for side, query in ratio.items()}
    return {
        "apiVersion": VERSION, "kind": "SLO",
        "metadata": {"name": name(f"{service.name}-{objective.name}"),
                     "annotations": {"alertd/service": service.name, "alertd/slo": objective.name}},
        "spec": {
            "service": name(service.name),
            "indicator": {"metadata": {"name": name(f"{service.name}-{objective.name}")},
                          "spec": {"ratioMetric": {"counter": True, **sides}}},
            "timeWindow": [_window(objective)],
            "budgetingMethod": "Timeslices" if objective.slices else "Occurrences",
            "objectives": [{"target": float(objective.target), **_slices(objective)}],
        },
    }


def _window(objective: Objective) -> dict[str, Any]:
    if objective.calendar is None:
        return {"duration": promql.duration(objective.window), "isRolling": True}
    return {"duration": _PERIODS[objective.calendar.period], "isRolling": False,
            "calendar": {"startTime": _START, "timeZone": objective.calendar.timezone.key}}


def _slices(objective: Objective) -> dict[str, Any]:
    slices = objective.slices
    if slices is None or slices.target is None:
        return {}
    return {"timeSliceTarget": float(slices.target), "timeSliceWindow": promql.duration(slices.length)}

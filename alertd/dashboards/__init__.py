"""Grafana dashboards of what rules/*.yaml declares: an overview, one for each SLO, guardrails, alertd itself. Pure:
values in, text out, the same bytes everywhere. What they ask for is recorded by rulegen's rules, exported by alertd, or
shown by the exporters that a preset is of."""

from __future__ import annotations

from collections.abc import Iterator

from alertd.dashboards import guardrails, objective, overview, own
from alertd.dashboards.grafana import Dashboard, text
from alertd.rulegen import objectives
from alertd.rulegen.declared import Declared


def each(declared: Declared) -> Iterator[tuple[str, str]]:
    """Every file of a folder that Grafana reads dashboards from, its name and its text."""
    for dashboard in _all(declared):
        yield f"{dashboard.uid}.json", text(dashboard)


def _all(declared: Declared) -> Iterator[Dashboard]:
    yield overview.dashboard(declared)
    yield own.dashboard()
    if declared.guardrails:
        yield guardrails.dashboard(declared.guardrails)
    for service in sorted(declared.services, key=lambda service: service.name):
        for watch in objectives.watches(service):
            yield objective.dashboard(watch)

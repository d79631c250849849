"""Imported SLOs as YAML for rules/."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import yaml

from alertd.config.slo_import.recognise import Counted, counted
from alertd.config.slo_import.taking import Slo
from alertd.errors import Finding
from alertd.presets import Preset
from alertd.rulegen.promql import duration, percent


def written(slos: Iterable[Slo], presets: Mapping[str, Preset]) -> tuple[str, list[Finding]]:
    """The YAML of what can be counted, and findings about the rest."""
    services: dict[str, dict[str, Any]] = {}
    left: list[Finding] = []
    for slo in slos:
        try:
            found = counted(slo, presets.values())
        except ValueError as error:
            left.append(slo.left(f"not carried over: {error}", "write it by hand"))
            continue
        name = _service(slo, found)
        if name in services and (services[name]["metrics"], services[name]["selector"]) != (found.preset,
                                                                                           found.selector):
            other = f"{name}-{_word(slo.name)}"
            left.append(slo.left(f"has another selector than the service {name!r}; written as {other!r}"))
            name = other
        service = services.setdefault(name, {"metrics": found.preset, "selector": found.selector, "slos": {}})
        if (called := _word(slo.name)) in service["slos"]:
            left.append(slo.left(f"not carried over: the service {name!r} has an SLO {called!r} already"))
            continue
        service["slos"][called] = _settings(slo, found)
        _buckets(service, found, presets[found.preset])
    text = yaml.safe_dump({"services": services}, sort_keys=False, allow_unicode=True, width=1000) if services else ""
    return text, left


def _service(slo: Slo, found: Counted) -> str:
    """Pyrra's files name no service; the job they select is the nearest."""
    job = re.search(r'(?:^|,)job="([^"]+)"', found.selector)
    return _word(slo.service or (job[1] if job else slo.name))


def _word(name: str) -> str:
    """A name that alertd takes: a service's is a file's too."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", name).strip("-._")[:100] or "unnamed"


def _settings(slo: Slo, found: Counted) -> dict[str, Any]:
    under = {} if found.under is None else {"under": duration(found.under)}
    slices = {} if slo.slices is None else {"method": "timeslices", "slice": duration(slo.slices.length),
                                            "slice_target": percent(slo.slices.target or Decimal(1))}
    own = {key: _one(selectors) for key, selectors in (("events", (found.events,)), ("bad", found.bad),
                                                       ("good", found.good)) if any(selectors)}
    by = {"by": list(slo.by)} if slo.by else {}
    window = {"window": duration(slo.window)} if slo.calendar is None else {
        "window": slo.calendar.period.value, "timezone": slo.calendar.timezone.key}
    return {"objective": percent(slo.target), **window, **under, **slices, **own, **by}


def _one(selectors: Sequence[str]) -> str | list[str]:
    return selectors[0] if len(selectors) == 1 else list(selectors)


def _buckets(service: dict[str, Any], found: Counted, preset: Preset) -> None:
    """Where the histogram has an edge that the preset does not know, the edges that are known to be there."""
    if found.edge is None or preset.latency is None:
        return
    if "buckets" in service or found.edge not in preset.latency.buckets:
        edges = {*map(_edge, service.get("buckets", [])), found.edge}
        service["buckets"] = [_number(edge) for edge in sorted(edges)]


def _edge(value: object) -> Decimal:
    return Decimal(str(value))


def _number(edge: Decimal) -> int | float:
    return int(edge) if edge == int(edge) else float(edge)

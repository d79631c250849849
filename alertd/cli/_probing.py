"""What a Prometheus is asked by `alertd init`: which presets fit what it has. Each query once, and not many."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from alertd.errors import AlertdError

if TYPE_CHECKING:
    from alertd.presets import Preset
    from alertd.prometheus import Prometheus
    from alertd.starting.policy import Declared
    from alertd.starting.writing import Service, Start

Asked = TypeVar("Asked")
Known = TypeVar("Known")


@dataclasses.dataclass(slots=True)
class Probe:
    """What came out. `watch` are presets whose every target is watched; `kept` how long samples are, in milliseconds,
    None where the server does not say; `remarks` what was not answered, and what is left out and why."""

    watch: tuple[str, ...] = ()
    services: tuple[Service, ...] = ()
    kept: int | None = None
    remarks: list[str] = dataclasses.field(default_factory=list)
    queries: int = 0


def probe(server: Prometheus, presets: Mapping[str, Preset], declared: Declared) -> Probe:
    """What fits the server. PrometheusUnreachable where it does not say which metrics it has; what it does not answer
    after that is a remark."""
    from alertd.starting import fitting

    metrics = server.values("__name__")
    found = Probe(fitting.watched(presets.values(), metrics), kept=server.retention())
    candidates = fitting.candidates(presets.values(), metrics)
    queries = list(dict.fromkeys(query for candidate in candidates for query in candidate.queries))
    labels = {query: candidate.preset.service for candidate in candidates for query in candidate.queries}

    def values(query: str) -> frozenset[str]:
        answer = server.instant(query)
        found.remarks += [f"{server.shown} answers only in part: {warning}" for warning in answer.warnings]
        return frozenset(sample.labels.get(labels[query], "") for sample in answer.samples)

    every = fitting.services(candidates, _each(found, "asking for services", queries, values))
    if len(every) > fitting.MOST:
        names = ", ".join(one.name for one in every[fitting.MOST:][:5])
        found.remarks.append(f"{len(every)} services fit; the first {fitting.MOST} are taken, and {names} and others "
                             "are not")
    every = every[:fitting.MOST]
    histograms = [one.histogram for one in every if one.histogram]
    edges = _each(found, "asking for buckets", histograms, lambda histogram: server.values("le", histogram))
    for one in every:
        taken, word = fitting.service(one, edges.get(one.histogram or "", frozenset()), declared)
        found.services += (taken,) if taken else ()
        found.remarks += [word] if word else []
    guardrails = {name: guardrail for preset in presets.values() for name, guardrail in preset.guardrails.items()
                  if name in declared.guardrails}
    if unseen := fitting.unseen(guardrails, metrics):
        found.remarks.append(f"it has no metrics for {len(unseen)} of {len(guardrails)} guardrails; GuardrailUnknown "
                             f"will say so of each: {', '.join(unseen)}")
    found.queries = 2 + len(queries) + len(histograms)
    return found


def _each(found: Probe, label: str, asked: Sequence[Asked], ask: Callable[[Asked], Known]) -> dict[Asked, Known]:
    """The answers, without those that did not come."""
    known: dict[Asked, Known] = {}
    with click.progressbar(asked, label=label, file=sys.stderr, hidden=not sys.stderr.isatty(), show_pos=True) as bar:
        for one in bar:
            try:
                known[one] = ask(one)
            except AlertdError as error:
                found.remarks.append(str(error))
    return known


def told(found: Probe, server: Prometheus) -> Iterable[str]:
    """What a person is told of it."""
    names = [f"{service.name} ({service.preset})" for service in found.services]
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    yield f"{server.shown}, by {found.queries} queries: " + "; ".join([
        f"services {shown}" if names else "no service whose metrics a preset knows",
        f"watched as a whole: {', '.join(found.watch)}" if found.watch else "no node_exporter or the like",
    ])
    yield from found.remarks


def probed(start: Start, url: str, timeout: float, presets: Mapping[str, Preset]) -> Start:
    """With what the Prometheus has; leaves where it does not answer."""
    from alertd.prometheus import Prometheus, PrometheusUnreachable
    from alertd.starting.writing import OWN

    server = Prometheus(url, timeout)
    try:
        found = probe(server, presets, start.declared)
    except PrometheusUnreachable as error:
        click.echo(f"{error}\nnothing was written", err=True)
        sys.exit(3)
    for line in told(found, server):
        click.echo(line, err=True)
    named = {service.name for service in start.services}
    services = [*start.services, *(service for service in found.services if service.name not in named)]
    return dataclasses.replace(start, services=services, watch=(*found.watch, OWN) if found.watch else start.watch,
                               declared=_kept(start.declared, found.kept))


def _kept(declared: Declared, kept: int | None) -> Declared:
    """How long the server keeps metrics, where no document says it; where it keeps less than one says, that is said."""
    from alertd.config import units
    from alertd.rulegen import promql
    from alertd.starting.policy import Setting

    if kept is None:
        return declared
    if declared.retention is None:
        return dataclasses.replace(declared, retention=Setting(promql.duration(kept)))
    if kept < units.duration(declared.retention.text):
        click.echo(f"it keeps metrics for {promql.duration(kept)}, and not {declared.retention.text} as the document "
                   "says: start it with --storage.tsdb.retention.time", err=True)
    return declared

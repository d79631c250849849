"""Which presets fit what a Prometheus has, and which services are found by them. Pure: questions out, answers in."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from alertd import expressions, matchers
from alertd.config import units
from alertd.presets import Latency, Preset
from alertd.presets.guardrail import Guardrail
from alertd.rulegen import buckets, counting, guarding, promql, reserved
from alertd.rulegen.declared import RESPONSE_TIMES
from alertd.starting.policy import Declared
from alertd.starting.writing import EXAMPLE, LATENCY, Service

MOST = 50  # services that are taken; more are people's to choose
_INSTEAD = {"container-requests": "container-limits"}  # not watched where the other one is: it says the same, later

Answers = Mapping[str, frozenset[str]]  # by query, the values of the label that it counts by


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """A preset whose counter a Prometheus has, and the queries that say of which services: `needed` by all of them,
    `any` by at least one, `more` by none, but they speak for it."""

    preset: Preset
    needed: str
    any: tuple[str, ...]
    more: tuple[str, ...]

    @property
    def queries(self) -> tuple[str, ...]:
        return (self.needed, *self.any, *self.more)


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """A service: its name as rules/ may have it, its preset, and the condition that selects it."""

    name: str
    preset: Preset
    selector: str

    @property
    def histogram(self) -> str | None:
        """What to ask the edges of; None where the preset has no histogram."""
        latency = self.preset.latency
        return f"{latency.histogram}_bucket{{{self.selector}}}" if latency else None


def watched(presets: Iterable[Preset], metrics: frozenset[str]) -> tuple[str, ...]:
    """The presets whose every target can be watched: one of the worlds that a utilization is made for is there."""
    fit = [preset.name for preset in presets
           if any({example.metric for example in case} <= metrics
                  for utilization in preset.utilization.values() for case in utilization.cases.values())]
    return tuple(name for name in fit if _INSTEAD.get(name) not in fit)


def candidates(presets: Iterable[Preset], metrics: frozenset[str]) -> tuple[Candidate, ...]:
    """The presets of services whose counter, or gauge of probes, is among the metrics."""
    return tuple(candidate for preset in presets if (candidate := _candidate(preset, metrics)))


def _candidate(preset: Preset, metrics: frozenset[str]) -> Candidate | None:
    counter = preset.requests.counter if preset.requests else preset.probe.gauge if preset.probe else None
    if counter is None or counter not in metrics:
        return None
    failures = preset.requests.failures if preset.requests else ()
    labels = dict.fromkeys(matchers.parse(failure.match).label for failure in failures)
    counted = f"{preset.latency.histogram}_count" if preset.latency else ""
    return Candidate(preset, _by(preset, counter), tuple(_by(preset, counter, f'{label}!=""') for label in labels),
                     (_by(preset, counted),) if counted in metrics else ())


def _by(preset: Preset, metric: str, *more: str) -> str:
    """How many series each service has."""
    selector = promql.selector(metric, matchers.parse_all(preset.selector), *more)
    return f"count by ({preset.service}) ({selector})"


def services(candidates: Sequence[Candidate], answers: Answers) -> tuple[Found, ...]:
    """Every service by the preset that most speaks for; of several, by the one with the finer histogram."""
    best: dict[tuple[str, str], tuple[tuple[int, int], Preset]] = {}
    for candidate in candidates:
        preset = candidate.preset
        edges = len(preset.latency.buckets) if preset.latency else 0
        for value in answers.get(candidate.needed, frozenset()) - {""}:
            marked = [query for query in candidate.any if value in answers.get(query, ())]
            if candidate.any and not marked:
                continue
            rank = len(marked) + sum(value in answers.get(query, ()) for query in candidate.more), edges
            if (preset.service, value) not in best or rank > best[preset.service, value][0]:
                best[preset.service, value] = rank, preset
    return tuple(_named((value, preset) for (_, value), (_, preset) in sorted(best.items(), key=lambda one: one[0])))


def _named(found: Iterable[tuple[str, Preset]]) -> Iterator[Found]:
    """Each under a name of its own: what a service is called is a file's name too."""
    taken: set[str] = set()
    for value, preset in found:
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", value).strip("-._")[:60] or "service"
        plain = re.sub(r"\.slo", "-slo", plain, flags=re.IGNORECASE)
        names = (plain, f"{plain}-{preset.name}", *(f"{plain}-{number}" for number in range(2, 1000)))
        name = next(name for name in names if name.lower() not in taken and not reserved(name))
        taken.add(name.lower())
        yield Found(name, preset, f"{preset.service}={promql.quoted(value)}")


def service(found: Found, edges: frozenset[str] | None, declared: Declared) -> tuple[Service | None, str]:
    """The service with the objectives that can be counted for it, whose histogram has these `edges` (None: those of its
    preset); None where a threshold would watch nothing of it. And a word on what is left out, "" for nothing."""
    latency, preset = found.preset.latency, found.preset
    have = latency.buckets if latency and edges is None else tuple(sorted(
        edge for edge in map(_edge, edges or ()) if edge is not None))
    if latency is None or not have:
        why = f"{found.name}: no histogram, so no response times are watched" if latency else ""
        return Service(found.name, preset.name, found.selector, availability=preset.requests is not None,
                       latency=False), why
    for name in RESPONSE_TIMES:
        setting = declared.thresholds.get(name)
        if setting and buckets.between(latency, have, units.duration(setting.text)) is None:
            return None, (f"{found.name} is left out: its histogram, {_shown(latency, have)}, tells nothing of "
                          f"{name} {setting.text}")
    under = (declared.latency or LATENCY).under
    counts = counting.edge(latency, units.duration(under)) in have
    return (Service(found.name, preset.name, found.selector,
                    () if have == latency.buckets else tuple(promql.number(edge) for edge in have),
                    preset.requests is not None, counts),
            "" if counts else f"{found.name}: no SLO of its latency, for {under} is no bucket of its histogram, "
                              f"{_shown(latency, have)}")


def example(preset: Preset, declared: Declared) -> Service:
    """The service that stands for those to come. Its histogram is said to have the buckets that the declared times
    need, since a real one must have them."""
    latency = preset.latency
    assert latency
    times = [setting.text for name, setting in declared.thresholds.items() if name in RESPONSE_TIMES]
    times += [declared.latency.under] if declared.latency else []
    edges = {*latency.buckets, *(counting.edge(latency, units.duration(text)) for text in times)}
    return Service(EXAMPLE, preset.name, f'job="{EXAMPLE}"', () if edges == set(latency.buckets) else tuple(
        promql.number(edge) for edge in sorted(edges)))


def unseen(guardrails: Mapping[str, Guardrail], metrics: frozenset[str]) -> tuple[str, ...]:
    """The guardrails, by name, that nothing is known for: of one of the things they need there is no series. What rules
    record themselves will be there."""
    return tuple(name for name, guardrail in guardrails.items()
                 if any(not _known(guarding.query(need, "", "", guardrail.metric or ""), metrics)
                        for need in guardrail.needs))


def _known(need: str, metrics: frozenset[str]) -> bool:
    return any(selector.metric in metrics or ":" in selector.metric
               for selector in expressions.selectors(expressions.parse(need)))


def _edge(text: str) -> Decimal | None:
    try:
        edge = Decimal(text)
    except InvalidOperation:
        return None
    return edge if edge.is_finite() and edge > 0 else None


def _shown(latency: Latency, edges: Sequence[Decimal]) -> str:
    return f"{buckets.shown(latency, edges[0])} to {buckets.shown(latency, edges[-1])}"

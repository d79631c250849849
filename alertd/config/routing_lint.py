"""What is wrong in routing.yaml although every line of it is well formed: nobody told, never reached, never used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from alertd.config.yaml import Document, Key, did_you_mean
from alertd.errors import Finding
from alertd.matchers import Matcher
from alertd.model import Severity
from alertd.routing import Override, Routing

_SEVERITIES = [severity.value for severity in Severity]
_NO_CHANNELS = {"style", "hold", "fallback", "late", "escalates", "digest"}  # others are channels, or a rota: people

_EXAMPLE = re.compile(r"(?:[@.]|^)example\.(?:com|net|org)(?::\d+)?$")

_Placed = Sequence[tuple[tuple[Key, ...], Override]]


def lint(document: Document, routing: Routing, overrides: Sequence[tuple[Key, ...]]) -> Iterator[Finding]:
    """Findings about the whole; `overrides` are the places of the routing's overrides."""
    placed = list(zip(overrides, routing.overrides, strict=True))
    yield from _critical_reaches_nobody(document, routing, placed)
    yield from _never_matching(document, routing, [(place, override.matchers) for place, override in placed])
    yield from _never_matching(document, routing, _windows(document, routing))
    yield from _unreachable(document, placed)
    yield from _fallbacks(document, routing)
    yield from _escalations(document, routing)


def _escalations(document: Document, routing: Routing) -> Iterator[Finding]:
    for word in document.data.get("escalation") or {} if routing.escalation else ():
        steps = routing.escalation.get(Severity(word.lower()), ()) if word.lower() in _SEVERITIES else ()
        for index, step in enumerate(steps):
            names = [name for name in step.receivers if name in routing.receivers]
            path = ("escalation", word, index, "to")
            if names and all(routing.receivers[name].escalates_itself for name in names):
                yield document.finding(path, "PagerDuty escalates there by itself, so this step tells nobody",
                                       "remove the step, or `escalates: pagerduty` of the receiver",
                                       id="reaches-nobody")
            elif names and not _told_at_once(document, names):
                yield document.finding(path, "this step would only be collected for a digest",
                                       "name a receiver that is told at once", id="reaches-nobody")


def _told_at_once(document: Document, names: Iterable[str]) -> set[str]:
    """The channels by which these receivers are told now, not in a digest; also those whose section has faults."""
    sections = [document.data["receivers"][name] for name in names]
    return {key for section in sections if isinstance(section, dict) for key in section} - _NO_CHANNELS


def _critical_reaches_nobody(document: Document, routing: Routing, placed: _Placed) -> Iterator[Finding]:
    told = [(_route_place(document, Severity.CRITICAL), route.receivers)
            for severity, route in routing.routes.items() if severity is Severity.CRITICAL]
    told += [((*place, "to"), override.receivers) for place, override in placed
             if any(matcher.label == "severity" and matcher.op == "=" and matcher.value == Severity.CRITICAL
                    for matcher in override.matchers)]
    for path, names in told:
        if not names or any(name not in routing.receivers for name in names):
            continue  # said already, where they are named
        channels = _told_at_once(document, names)
        if not channels and any(routing.receivers[name].outlets for name in names):
            yield document.finding(path, "critical alerts would only be collected for a digest",
                                   "add a receiver that is told at once", id="reaches-nobody")
        elif channels == {"log"}:
            yield document.finding(path, "critical alerts would only be logged", "add a receiver that reaches a person",
                                   id="only-logged", level="remark")
    yield from _warning_reaches_nobody(document, routing)


def _warning_reaches_nobody(document: Document, routing: Routing) -> Iterator[Finding]:
    """At no hour of the week: neither told at once nor collected for a digest."""
    route = routing.routes.get(Severity.WARNING)
    if route and all(name in routing.receivers for name in route.receivers):
        outlets = [outlet for name in route.receivers for outlet in routing.receivers[name].outlets]
        if outlets and all(outlet.channel == "log" for outlet in outlets):
            yield document.finding(_route_place(document, Severity.WARNING), "warnings would only be logged",
                                   "add a receiver that reaches a person, or a digest", id="only-logged",
                                   level="remark")


def _route_place(document: Document, severity: Severity) -> tuple[Key, ...]:
    """With the key as the file spells it: severities compare without case."""
    return "routes", next(word for word in document.data["routes"] if word.lower() == severity)


def _windows(document: Document, routing: Routing) -> Iterator[tuple[tuple[Key, ...], tuple[Matcher, ...]]]:
    """The matchers of maintenance windows, each with its place."""
    by_name = {window.name: window for window in routing.windows.every}
    data = document.data.get("maintenance")
    for index, value in enumerate(data if isinstance(data, list) else ()):
        if isinstance(value, dict) and (window := by_name.get(str(value.get("name")))):
            yield ("maintenance", index), window.matchers


def _never_matching(document: Document, routing: Routing,
                    placed: Iterable[tuple[tuple[Key, ...], tuple[Matcher, ...]]]) -> Iterator[Finding]:
    """`severity="page"` in an override or a window: matchers see the severity after `severities:` renamed it."""
    for place, matchers in placed:
        for matcher in matchers:
            if matcher.label == "severity" and matcher.op == "=" and matcher.value not in _SEVERITIES:
                renamed = routing.severities.get(matcher.value.lower())
                fix = f'write severity="{renamed}"' if renamed else did_you_mean(matcher.value.lower(), _SEVERITIES)
                yield document.finding((*place, "match"), f"{matcher} matches nothing", fix, id="unknown-severity")


def _unreachable(document: Document, placed: _Placed) -> Iterator[Finding]:
    """Only the plain case: each matcher of an earlier override stands in the later one too, or takes the one value
    that the later one asks for."""
    for index, (place, later) in enumerate(placed):
        for _, earlier in placed[:index]:
            if all(any(_takes(wide, narrow) for narrow in later.matchers) for wide in earlier.matchers):
                yield document.finding(place, "this override is never reached",
                                       f"the one in line {earlier.line} takes all that it matches; put this one first",
                                       id="unreachable", level="remark")
                break


def _takes(wide: Matcher, narrow: Matcher) -> bool:
    """Whether whatever the one matches is matched by the other."""
    return wide == narrow or (wide.label == narrow.label and narrow.op == "=" and wide.matches(
        {narrow.label: narrow.value}))


def _fallbacks(document: Document, routing: Routing) -> Iterator[Finding]:
    for name, receiver in routing.receivers.items():
        if receiver.fallback is None:
            continue
        path = ("receivers", name, "fallback")
        if receiver.fallback not in routing.receivers:
            others = routing.receivers.keys() - {name}
            yield document.finding(path, f"unknown receiver {receiver.fallback!r}",
                                   did_you_mean(receiver.fallback, others), id="unknown-receiver")
        elif (circle := _circle(routing, name)) is not None:
            yield document.finding(path, f"the fallbacks go in a circle: {' → '.join(circle)}",
                                   "end the chain at a receiver without one", id="fallback-circle")
        elif not _told_at_once(document, [receiver.fallback]):
            yield document.finding(path, f"the fallback {receiver.fallback!r} tells nobody at once",
                                   "name a receiver that is told at once", id="reaches-nobody")


def _circle(routing: Routing, start: str) -> list[str] | None:
    """The chain of fallbacks from `start` back to it, or None where it ends or circles elsewhere."""
    chain = [start]
    while True:
        receiver = routing.receivers.get(chain[-1])
        if receiver is None or receiver.fallback is None:
            return None
        chain.append(receiver.fallback)
        if receiver.fallback == start:
            return chain
        if receiver.fallback in chain[:-1]:
            return None  # told at the receivers of that circle


def placeholders(document: Document) -> Iterator[Finding]:
    """Addresses of the examples, which no mail ever reaches: https://www.rfc-editor.org/rfc/rfc2606#section-3"""
    for path, place in document.values.items():
        value = _at(document.data, path)
        if isinstance(value, str) and _EXAMPLE.search(value) and {"to", "from", "smarthost"} & set(path[-2:]):
            yield Finding(document.file, *place, f"{value} is an example's address, where nobody reads",
                          "write your own", "placeholder", "remark")


def _at(data: Any, path: tuple[Key, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def never_used(document: Document, routing: Routing) -> Iterator[Finding]:
    """Receivers nothing names. Asked only of a file without errors: a misspelt name would be told twice."""
    used = {name for route in routing.routes.values() for name in route.receivers}
    used |= {name for override in routing.overrides for name in override.receivers}
    used |= {name for steps in routing.escalation.values() for step in steps for name in step.receivers}
    used |= {name for heartbeat in routing.heartbeats for name in heartbeat.receivers}
    used |= {receiver.fallback for receiver in routing.receivers.values() if receiver.fallback}
    for name in routing.receivers:
        if name not in used:
            yield document.finding(("receivers", name), f"receiver {name!r} is never used",
                                   "name it in routes or overrides, or remove it", key=True, id="unused",
                                   level="remark")
    turned_to = {name for receiver in routing.receivers.values() for name in receiver.rotas}
    for name in routing.rotas:
        if name not in turned_to:
            yield document.finding(("rotas", name), f"rota {name!r} is never used",
                                   f"say `rota: {name}` in a receiver, or remove it", key=True, id="unused",
                                   level="remark")

"""Hours at which nobody is on call: what the rotas of routing.yaml leave open in the weeks to come. Pure."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Iterator, Sequence

from alertd.config.rotas import PERSONAL
from alertd.errors import Finding
from alertd.model import DAY, Millis, Severity
from alertd.rotas import gaps
from alertd.routing import Receiver, Routing

AHEAD: Millis = 28 * DAY
SHOWN = 4  # gaps in one finding; a rota of office hours has one a day
_REACHING = {*PERSONAL, "pagerduty"}  # channels that bring a message to a person; a webhook or a log may not
_WATCHED = (Severity.CRITICAL, Severity.WARNING)  # info may wait for a digest


def findings(file: str, routing: Routing, now: Millis) -> list[Finding]:
    """The gaps of every receiver with a rota in the four weeks from `now`, and the severities that would reach nobody
    meanwhile but by calling everybody of a rota out of turn."""
    return [*_receivers(file, routing, now), *_severities(file, routing, now)]


def _receivers(file: str, routing: Routing, now: Millis) -> Iterator[Finding]:
    for receiver in routing.receivers.values():
        holes = _gaps([receiver], routing, now)
        if not holes:
            continue
        zone = routing.rotas[receiver.rotas[0]].timezone
        instead = f"{receiver.fallback!r} is told then" if receiver.fallback else (
            "everybody of the rota is told then, whoever is free")
        yield Finding(file, receiver.line, 1, f"nobody is on call for {receiver.name!r} {in_words(holes, zone)}",
                      f"{instead}; cover it by another rota (`rota: a + b`) or an override", "coverage-gap",
                      "remark" if receiver.fallback else "error")


def _severities(file: str, routing: Routing, now: Millis) -> Iterator[Finding]:
    for severity in _WATCHED:
        route = routing.routes.get(severity)
        if route is None:
            continue
        receivers = [receiver for name in route.receivers if (receiver := routing.receivers.get(name))]
        turns = [receiver for receiver in _with_fallbacks(receivers, routing) if receiver.rotas]
        if not turns or any(_always(receiver) for receiver in _with_fallbacks(receivers, routing)):
            continue
        if holes := _gaps(turns, routing, now):
            zone = routing.rotas[turns[0].rotas[0]].timezone
            yield Finding(file, route.line, 1, f"{severity} reaches nobody on call {in_words(holes, zone)}",
                          "add a receiver, a rota or a fallback for these hours", "severity-uncovered")


def _with_fallbacks(receivers: Sequence[Receiver], routing: Routing) -> list[Receiver]:
    """These and, for those whose rota may have nobody, what is told instead."""
    found: dict[str, Receiver] = {}
    waiting = list(receivers)
    while waiting:
        receiver = waiting.pop(0)
        if receiver.name in found:
            continue
        found[receiver.name] = receiver
        other = routing.receivers.get(receiver.fallback or "")
        waiting += [other] if receiver.rotas and other else []
    return list(found.values())


def _always(receiver: Receiver) -> bool:
    """Whether it reaches a person at any hour."""
    personal = {outlet for outlets in receiver.people.values() for outlet in outlets}
    return any(outlet.channel in _REACHING and outlet not in personal for outlet in receiver.outlets)


def _gaps(receivers: Sequence[Receiver], routing: Routing, now: Millis) -> list[tuple[Millis, Millis]]:
    rotas = {name: routing.rotas[name] for receiver in receivers for name in receiver.rotas if name in routing.rotas}
    return gaps(rotas.values(), now, now + AHEAD) if rotas else []


def in_words(holes: Sequence[tuple[Millis, Millis]], zone: zoneinfo.ZoneInfo) -> str:
    """Stretches of time by the clocks of a zone: the first few, and how many more there are."""
    said = [f"{_moment(starts, zone)} – {_moment(ends, zone)}" for starts, ends in holes[:SHOWN]]
    more = f" and {len(holes) - SHOWN} times more" if len(holes) > SHOWN else ""
    return f"{', '.join(said)}{more} in the next 4 weeks ({zone.key})"


def _moment(at: Millis, zone: zoneinfo.ZoneInfo) -> str:
    return f"{datetime.datetime.fromtimestamp(at / 1000, zone):%a %Y-%m-%d %H:%M}"

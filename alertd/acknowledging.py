"""Somebody takes care of an incident, and what follows when they do not come back to it in time. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from alertd.incidents import Changes, Decision
from alertd.messages import MANAGEMENT, utc
from alertd.model import Incident, IncidentState, Kind, Millis, Notification, Outlet, State
from alertd.routing import Routing
from alertd.telling import notification, place, reached


def acknowledge(incident: Incident, rows: Iterable[Notification], by: str, routing: Routing, now: Millis, *,
                told_by: str | None = None) -> Changes:
    """`by` takes care of it. Pages that wait are not sent any more, and whoever follows the incident hears of it, but
    not the channel `told_by` that told us. Nothing changes where it is taken care of already, or over."""
    if incident.state is not IncidentState.OPEN:
        return Changes()
    holds = routing.acknowledge.get(incident.severity)
    until = now + holds if holds else None
    after = dataclasses.replace(incident, state=IncidentState.ACKNOWLEDGED, acknowledged_at=now, acknowledged_by=by,
                                acknowledged_until=until, revision=incident.revision + 1, escalate_at=None)
    why = [f"{by} takes care of it" + (f" until {utc(until)}" if until else " to its end")]
    superseded: list[Notification] = []
    told: list[Notification] = []
    for at in _by_place(rows):
        outlet = at[0].outlet
        for row in at:
            if outlet.channel in routing.pages and row.state is State.QUEUED:
                superseded.append(dataclasses.replace(row, state=State.SUPERSEDED, reason=f"{by} acknowledged first"))
                why.append(f"{outlet}: {row.kind} superseded, {by} acknowledged first")
        if reached(at) and outlet.channel != told_by and _follows(at[0], routing):
            told.append(notification(after, Kind.ACKNOWLEDGED, f"r{after.revision}", outlet, at[0].style, now, now))
            why.append(f"{outlet}: is told who takes care of it")
    decision = Decision(None, incident.id, now, "acknowledged", tuple(why))
    return Changes((), (after,), tuple(told), tuple(superseded), (decision,))


def lapse(incident: Incident, rows: Iterable[Notification], routing: Routing, now: Millis) -> Changes:
    """The acknowledgement held as long as it may and the incident still burns: it is open again, and whoever is called
    for it is called again. A new epoch, since PagerDuty stays quiet about what was acknowledged there."""
    if incident.state is not IncidentState.ACKNOWLEDGED or (incident.acknowledged_until or now + 1) > now:
        return Changes()
    after = dataclasses.replace(incident, state=IncidentState.OPEN, epoch=incident.epoch + 1,
                                revision=incident.revision + 1, acknowledged_until=None, escalated=0,
                                escalate_at=routing.first_step_at(incident.severity, now))
    why = [f"the acknowledgement of {incident.acknowledged_by} ran out and it still burns"]
    told = []
    for at in _by_place(rows):
        outlet = at[0].outlet
        if not reached(at) or not _follows(at[0], routing):
            continue
        kind, step = (Kind.FIRING, str(after.epoch)) if _calls(outlet, routing) else (
            Kind.UPDATE, f"r{after.revision}")
        told.append(notification(after, kind, step, outlet, at[0].style, now, now))
        why.append(f"{outlet}: is {'called again' if kind is Kind.FIRING else 'told of it'}")
    decision = Decision(None, incident.id, now, "acknowledgement ran out", tuple(why))
    return Changes((), (after,), tuple(told), (), (decision,))


def _by_place(rows: Iterable[Notification]) -> Iterable[list[Notification]]:
    found: dict[tuple[str, str], list[Notification]] = {}
    for row in rows:
        found.setdefault(place(row.outlet), []).append(row)
    return found.values()


def _calls(outlet: Outlet, routing: Routing) -> bool:
    return outlet.channel in routing.pages or outlet.channel in routing.edits


def _follows(row: Notification, routing: Routing) -> bool:
    return row.outlet.channel in routing.follows or row.style == MANAGEMENT  # who hears of every change of state

"""Somebody takes care of an incident, and what follows when they do not come back to it in time. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable

from alertd.incidents import Changes, Decision
from alertd.model import MANAGEMENT, MINUTE, Incident, IncidentState, Kind, Millis, Notification, Outlet, State
from alertd.routing import Routing, ways
from alertd.telling import by_place, in_storm, notification, place, reached
from alertd.times import utc

REMINDER = 10 * MINUTE  # time to look and acknowledge again; of short ones a sixth


def acknowledge(incident: Incident, rows: Iterable[Notification], by: str, routing: Routing, now: Millis, *,
                told_by: str | None = None) -> Changes:
    """`by` takes care of it. Pages that wait are not sent any more, and whoever follows the incident hears of it, but
    not the channel `told_by` that told us. Nothing changes where it is taken care of already, or over; after the
    reminder that it will end, it holds anew."""
    if not incident.to_acknowledge:
        return Changes()
    holds = routing.acknowledge.get(incident.severity)
    until = now + holds if holds else None
    after = dataclasses.replace(incident, state=IncidentState.ACKNOWLEDGED, acknowledged_at=now, acknowledged_by=by,
                                acknowledged_until=until, revision=incident.revision + 1, escalate_at=None,
                                remind_at=until - before_end(holds) if until and holds else None)
    why = [f"{by} takes care of it" + (f" until {utc(until)}" if until else " to its end")]
    superseded: list[Notification] = []
    told: list[Notification] = []
    for at in by_place(rows):
        outlet = at[0].outlet
        for row in at:
            if outlet.channel in routing.pages and row.state is State.QUEUED:
                superseded.append(dataclasses.replace(row, state=State.SUPERSEDED, reason=f"{by} acknowledged first"))
                why.append(f"{outlet}: {row.kind} superseded, {by} acknowledged first")
        if reached(at) and outlet.channel != told_by and _follows(at[0], routing) and not in_storm(at):
            told.append(notification(after, Kind.ACKNOWLEDGED, f"r{after.revision}", outlet, at[0].style, now, now))
            why.append(f"{outlet}: is told who takes care of it")
    decision = Decision(None, incident.id, now, "acknowledged", tuple(why))
    return Changes((), (after,), tuple(told), tuple(superseded), (decision,))


def before_end(holds: Millis) -> Millis:
    """How long before its end an acknowledgement that holds so long is said to end."""
    return min(REMINDER, holds // 6)


def lapse(incident: Incident, rows: Collection[Notification], routing: Routing, now: Millis) -> Changes:
    """The acknowledgement held as long as it may and the incident still burns: it is open again, and whoever is called
    for it is called again. A new epoch, since PagerDuty stays quiet about what was acknowledged there."""
    if incident.state is not IncidentState.ACKNOWLEDGED or (incident.acknowledged_until or now + 1) > now:
        return Changes()
    after = dataclasses.replace(incident, state=IncidentState.OPEN, epoch=incident.epoch + 1,
                                revision=incident.revision + 1, acknowledged_until=None, escalated=0, remind_at=None,
                                escalate_at=routing.first_step_at(incident.severity, now))
    why = [f"the acknowledgement of {incident.acknowledged_by} ran out and it still burns"]
    told = []
    for at in by_place(rows):
        outlet = at[0].outlet
        if not (reached(at) or _called_off(at)) or not _follows(at[0], routing) or in_storm(at):
            continue
        kind, step = (Kind.FIRING, str(after.epoch)) if _calls(outlet, routing) else (
            Kind.UPDATE, f"r{after.revision}")
        told.append(notification(after, kind, step, outlet, at[0].style, now, now))
        why.append(f"{outlet}: is {'called again' if kind is Kind.FIRING else 'told of it'}")
    told += _taking_over(after, rows, routing, now, why)
    decision = Decision(None, incident.id, now, "acknowledgement ran out", tuple(why))
    return Changes((), (after,), tuple(told), (), (decision,))


def _taking_over(incident: Incident, rows: Collection[Notification], routing: Routing, now: Millis, why: list[str]
                 ) -> list[Notification]:
    """The starts for who came on call since: of the rotas that were told, those whom nobody has told yet."""
    places = {place(row.outlet) for row in rows}
    new: dict[Outlet, Notification] = {}
    for name in dict.fromkeys(row.outlet.receiver for row in rows):
        receiver = routing.receivers.get(name)
        for outlet, owner in ways(receiver, routing, now).outlets if receiver and receiver.rotas else ():
            if place(outlet) not in places:
                places.add(place(outlet))
                new[outlet] = notification(incident, Kind.FIRING, str(incident.epoch), outlet, owner.style, now, now)
                why.append(f"{outlet}: is on call now, so is told")
    return list(new.values())


def _called_off(at: Collection[Notification]) -> bool:
    """Whether nobody was called there only because somebody took care of it before the call went out."""
    starts = [row for row in at if row.kind is Kind.FIRING]
    return bool(starts) and all(row.state is State.SUPERSEDED for row in starts)


def _calls(outlet: Outlet, routing: Routing) -> bool:
    return outlet.channel in routing.pages or outlet.channel in routing.edits


def _follows(row: Notification, routing: Routing) -> bool:
    return row.outlet.channel in routing.follows or row.style == MANAGEMENT  # who hears of every change of state

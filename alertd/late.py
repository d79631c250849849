"""A critical start that nobody has taken for too long is told to the fallback too, once. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from alertd.incidents import Changes, Decision
from alertd.model import Incident, IncidentState, Millis, Notification
from alertd.routing import Routing
from alertd.telling import fall_back
from alertd.times import duration


def tell_instead(row: Notification, incident: Incident, rows: Iterable[Notification], routing: Routing, now: Millis
                 ) -> Changes:
    """What is told because `row`, one of the incident's `rows`, waits; nothing where somebody takes care of the
    incident already, where it is over, or where the fallback was told. What waits goes on being tried."""
    receiver = routing.receivers.get(row.outlet.receiver)
    if receiver is None or incident.state is not IncidentState.OPEN:
        return Changes()
    if now - row.created_at < receiver.hold + receiver.late:
        return Changes()
    known = {one.id for one in rows}
    new = tuple(one for one in fall_back(row, incident, routing, now) if one.id not in known)
    if not new:
        return Changes()
    why = (f"{row.outlet}: not taken for {duration(now - row.created_at - receiver.hold)}"
           + (f" ({row.reason})" if row.reason else ""),
           f"fallback → {' + '.join(str(one.outlet) for one in new)}")
    return Changes((), (), new, (), (Decision(None, incident.id, now, "fallback, since it is late", why),))

"""A flapping incident has been quiet for long enough: it is over, or it burns for good. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from alertd.incidents import Changes, Decision
from alertd.model import Incident, IncidentState, Millis, Notification
from alertd.routing import Routing
from alertd.telling import Desk


def calm(incident: Incident, rows: Sequence[Notification], routing: Routing, now: Millis) -> Changes:
    """Whoever was told of it hears how it came out: of the end where nothing fires, else that it burns on."""
    if incident.quiet_at is None or incident.quiet_at > now or incident.state is IncidentState.RESOLVED:
        return Changes()
    after = dataclasses.replace(incident, quiet_at=None, swings=(now,), revision=incident.revision + 1)
    if not incident.firing:
        after = dataclasses.replace(after, state=IncidentState.RESOLVED, resolved_at=now, escalate_at=None,
                                    remind_at=None, report_at=None)
    desk = Desk(after, rows, routing, now)
    if incident.firing:
        desk.flaps()
    else:
        desk.ended()
    verdict = "flapping is over: " + ("it burns on" if incident.firing else "resolved")
    return Changes((), (after,), tuple(desk.new), tuple(desk.superseded),
                   (Decision(None, incident.id, now, verdict, tuple(desk.why) or ("nobody to tell",)),))

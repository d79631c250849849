"""What is told once nothing keeps alerts quiet any longer: those that still burn, as if they began now. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from alertd.incidents import Changes, Decision, raised
from alertd.model import Alert, Incident, IncidentState, Millis, Notification
from alertd.routing import Chooser, Routing
from alertd.telling import Desk


def release(incident: Incident, alerts: Sequence[Alert], rows: Iterable[Notification], routing: Routing, now: Millis,
            because: str) -> Changes:
    """These firing alerts of the incident were kept quiet until now. `because` says why they no longer are."""
    if incident.state is IncidentState.RESOLVED:
        return Changes()
    choose = Chooser(routing, now)
    choices = [choose(alert.labels) for alert in alerts]
    after = raised(incident, choices, routing, now)
    after = dataclasses.replace(after, revision=incident.revision + 1)
    desk = Desk(after, rows, routing, now)
    desk.began(choices)
    verdict = f"{len(alerts)} no longer kept quiet"
    if after.epoch > incident.epoch:
        verdict += f", worth telling as {after.severity}"
    decision = Decision(None, incident.id, now, verdict, (because, *(desk.why or ("nobody to tell",))))
    return Changes((), (after,), tuple(desk.new), tuple(desk.superseded), (decision,))

"""It still burns: whoever took care of it hears before that ends, and management every hour. Pure.

Both times stand with the incident in the store, as an escalation's next step does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from alertd.incidents import Changes, Decision
from alertd.model import MANAGEMENT, Incident, IncidentState, Kind, Millis, Notification, State
from alertd.routing import REPORT, Routing
from alertd.telling import by_place, in_storm, notification, reached


def remind(incident: Incident, rows: Iterable[Notification], routing: Routing, now: Millis) -> Changes:
    """The acknowledgement ends soon: said where the team follows the incident, and where people are called not yet."""
    if (incident.remind_at or now + 1) > now:
        return Changes()
    after = dataclasses.replace(incident, remind_at=None, revision=incident.revision + 1)
    over = incident.acknowledged_until is None or incident.acknowledged_until <= now
    if over or incident.state is not IncidentState.ACKNOWLEDGED:  # what comes of that is told all the same
        return Changes((), (dataclasses.replace(incident, remind_at=None),))
    return _said(after, (at for at in by_place(rows) if at[0].style != MANAGEMENT
                         and at[0].outlet.channel in routing.follows - routing.pages),
                 now, f"the acknowledgement of {incident.acknowledged_by} ends soon", "is reminded of it")


def report(incident: Incident, rows: Iterable[Notification], routing: Routing, now: Millis) -> Changes:
    """Management hears how it stands, every hour from the start; hours that fell into a downtime are one."""
    due = incident.report_at
    if due is None or due > now:
        return Changes()
    following = None if incident.state is IncidentState.RESOLVED else due + ((now - due) // REPORT + 1) * REPORT
    after = dataclasses.replace(incident, report_at=following, revision=incident.revision + 1)
    if following is None:
        return Changes((), (after,))
    return _said(after, (at for at in by_place(rows) if at[0].style == MANAGEMENT and not _waits(at)),
                 now, "it still burns", "hears of it every hour")


def _waits(at: Sequence[Notification]) -> bool:
    """Whether a message waits there that will say how it stands."""
    return any(row.state is State.QUEUED and not row.ambiguous for row in at)


def _said(incident: Incident, places: Iterable[Sequence[Notification]], now: Millis, verdict: str, why: str) -> Changes:
    told = [notification(incident, Kind.REMINDER, f"r{incident.revision}", at[0].outlet, at[0].style, now, now)
            for at in places if reached(at) and not in_storm(at)]
    decision = Decision(None, incident.id, now, verdict,
                        tuple(f"{row.outlet}: {why}" for row in told) or ("nobody to tell",))
    return Changes((), (incident,), tuple(told), (), (decision,))

"""The clock was set back: what was due soon must not become due hours later. Pure.

What is due stands in the store as a time. Once the clock shows an earlier one, that time is as much further away, so
nothing may be further away than it was when it was set.
"""

from __future__ import annotations

import dataclasses

from alertd.acknowledging import before_end
from alertd.delivery import LONGEST_WAIT
from alertd.model import Incident, IncidentState, Millis
from alertd.routing import REPORT, Routing


def nearer(incident: Incident, routing: Routing, now: Millis) -> Incident:
    """The incident with nothing due later than it could be if it were set now. Of what maintenance puts off that is
    not true: it waits for a window's end, which is where the clock says."""
    holds = routing.acknowledge.get(incident.severity)
    until, remind_at = incident.acknowledged_until, incident.remind_at
    if holds and until and incident.state is IncidentState.ACKNOWLEDGED:
        until = min(until, now + holds)
        remind_at = min(remind_at, until - before_end(holds)) if remind_at else None
    return dataclasses.replace(
        incident, acknowledged_until=until, remind_at=remind_at,
        report_at=min(incident.report_at, now + REPORT) if incident.report_at else None,
        quiet_at=min(incident.quiet_at, now + routing.flapping.quiet) if incident.quiet_at and routing.flapping
        else incident.quiet_at,
        escalate_at=min(incident.escalate_at, now + _longest(incident, routing)) if incident.escalate_at else None)


def _longest(incident: Incident, routing: Routing) -> Millis:
    """How long the next step of the escalation waits for the one before it, or for the start."""
    steps, taken = routing.escalation.get(incident.severity, ()), incident.escalated
    if taken < len(steps):
        return steps[taken].after - (steps[taken - 1].after if taken else 0)
    return (steps[-1].repeat or 0) if steps else 0


def longest_wait(routing: Routing) -> Millis:
    """The furthest a notification's next attempt may be away: a receiver's hold, or the longest pause between attempts.
    What a vendor asked for may be longer, and is kept by whoever sends."""
    return max([LONGEST_WAIT, *(receiver.hold for receiver in routing.receivers.values())])

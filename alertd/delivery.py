"""When a notification is tried again, and when it is given up. Pure."""

from __future__ import annotations

from collections.abc import Collection

from alertd.errors import TryLater
from alertd.model import (
    DAY,
    MINUTE,
    SECOND,
    Incident,
    IncidentState,
    Kind,
    Millis,
    Notification,
    Severity,
)

LEASE = 60 * SECOND  # a worker that says nothing for so long is dead; above every channel's own time limits
FIRST_WAIT = SECOND
LONGEST_WAIT = 5 * MINUTE
LONGEST_WAIT_CRITICAL = 30 * SECOND  # in a page's first five minutes people are still waiting for it
PAGE_IS_FRESH = 5 * MINUTE
UPDATES_LAST = DAY
FLEETING = (Kind.UPDATE, Kind.REMINDER, Kind.FLAPPING)  # how it stands, which the next message says as well
LONGEST_ASKED = 60 * MINUTE  # a Retry-After beyond this is a vendor's mistake; it must not silence a target


def next_attempt(row: Notification, refusal: TryLater, now: Millis, jitter: float) -> Millis:
    """When to try again. `jitter` is uniform in [0, 1): full jitter, so that a queue does not come back as one.

    What the vendor asked for is kept to the second; else the wait doubles with every attempt.
    """
    if refusal.after is not None:
        return now + min(int(refusal.after * 1000), LONGEST_ASKED)
    fresh_page = row.severity is Severity.CRITICAL and now - row.created_at < PAGE_IS_FRESH
    ceiling = min(LONGEST_WAIT_CRITICAL if fresh_page else LONGEST_WAIT, longest_after(row.attempts))
    return now + max(SECOND // 10, int(ceiling * jitter))


def longest_after(attempts: int) -> Millis:
    """How far away the next try is at most that follows so many, and the one that has just failed."""
    return min(LONGEST_WAIT, FIRST_WAIT << min(attempts, 20))


def expired(kind: Kind, created_at: Millis, now: Millis) -> bool:
    """Whether nobody needs this any more: an update after a day. A start or an end is told however late."""
    return kind in FLEETING and now - created_at >= UPDATES_LAST


def moot(row: Notification, incident: Incident, pages: Collection[str], *, anew: bool = False) -> str | None:
    """Why what could not be sent just now is not tried again, None where it is: while it was on its way the incident
    ended or rose, so that a start waits there `anew`, or somebody took care of it whom it was to call. The same that
    ends what waits in the queue then."""
    if incident.state is IncidentState.RESOLVED and row.kind is not Kind.RESOLVED:
        return "the incident ended before this was sent"
    if anew and row.kind is Kind.FIRING and row.severity.rank < incident.severity.rank:
        return f"the incident rose to {incident.severity} before this was sent"
    if incident.state is not IncidentState.ACKNOWLEDGED or row.outlet.channel not in pages:
        return None
    before = row.created_at <= (incident.acknowledged_at or 0) and row.kind is not Kind.ACKNOWLEDGED
    return f"{incident.acknowledged_by} acknowledged first" if before else None

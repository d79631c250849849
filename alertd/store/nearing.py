"""Stored times that lie further ahead than they may, once the clock was set back."""

from __future__ import annotations

import itertools

from sqlalchemy import Connection, func, or_, select, update

from alertd.delivery import LEASE, LONGEST_ASKED, LONGEST_WAIT, longest_after
from alertd.model import Incident, IncidentState, Millis, State
from alertd.store import schema
from alertd.store.dialect import word
from alertd.store.rows import incident_from
from alertd.store.turns import QUEUED

_rows, _incidents = schema.notifications, schema.incidents


def cut(connection: Connection, longest: Millis, now: Millis) -> bool:
    """Let no attempt be further away than `longest`, no lease and no vendor's wish than it may be, and no heartbeat
    have come, no start been counted and no word of a storm been said after now. Whether an attempt was so far away,
    by which one knows that the clock was set back."""
    cut_by = {}
    for column, most, *where in (
            (_rows.c.next_at, now + longest, _rows.c.state == QUEUED),
            (_rows.c.lease_until, now + LEASE, _rows.c.state == State.CLAIMED.value),
            (schema.throttles.c.until, now + LONGEST_ASKED),
            (schema.pulses.c.beat_at, now),
            (schema.gauges.c.at, now), (schema.gauges.c.half_at, now), (schema.storms.c.told_at, now)):
        done = connection.execute(update(column.table).where(column > most, *where).values({column.name: most}))
        cut_by[column] = done.rowcount
    return cut_by[_rows.c.next_at] > 0


def hasten(connection: Connection, now: Millis) -> None:
    """Let no attempt be further away than it could be after as many as there were. What a vendor asked for is kept
    where it is for all of an outlet; where it was for one message, that is tried before."""
    for tries in itertools.count(1):
        if (longest := longest_after(tries - 1)) == LONGEST_WAIT:
            return  # `cut` sees to that
        connection.execute(update(_rows).where(_rows.c.state == QUEUED, _rows.c.attempts == tries,
                                               _rows.c.next_at > now + longest).values(next_at=now + longest))


def due_later(connection: Connection, now: Millis) -> list[Incident]:
    """The open incidents of which something is due after now."""
    due = (_incidents.c.escalate_at, _incidents.c.acknowledged_until, _incidents.c.remind_at, _incidents.c.report_at,
           _incidents.c.quiet_at)
    query = select(_incidents).where(_incidents.c.state != word(IncidentState.RESOLVED),
                                     or_(*(column > now for column in due))).order_by(
        func.coalesce(_incidents.c.id, ""))  # as in acts: not by an index that has all there ever were
    return [incident_from(row) for row in connection.execute(query.with_for_update())]

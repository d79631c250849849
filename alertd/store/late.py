"""Critical starts that nobody has taken yet, although they are due for a while."""

from __future__ import annotations

from sqlalchemy import Connection, or_, select

from alertd.model import Kind, Millis, Notification, Severity, State
from alertd.routing import Receiver
from alertd.store import schema
from alertd.store.dialect import word
from alertd.store.rows import notification_from

MOST = 200  # in one look: the rest is found by the next

_rows = schema.notifications
_instead = _rows.alias("instead")


def overdue(connection: Connection, receiver: Receiver, now: Millis) -> list[Notification]:
    """Those of this receiver, the oldest first, of whose incident its fallback was not told."""
    told = select(_instead.c.seq).where(
        _instead.c.incident == _rows.c.incident, _instead.c.receiver == receiver.fallback,
        _instead.c.kind == Kind.FIRING.value, _instead.c.epoch == _rows.c.epoch).exists()
    query = select(_rows).where(
        or_(_rows.c.state == word(State.QUEUED), _rows.c.state == word(State.CLAIMED)),
        _rows.c.receiver == receiver.name, _rows.c.kind == Kind.FIRING.value,
        _rows.c.rank == Severity.CRITICAL.rank, _rows.c.created_at <= now - receiver.hold - receiver.late, ~told)
    return [notification_from(row) for row in connection.execute(query.order_by(_rows.c.seq).limit(MOST))]

"""What could not be sent and is back in the queue, and what of it nobody needs by then: it was claimed when its
incident ended, rose or was acknowledged, so that it could not be called off.

Not so what a dead worker held. It may be on its way still, and an end that overtook it would leave it open for ever: it
is sent once more, and what follows it after it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection, select

from alertd.delivery import moot
from alertd.incidents import Decision
from alertd.model import Incident, IncidentId, Kind, Millis, Notification, State
from alertd.store import schema
from alertd.store.dialect import among, listed
from alertd.store.intake import insert_decisions, supersede
from alertd.store.rows import incident_from

_rows = schema.notifications
_HOLD = (select(schema.incidents).where(among(schema.incidents.c.id)).order_by(schema.incidents.c.id)
         .with_for_update())


def hold(connection: Connection, ids: Collection[str]) -> Mapping[str, Incident]:
    """These incidents as they stand. Until the end of the transaction nobody else changes them: to be asked for before
    any of their messages is changed, as everybody does."""
    if not ids:
        return {}
    return {row.id: incident_from(row) for row in connection.execute(_HOLD, {"listed": listed(ids)})}


def forgo(connection: Connection, rows: Iterable[Notification], incidents: Mapping[str, Incident],
          pages: Collection[str], now: Millis) -> None:
    """Of these, which are back in the queue, end those that nobody needs any more, each with its reason."""
    ended = [dataclasses.replace(row, state=State.SUPERSEDED, reason=why) for row in rows
             if (incident := incidents.get(row.incident or ""))
             and (why := moot(row, incident, pages, anew=_anew(connection, row)))]
    supersede(connection, ended, now)
    insert_decisions(connection, [
        Decision(None, IncidentId(row.incident or ""), now, "not tried again",
                 (f"{row.outlet}: {row.kind} superseded, {row.reason}",)) for row in ended])


def _anew(connection: Connection, row: Notification) -> bool:
    """Whether a later start of its incident waits there."""
    at = row.outlet
    later = select(_rows.c.seq).where(
        _rows.c.incident == row.incident, _rows.c.seq > row.seq, _rows.c.kind == Kind.FIRING.value,
        _rows.c.settled_at.is_(None), _rows.c.receiver == at.receiver, _rows.c.channel == at.channel,
        _rows.c.target == at.target)
    return connection.execute(later.limit(1)).first() is not None

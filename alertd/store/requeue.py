"""What goes back into the queue, since it could not be sent or its worker went away, and what of it nobody needs by
then: it was claimed when its incident ended or somebody took care of it, so that neither could call it off."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import Connection, select, update

from alertd.delivery import moot
from alertd.incidents import Decision
from alertd.model import ARROWS, Event, Incident, IncidentId, Kind, Millis, Notification, State
from alertd.store import schema
from alertd.store.dialect import among, listed, word
from alertd.store.intake import insert_decisions, supersede
from alertd.store.rows import incident_from, notification_from

_rows = schema.notifications
_HOLD = (select(schema.incidents).where(among(schema.incidents.c.id)).order_by(schema.incidents.c.id)
         .with_for_update())


@dataclasses.dataclass(frozen=True, slots=True)
class Lost:
    """A wish to have back what was claimed under leases that ended before `cutoff`. `pages` are the channels that call
    people."""

    cutoff: Millis
    now: Millis
    pages: frozenset[str] = frozenset()


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


def give_back(connection: Connection, wishes: Sequence[Lost]) -> Sequence[int]:
    """Requeue what was claimed under leases that ended: marked ambiguous, since its worker may have sent it. A handler;
    how many."""
    answers = []
    for wish in wishes:
        ended = (_rows.c.state == word(State.CLAIMED)) & (_rows.c.lease_until < wish.cutoff)
        concerned = connection.execute(select(_rows.c.incident).where(ended, _rows.c.incident.is_not(None)).distinct())
        incidents = hold(connection, [row.incident for row in concerned])
        lost = connection.execute(
            update(_rows).where(ended)
            .values(state=ARROWS[State.CLAIMED, Event.LEASE_LOST].value, ambiguous=1, lease=None, lease_until=None,
                    reason="its worker went away; it may have been sent").returning(_rows)).all()
        forgo(connection, map(notification_from, lost), incidents, wish.pages, wish.now)
        answers.append(len(lost))
    return answers

"""What a person's act needs to know and changes: incidents as they stand, dead letters, callbacks seen before."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, func, select, update

from alertd.incidents import Known
from alertd.model import ARROWS, Event, IncidentId, IncidentState, Millis, Notification, State
from alertd.store import schema
from alertd.store.dialect import among, listed, upsert, word
from alertd.store.rows import incident_from, notification_from

_incidents, _rows = schema.incidents, schema.notifications
_BY_ID = select(_incidents).where(among(_incidents.c.id)).order_by(_incidents.c.id).with_for_update()
# held too: what is decided from "not sent yet" must not be claimed meanwhile
_TOLD = select(_rows).where(among(_rows.c.incident)).order_by(_rows.c.seq).with_for_update()


def load(connection: Connection, ids: Sequence[str]) -> Known:
    """These incidents, whatever their state, and everything ever intended for them. Until the end of the transaction
    no other process changes them."""
    known = Known()
    for row in connection.execute(_BY_ID, {"listed": listed(ids)}):
        known.incidents[row.id] = incident_from(row)
    for row in connection.execute(_TOLD, {"listed": listed(ids)}):
        known.notifications.setdefault(row.incident, []).append(notification_from(row))
    return known


def lapsed(connection: Connection, now: Millis) -> list[IncidentId]:
    """The incidents whose acknowledgement held as long as it may."""
    return _due(connection, and_(_incidents.c.state == word(IncidentState.ACKNOWLEDGED),
                                 _incidents.c.acknowledged_until <= now))


def escalating(connection: Connection, now: Millis) -> list[IncidentId]:
    """The incidents whose next step of escalation is due."""
    return _due(connection, _incidents.c.escalate_at <= now)


def reminding(connection: Connection, now: Millis) -> list[IncidentId]:
    """The incidents whose acknowledgement will soon end."""
    return _due(connection, _incidents.c.remind_at <= now)


def reporting(connection: Connection, now: Millis) -> list[IncidentId]:
    """The incidents of which management is to hear that they still burn."""
    return _due(connection, _incidents.c.report_at <= now)


def _due(connection: Connection, what: ColumnElement[bool]) -> list[IncidentId]:
    """Those of which this is so, claimed: what another process has in hand is left to it, and looked for again."""
    # not by the id itself: for that order SQLite reads all incidents there ever were, where those due are a few
    query = select(_incidents.c.id).where(what).order_by(func.coalesce(_incidents.c.id, "")).with_for_update(
        skip_locked=True)
    return [row.id for row in connection.execute(query)]


def calming(connection: Connection, now: Millis) -> list[IncidentId]:
    """The flapping incidents that have been quiet for long enough."""
    return [row.id for row in connection.execute(select(_incidents.c.id).where(_incidents.c.quiet_at <= now))]


def seen(connection: Connection, id: str, now: Millis) -> bool:
    """Whether this callback was acted on before; from now on it was."""
    statement = upsert(schema.callbacks).on_conflict_do_nothing(index_elements=["id"])
    return connection.execute(statement, {"id": id, "at": now}).rowcount == 0


def dead(connection: Connection, id: str) -> Notification | None:
    """The dead letter of this id."""
    query = select(_rows).where(_rows.c.id == id, _rows.c.state == word(State.DEAD)).with_for_update()
    row = connection.execute(query).first()
    return notification_from(row) if row else None


def raise_dead(connection: Connection, row: Notification, event: Event, reason: str, now: Millis) -> None:
    """The dead letter, back in the queue (RETRY) or done with (DROP)."""
    state = ARROWS[State.DEAD, event]
    queued = state is State.QUEUED
    connection.execute(
        update(_rows).where(_rows.c.seq == row.seq, _rows.c.state == word(State.DEAD))
        .values(state=state.value, reason=reason, next_at=now, settled_at=None if queued else now,
                attempts=0 if queued else row.attempts))

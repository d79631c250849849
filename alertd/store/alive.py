"""The rows of alertd's own heartbeat, which are there only while it is on its way."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.alive import NAME, RECEIVER
from alertd.heartbeats import SOURCE
from alertd.model import Kind, Millis, State
from alertd.store import schema
from alertd.store.dialect import among, listed

_rows, _decisions = schema.notifications, schema.decisions


async def arrived(connection: AsyncConnection, incident: str, kind: Kind) -> bool:
    """Whether the message of this kind was taken, and that is on disk."""
    query = select(_rows.c.state).where(_rows.c.incident == incident, _rows.c.kind == kind.value,
                                        _rows.c.receiver == RECEIVER.name)
    return (await connection.execute(query)).scalar() == State.SENT.value


def forget(connection: Connection, incidents: Sequence[str]) -> Sequence[None]:
    """Take out all that these left. A handler of the writer."""
    ids = {"listed": listed(incidents)}
    messages = select(_rows.c.id).where(among(_rows.c.incident))
    webhooks = select(_decisions.c.webhook).where(among(_decisions.c.incident))
    for table, where in (
            (schema.webhooks, schema.webhooks.c.id.in_(webhooks)),
            (schema.attempts, schema.attempts.c.notification.in_(messages)), (_rows, among(_rows.c.incident)),
            (_decisions, among(_decisions.c.incident)), (schema.alerts, among(schema.alerts.c.incident)),
            (schema.incidents, among(schema.incidents.c.id))):
        connection.execute(delete(table).where(where), ids)
    return [None] * len(incidents)


def sweep(connection: Connection, cutoffs: Sequence[Millis]) -> Sequence[None]:
    """Take out what began before the cutoff and was never taken out. A handler of the writer."""
    incident = schema.incidents.c
    for cutoff in cutoffs:
        forget(connection, [row.id for row in connection.execute(select(incident.id).where(
            incident.source == SOURCE, incident.labels.like(f'%"{NAME}"%'), incident.opened_at <= cutoff))])
    return [None] * len(cutoffs)

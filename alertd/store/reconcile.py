"""What comparing with Alertmanager needs to know and keeps: open alerts, and which address speaks for which source."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.heartbeats import SOURCE
from alertd.model import Alert
from alertd.reconciling import Open, Voice
from alertd.store import schema
from alertd.store.dialect import among, listed, upsert
from alertd.store.rows import alert_from, labels_from

WEBHOOK_ID = 12  # characters; an alert's id begins with that of the webhook that opened it

_alerts, _webhooks = schema.alerts.c, schema.webhooks.c
_OPEN = (
    select(_alerts.id, _alerts.source, _alerts.fingerprint, _alerts.incident, _alerts.labels, _alerts.starts_at,
           _alerts.newest_start, _webhooks.received_at, _alerts.muted)
    .select_from(schema.alerts.outerjoin(schema.webhooks, func.substr(_alerts.id, 1, WEBHOOK_ID) == _webhooks.id))
    .where(_alerts.closed_at.is_(None), _alerts.source != SOURCE)  # what alertd says itself, no Alertmanager lists
)
_BY_ID = select(schema.alerts).where(among(_alerts.id))


async def open_alerts(connection: AsyncConnection) -> list[Open]:
    """Every alert that is open."""
    return [Open(id, source, fingerprint, incident, labels_from(labels).get("alertname", ""), starts_at, newest_start,
                 received_at or 0, muted)
            for id, source, fingerprint, incident, labels, starts_at, newest_start, received_at, muted
            in await connection.execute(_OPEN)]


async def voices(connection: AsyncConnection) -> frozenset[Voice]:
    """Every address that has shown to speak for a source."""
    return frozenset((row.address, row.source) for row in await connection.execute(select(schema.voices)))


def by_id(connection: Connection, ids: Iterable[str]) -> dict[str, Alert]:
    """These alerts, as they stand now."""
    return {row.id: alert_from(row) for row in connection.execute(_BY_ID, {"listed": listed(ids)})}


def remember(connection: Connection, learnt: Iterable[Voice]) -> None:
    """Keep that these addresses speak for these sources."""
    if rows := [{"address": address, "source": source} for address, source in learnt]:
        connection.execute(upsert(schema.voices).on_conflict_do_nothing(), rows)

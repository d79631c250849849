"""What comparing with Alertmanager needs to know and keeps: open alerts, which address speaks for which source, and
which Alertmanagers are one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.clusters import Clusters
from alertd.heartbeats import SOURCE
from alertd.model import Alert
from alertd.reconciling import Open, Voice
from alertd.store import schema
from alertd.store.dialect import Asked, among, listed, upsert
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
CLUSTERS = select(schema.clusters)


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


def clusters(asked: Asked) -> Clusters:
    """Which Alertmanagers are one, as far as is known; asked for CLUSTERS among others."""
    return Clusters({row[0]: row[1] for row in asked(CLUSTERS)})


async def all_clusters(connection: AsyncConnection) -> Clusters:
    """The same, to read alone."""
    return Clusters({row.source: row.cluster for row in await connection.execute(CLUSTERS)})


def know(connection: Connection, items: Sequence[Clusters]) -> Sequence[None]:
    """Keep this in place of what was known; a handler of the writer."""
    for known in items:
        connection.execute(delete(schema.clusters))
        if known.names:
            connection.execute(insert(schema.clusters), [
                {"source": source, "cluster": name} for source, name in known.names.items()])
    return [None] * len(items)

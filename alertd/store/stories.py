"""One incident with everything about it, and those that were like it."""

from __future__ import annotations

import json

from sqlalchemy import select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.audit import Act
from alertd.model import Event, Incident, IncidentId, IncidentState, Millis, NotificationId
from alertd.store import schema
from alertd.store.dialect import word
from alertd.store.rows import alert_from, incident_from, notification_from, why_from
from alertd.story import Attempt, Decided, Story

MOST = 1_000  # alerts and messages of one incident that are read

_incidents, _alerts, _rows, _tries, _decisions, _audit = (
    schema.incidents.c, schema.alerts.c, schema.notifications.c, schema.attempts.c, schema.decisions.c, schema.audit.c)


async def tell(connection: AsyncConnection, id: str) -> Story | None:
    """The story of the incident of this id; None where there is none."""
    row = (await connection.execute(select(schema.incidents).where(_incidents.id == id))).first()
    if row is None:
        return None
    alerts = await connection.execute(
        select(schema.alerts).where(_alerts.incident == id)
        .order_by(_alerts.closed_at.is_not(None), _alerts.starts_at, _alerts.id).limit(MOST))
    rows = [notification_from(one) for one in await connection.execute(
        select(schema.notifications).where(_rows.incident == id).order_by(_rows.seq).limit(MOST))]
    ids = [one.id for one in rows]
    tries = await connection.execute(
        select(schema.attempts).where(_tries.notification.in_(ids)).order_by(_tries.seq).limit(10 * MOST))
    reasons = await connection.execute(
        select(schema.decisions).where(_decisions.incident == id).order_by(_decisions.seq).limit(MOST))
    acts = await connection.execute(
        select(schema.audit).where(_audit.object.in_([f"incident {id}", *(f"notification {one}" for one in ids)]))
        .order_by(_audit.seq).limit(MOST))
    return Story(
        incident_from(row), tuple(alert_from(one) for one in alerts), tuple(rows),
        tuple(Attempt(NotificationId(one.notification), one.started_at, one.finished_at, Event(one.event), one.detail)
              for one in tries),
        tuple(Decided(one.at, one.verdict, tuple(why_from(one.why))) for one in reasons),
        tuple(Act(one.at, one.actor, one.via, one.action, one.object, json.loads(one.detail)) for one in acts))


async def similar(connection: AsyncConnection, incident: Incident, since: Millis, limit: int) -> list[Incident]:
    """Others of the same source and labels that opened since then, the newest first."""
    same, over = select(_incidents.id).where(_incidents.key == incident.key), word(IncidentState.RESOLVED)
    each = union_all(same.where(_incidents.state != over), same.where(_incidents.state == over))  # by an index each
    query = (select(schema.incidents)
             .where(_incidents.id.in_(each), _incidents.id != incident.id, _incidents.opened_at >= since)
             .order_by(_incidents.id.desc()).limit(limit))
    return [incident_from(row) for row in await connection.execute(query)]


async def exists(connection: AsyncConnection, id: str) -> Incident | None:
    """The incident alone."""
    row = (await connection.execute(select(schema.incidents).where(_incidents.id == IncidentId(id)))).first()
    return incident_from(row) if row else None

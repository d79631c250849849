"""Questions to the store that change nothing: what a delivery needs, and what people and programs look at."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.model import Alert, Delivery, DigestText, Incident, IncidentId, Kind, Notification, Outlet, State
from alertd.store import schema
from alertd.store.dialect import among, fetch, listed
from alertd.store.rows import alert_from, incident_from, labels_from, notification_from, raw_from, why_from

ALL = 2**31 - 1  # as a limit: more rows than there can be

SHOWN = 20  # alerts with each incident of a list; `alert_count` says how many there are

_notifications = schema.notifications
_INCIDENTS = select(schema.incidents).where(among(schema.incidents.c.id))
_ROOTS = select(schema.roots).where(among(schema.roots.c.incident))
_TOLD = select(_notifications.c.incident, _notifications.c.receiver, _notifications.c.channel, _notifications.c.target,
               _notifications.c.epoch).where(
    among(_notifications.c.incident), _notifications.c.kind == Kind.FIRING.value,
    (_notifications.c.attempts > 0) | (_notifications.c.state == State.SENT.value) | (_notifications.c.ambiguous == 1))
_RANK = case({"critical": 3, "warning": 2, "info": 1}, value=schema.alerts.c.severity, else_=0)
_MEMBERS = (select(schema.alerts).where(schema.alerts.c.incident == bindparam("incident"))
            .order_by(schema.alerts.c.closed_at.is_not(None), _RANK.desc(), schema.alerts.c.starts_at,
                      schema.alerts.c.id).limit(bindparam("most")))


def deliveries(connection: Connection, rows: Sequence[Notification], most_alerts: int | None) -> list[Delivery]:
    """Each notification with all that its attempt needs to know, as the store has it now."""
    ids = list(dict.fromkeys(row.incident for row in rows if row.incident))
    incidents = _incidents(connection, ids)
    alerts = {id: incident_alerts(connection, id, most_alerts) for id in ids}
    roots = _roots(connection, [*ids, *(row.digest for row in rows if row.digest)])  # a storm's message is edited too
    epochs = _epochs(connection, ids)
    digests = _digests(connection, [row.digest for row in rows if row.digest])
    result = []
    for row in rows:
        incident = incidents.get(row.incident) if row.incident else None
        place = (row.incident or row.digest, row.outlet.channel, row.outlet.target)
        told = epochs.get((row.incident, row.outlet), set()) | {row.epoch}
        result.append(Delivery(
            row, incident, tuple(alerts.get(row.incident, ())) if row.incident else (),
            incident.firing if incident else 0, incident.alerts - incident.firing if incident else 0,
            roots.get(place), tuple(sorted(told)), None, digests.get(row.digest) if row.digest else None))
    return result


def incident_alerts(connection: Connection, id: IncidentId, most: int | None) -> list[Alert]:
    """An incident's alerts: firing before ended, the most severe first, then by start."""
    wanted = {"incident": id, "most": ALL if most is None else most}
    return [alert_from(row) for row in fetch(connection, _MEMBERS, wanted)]


def _incidents(connection: Connection, ids: Sequence[IncidentId]) -> dict[IncidentId, Incident]:
    rows = map(incident_from, fetch(connection, _INCIDENTS, {"listed": listed(ids)}))
    return {incident.id: incident for incident in rows}


def _roots(connection: Connection, ids: Sequence[str]) -> dict[tuple[Any, ...], Mapping[str, str]]:
    # in the order of the table's columns
    return {tuple(place): labels_from(root) for *place, root in fetch(connection, _ROOTS, {"listed": listed(ids)})}


def _epochs(connection: Connection, ids: Sequence[str]) -> dict[tuple[Any, Outlet], set[int]]:
    """The severity epochs that each outlet was told the start of, or may have been."""
    found: dict[tuple[Any, Outlet], set[int]] = {}
    for incident, receiver, channel, target, epoch in fetch(connection, _TOLD, {"listed": listed(ids)}):
        found.setdefault((incident, Outlet(receiver, channel, target)), set()).add(epoch)
    return found


def _digests(connection: Connection, ids: Sequence[str]) -> dict[str, DigestText]:
    if not ids:
        return {}
    found = {}
    for table in (schema.digests, schema.notices):
        for row in connection.execute(select(table).where(table.c.id.in_(ids))):
            found[row.id] = DigestText(row.subject, row.text, getattr(row, "data", ""))
    return found


# For people and programs -------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """Some rows, newest first, and the cursor of the rest (None: that was all)."""

    items: list[dict[str, Any]]
    next: str | None


async def incidents(connection: AsyncConnection, state: str | None, limit: int, cursor: str | None) -> Page:
    table = schema.incidents
    query = select(table).order_by(table.c.id.desc())
    query = query.where(table.c.state == state) if state else query
    page = await _page(connection, query, table.c.id, limit, cursor, incident_view)
    shown = await _alerts_of(connection, [item["id"] for item in page.items])
    return Page([item | {"alerts": shown.get(item["id"], [])} for item in page.items], page.next)


async def _alerts_of(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The first SHOWN alerts of each incident, firing before ended."""
    table = schema.alerts
    place = func.row_number().over(partition_by=table.c.incident,
                                   order_by=(table.c.closed_at.is_not(None), table.c.starts_at, table.c.id))
    placed = select(table, place.label("place")).where(table.c.incident.in_(ids)).subquery()
    columns = [placed.c[column.name] for column in table.columns]
    query = select(*columns).where(placed.c.place <= SHOWN).order_by(placed.c.incident, placed.c.place)
    return await asyncio.to_thread(_by_incident, (await connection.execute(query)).all())


def _by_incident(rows: Sequence[Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row.incident, []).append(alert_view(row))
    return found


async def alerts(connection: AsyncConnection, state: str | None, limit: int, cursor: str | None) -> Page:
    table = schema.alerts
    query = select(table).order_by(table.c.id.desc())
    if state:
        query = query.where(table.c.closed_at.is_(None) if state == "firing" else table.c.closed_at.is_not(None))
    return await _page(connection, query, table.c.id, limit, cursor, alert_view)


async def notifications(connection: AsyncConnection, state: str | None, limit: int, cursor: str | None,
                        incident: str | None = None) -> Page:
    table = _notifications
    query = select(table).order_by(table.c.seq.desc())
    query = query.where(table.c.state == state) if state else query
    query = query.where(table.c.incident == incident) if incident else query
    return await _page(connection, query, table.c.seq, limit, int(cursor) if cursor else None, notification_view)


async def digests(connection: AsyncConnection, limit: int, cursor: str | None) -> Page:
    """The digests that were made, the newest first; the cursor is the time of the last one shown."""
    table = schema.digests.c
    query = select(schema.digests).where(table.subject != "").order_by(table.made_at.desc(), table.id).limit(limit + 1)
    if cursor is not None:
        query = query.where(table.made_at < int(cursor))
    rows = (await connection.execute(query)).all()
    items = [{"id": row.id, "receiver": row.receiver, "date": row.date, "made_at": rfc3339(row.made_at),
              "subject": row.subject, "text": row.text} for row in rows[:limit]]
    return Page(items, str(rows[limit - 1].made_at) if len(rows) > limit else None)


async def labels_of(connection: AsyncConnection, id: str, *, incident: bool) -> list[dict[str, str]]:
    """The label sets of all alerts of an incident, or of the incident that a notification tells of."""
    alerts = schema.alerts.c
    if not incident:
        told = select(_notifications.c.incident).where(_notifications.c.id == id).scalar_subquery()
        query = select(alerts.labels).where(alerts.incident == told)
    else:
        query = select(alerts.labels).where(alerts.incident == id)
    return [labels_from(row.labels) for row in await connection.execute(query.distinct())]


async def notification(connection: AsyncConnection, id: str) -> dict[str, Any] | None:
    """One notification with its attempts."""
    row = (await connection.execute(select(_notifications).where(_notifications.c.id == id))).first()
    if row is None:
        return None
    tries = await connection.execute(
        select(schema.attempts).where(schema.attempts.c.notification == id).order_by(schema.attempts.c.seq))
    return notification_view(row) | {"tries": [_attempt_view(one) for one in tries]}


def _attempt_view(row: Any) -> dict[str, Any]:
    return {"notification": row.notification, "started_at": rfc3339(row.started_at),
            "finished_at": rfc3339(row.finished_at), "event": row.event, "detail": row.detail}


async def rejected(connection: AsyncConnection, limit: int) -> list[dict[str, Any]]:
    """The newest bodies that were no webhook: when, why, and their first bytes."""
    table = schema.webhooks
    query = (select(table.c.id, table.c.received_at, table.c.reason, table.c.raw)
             .where(table.c.result == "rejected").order_by(table.c.received_at.desc()).limit(limit))
    return [{"id": row.id, "received_at": rfc3339(row.received_at), "reason": row.reason,
             "head": raw_from(row.raw)[:200].decode("utf-8", "replace")} for row in await connection.execute(query)]


async def counts(connection: AsyncConnection) -> dict[str, Any]:
    """How many notifications wait, are held or dead, by (channel, state); open incidents by severity; webhooks
    rejected. What was sent is not counted here: that would read the whole history at every scrape."""
    table = _notifications
    numbers: dict[tuple[str, str], int] = {}
    for state in (State.QUEUED, State.CLAIMED, State.HELD, State.DEAD):  # each has an index of its own
        query = select(table.c.channel, func.count()).where(table.c.state == state.value).group_by(table.c.channel)
        numbers |= {(row[0], state.value): row[1] for row in await connection.execute(query)}
    open_rows = await connection.execute(
        select(schema.incidents.c.severity, func.count()).where(schema.incidents.c.state != "resolved")
        .group_by(schema.incidents.c.severity))
    refused = select(func.count()).select_from(schema.webhooks).where(schema.webhooks.c.result == "rejected")
    oldest = select(func.min(table.c.next_at)).where(table.c.state == State.QUEUED.value)
    return {
        "notifications": numbers,
        "open": {row[0]: row[1] for row in open_rows},
        "rejected": (await connection.execute(refused)).scalar() or 0,
        "oldest_queued": (await connection.execute(oldest)).scalar(),
    }


async def incident(connection: AsyncConnection, id: str) -> dict[str, Any] | None:
    """One incident with its alerts, notifications, attempts and decisions: its whole story."""
    row = (await connection.execute(select(schema.incidents).where(schema.incidents.c.id == id))).first()
    if row is None:
        return None
    told = await notifications(connection, None, 1000, None, id)
    tries = await connection.execute(
        select(schema.attempts).where(schema.attempts.c.notification.in_([item["id"] for item in told.items]))
        .order_by(schema.attempts.c.seq))
    reasons = await connection.execute(
        select(schema.decisions).where(schema.decisions.c.incident == id).order_by(schema.decisions.c.seq))
    members = await connection.execute(select(schema.alerts).where(schema.alerts.c.incident == id).limit(1000))
    return incident_view(row) | {
        "alerts": [alert_view(member) for member in members],
        "notifications": told.items,
        "attempts": [_attempt_view(one) for one in tries],
        "decisions": [{"at": rfc3339(r.at), "verdict": r.verdict, "why": why_from(r.why)} for r in reasons],
    }


def rfc3339(time: int | None) -> str | None:
    """Milliseconds as the text other programs read, None where there is no time."""
    if time is None:
        return None
    return datetime.datetime.fromtimestamp(time / 1000, datetime.UTC).isoformat(timespec="milliseconds")


def incident_view(row: Any) -> dict[str, Any]:
    value = incident_from(row)
    return {"id": value.id, "state": value.state.value, "severity": value.severity.value, "labels": value.labels,
            "alert_count": value.alerts, "firing": value.firing, "source": value.source,
            "opened_at": rfc3339(value.opened_at), "acknowledged_at": rfc3339(value.acknowledged_at),
            "acknowledged_until": rfc3339(value.acknowledged_until), "flapping": value.flapping,
            "acknowledged_by": value.acknowledged_by,
            "resolved_at": rfc3339(value.resolved_at)}


def alert_view(row: Any) -> dict[str, Any]:
    value = alert_from(row)
    return {"id": value.id, "state": "firing" if value.firing else "resolved", "incident": value.incident,
            "severity": value.severity.value, "source": value.source, "fingerprint": value.fingerprint,
            "labels": value.labels, "annotations": value.annotations, "starts_at": rfc3339(value.starts_at),
            "ends_at": rfc3339(value.ends_at), "muted": value.muted if value.firing else None}


def notification_view(row: Any) -> dict[str, Any]:
    value = notification_from(row)
    return {"id": value.id, "incident": value.incident, "receiver": value.outlet.receiver,
            "channel": value.outlet.channel, "target": value.outlet.target, "kind": value.kind.value,
            "severity": value.severity.value, "state": value.state.value, "reason": value.reason,
            "attempts": value.attempts, "created_at": rfc3339(value.created_at), "next_at": rfc3339(value.next_at)}


async def _page(connection: AsyncConnection, query: Select[Any], column: Any, limit: int, cursor: Any, view: Any
                ) -> Page:
    if cursor is not None:
        query = query.where(column < cursor)
    rows = list(await connection.execute(query.limit(limit + 1)))
    more = len(rows) > limit
    items = await asyncio.to_thread(lambda: [view(row) for row in rows[:limit]])  # a thousand take 10 ms
    return Page(items, str(getattr(rows[limit - 1], column.name)) if more else None)

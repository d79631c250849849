"""What a webhook needs to know and what it changes, many webhooks to a transaction."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from alertd.incidents import Changes, Decision, Known
from alertd.model import (
    HOUR,
    Alert,
    Incident,
    IncidentId,
    IncidentState,
    Millis,
    Notification,
    NotificationId,
    State,
    Webhook,
)
from alertd.store import schema
from alertd.store.rows import (
    CHUNK,
    alert_from,
    alert_row,
    incident_from,
    incident_row,
    notification_from,
    notification_row,
    to_json,
    webhook_row,
)

REMEMBER = HOUR  # how long an ended episode is asked for: Prometheus repeats an end for 15 minutes

T = TypeVar("T")


def load(connection: Connection, webhooks: Iterable[Webhook], keys: Iterable[str], now: Millis) -> Known:
    """Everything `decide` needs for these webhooks. `keys` are the incident keys they may open."""
    known = Known()
    wanted = {alert.fingerprint for webhook in webhooks for alert in webhook.alerts}
    incidents: set[IncidentId] = set()
    table = schema.alerts
    for chunk in chunks(wanted):
        query = select(table).where(table.c.fingerprint.in_(chunk),
                                    or_(table.c.closed_at.is_(None), table.c.closed_at > now - REMEMBER))
        for row in connection.execute(query):
            alert = alert_from(row)
            known.alerts.setdefault(alert.fingerprint, []).append(alert)
            if alert.firing and alert.incident:
                incidents.add(alert.incident)
    _load_incidents(connection, known, incidents, set(keys))
    for ids in chunks(known.incidents):
        rows = schema.notifications
        query = select(rows).where(rows.c.incident.in_(ids)).order_by(rows.c.seq)
        for row in connection.execute(query):
            known.notifications.setdefault(row.incident, []).append(notification_from(row))
    return known


def _load_incidents(connection: Connection, known: Known, ids: set[IncidentId], keys: set[str]) -> None:
    table = schema.incidents
    is_open = table.c.state != IncidentState.RESOLVED.value
    conditions = [table.c.id.in_(chunk) for chunk in chunks(ids)] + [table.c.key.in_(chunk) for chunk in chunks(keys)]
    for condition in conditions:
        for row in connection.execute(select(table).where(condition, is_open)):
            incident = incident_from(row)
            known.incidents[incident.id] = incident
            known.open_by_key[incident.key] = incident.id


@dataclasses.dataclass(slots=True)
class Batch:
    """The changes of some webhooks, the later on top of the earlier, so that every row is written once."""

    webhooks: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    alerts: dict[str, Alert] = dataclasses.field(default_factory=dict)
    incidents: dict[str, Incident] = dataclasses.field(default_factory=dict)
    notifications: dict[NotificationId, Notification] = dataclasses.field(default_factory=dict)
    superseded: list[Notification] = dataclasses.field(default_factory=list)
    decisions: list[Decision] = dataclasses.field(default_factory=list)

    def add(self, webhook: Webhook, raw: bytes, changes: Changes) -> None:
        self.webhooks.append(webhook_row(webhook, raw, changes.result))
        self.alerts.update((alert.id, alert) for alert in changes.alerts)
        self.incidents.update((incident.id, incident) for incident in changes.incidents)
        for row in changes.superseded:
            if row.id in self.notifications:
                self.notifications[row.id] = row
            else:
                self.superseded.append(row)
        self.notifications.update((row.id, row) for row in changes.notifications)
        self.decisions.extend(changes.decisions)


def save(connection: Connection, batch: Batch, now: Millis) -> None:
    """Write the batch. Nothing is on disk before the caller's commit."""
    _execute(connection, insert(schema.webhooks), batch.webhooks, dict)
    _execute(connection, _UPSERT_ALERT, list(batch.alerts.values()), alert_row)
    _execute(connection, _UPSERT_INCIDENT, list(batch.incidents.values()), incident_row)
    insert_notifications(connection, list(batch.notifications.values()))
    _execute(connection, _SUPERSEDE, batch.superseded,
                   lambda row: {"wanted": row.seq, "because": row.reason, "at": now})
    _execute(connection, insert(schema.decisions), batch.decisions, decision_row)


def reject(connection: Connection, items: Sequence[tuple[Webhook, bytes, str]]) -> Sequence[None]:
    """Keep bodies that are no webhook, with the reason; a handler of the writer."""
    rows = [webhook_row(webhook, raw, "rejected") | {"reason": reason} for webhook, raw, reason in items]
    connection.execute(insert(schema.webhooks), rows)
    return [None] * len(items)


def insert_notifications(connection: Connection, rows: Sequence[Notification]) -> None:
    """Add intended messages; one that is there already (same incident, same key) stays as it is."""
    _execute(connection, _INSERT_NOTIFICATION, rows, notification_row)


def decision_row(decision: Decision) -> dict[str, Any]:
    return {"webhook": decision.webhook, "incident": decision.incident, "at": decision.at,
            "verdict": decision.verdict, "why": to_json(decision.why)}


def _execute(connection: Connection, statement: Any, items: Sequence[Any], row: Any) -> None:
    for start in range(0, len(items), CHUNK):
        connection.execute(statement, [row(item) for item in items[start:start + CHUNK]])


def chunks(items: Iterable[T]) -> Iterator[list[T]]:
    """The items in lists of CHUNK: databases limit the parameters of one statement."""
    everything = list(items)
    for start in range(0, len(everything), CHUNK):
        yield everything[start:start + CHUNK]


def _upsert(table: Any, changing: tuple[str, ...]) -> Any:
    statement = upsert(table)
    return statement.on_conflict_do_update(index_elements=["id"],
                                           set_={name: statement.excluded[name] for name in changing})


_UPSERT_ALERT = _upsert(schema.alerts, ("annotations", "starts_at", "newest_start", "ends_at", "closed_at"))
_UPSERT_INCIDENT = _upsert(schema.incidents, ("severity", "epoch", "revision", "state", "firing", "alerts",
                                              "acknowledged_at", "resolved_at"))
_INSERT_NOTIFICATION = upsert(schema.notifications).on_conflict_do_nothing(index_elements=["incident", "id"])
_SUPERSEDE = (
    update(schema.notifications)
    .where(schema.notifications.c.seq == bindparam("wanted"), schema.notifications.c.state == State.QUEUED.value)
    .values(state=State.SUPERSEDED.value, reason=bindparam("because"), settled_at=bindparam("at"))
)

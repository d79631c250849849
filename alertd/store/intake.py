"""What a webhook needs to know and what it changes, many webhooks to a transaction."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Insert, Table, bindparam, insert, select, update

from alertd.incidents import Changes, Decision, Known, repeated, touched
from alertd.inhibiting import Inhibitor
from alertd.model import (
    Alert,
    Incident,
    IncidentId,
    Millis,
    Notification,
    NotificationId,
    State,
    Webhook,
    WebhookId,
)
from alertd.statistics.tally import GRACE
from alertd.store import live, reconcile, schema, swings, tallies, weather
from alertd.store.dialect import Asked, Part, Rows, among, listed, lock, look, upsert, write
from alertd.store.rows import (
    ALERT,
    FIRING,
    INCIDENT,
    NOTIFICATION,
    WEBHOOK,
    alert_from,
    alert_row,
    firing_row,
    incident_from,
    incident_row,
    notification_from,
    notification_row,
    to_json,
    webhook_row,
)


def ask(connection: Connection, webhooks: Sequence[Webhook], keys: Collection[str], now: Millis) -> Asked:
    """For what `load`, `Sky` and `reconcile.clusters` need to know of these webhooks. `keys` are the incident keys they
    may open. Until the end of the transaction no other process decides about any of it."""
    fingerprints = {alert.fingerprint for webhook in webhooks for alert in webhook.alerts}
    lock(connection, (*fingerprints, *keys))
    values = live.parameters(connection, fingerprints, keys, now) | {"keys": listed(keys)}
    return Asked(connection, (live.query(connection), live.incidents(connection), swings.BY_KEY, reconcile.CLUSTERS,
                              *weather.QUERIES), values)


def repeats(connection: Connection, webhooks: Collection[Webhook], now: Millis) -> dict[WebhookId, Changes]:
    """What those change that merely repeat what is known, which is nothing. Nothing is held for it: such a webhook is
    as good as one that was decided a moment earlier, whatever others write meanwhile."""
    if not webhooks:
        return {}
    known, fingerprints = Known(), {alert.fingerprint for webhook in webhooks for alert in webhook.alerts}
    _noted(known, look(connection, live.query(connection), live.parameters(connection, fingerprints, (), now)))
    found = ((webhook.id, repeated(webhook, known.alerts, now)) for webhook in webhooks)
    return {id: changes for id, changes in found if changes}


def load(connection: Connection, webhooks: Sequence[Webhook], keys: Collection[str], now: Millis,
         asked: Asked | None = None) -> Known:
    """Everything `decide` needs for these webhooks; `asked` is what `ask` of the same returned."""
    asked, known = asked or ask(connection, webhooks, keys, now), Known()
    named: set[IncidentId] = set()
    for alert in _noted(known, asked(live.query(connection))):
        if alert.firing and alert.incident:
            named.add(alert.incident)
    _note(known, asked(live.incidents(connection)) if keys else ())
    if others := named - known.incidents.keys():
        _note(known, connection.execute(live.INCIDENTS_BY_ID, {"listed": listed(others)}))
    if any(key not in known.open_by_key for key in keys):
        known.swings = swings.found(asked(swings.BY_KEY))
    if changing := touched(webhooks, known, now):
        for row in connection.execute(_NOTIFICATIONS, {"listed": listed(changing)}):
            known.notifications.setdefault(row.incident, []).append(notification_from(row))
    return known


def _noted(known: Known, rows: Iterable[Sequence[Any]]) -> list[Alert]:
    alerts = list(map(alert_from, rows))
    for alert in alerts:
        known.alerts.setdefault(alert.fingerprint, []).append(alert)
    return alerts


def _note(known: Known, rows: Iterable[Sequence[Any]]) -> None:
    for incident in map(incident_from, rows):
        known.incidents[incident.id] = incident
        known.open_by_key[incident.key] = incident.id


@dataclasses.dataclass(slots=True)
class Batch:
    """The changes of some webhooks, the later on top of the earlier, so that every row is written once."""

    webhooks: list[tuple[Any, ...]] = dataclasses.field(default_factory=list)
    alerts: dict[str, Alert] = dataclasses.field(default_factory=dict)
    incidents: dict[IncidentId, Incident] = dataclasses.field(default_factory=dict)
    notifications: dict[NotificationId, Notification] = dataclasses.field(default_factory=dict)
    superseded: list[Notification] = dataclasses.field(default_factory=list)
    decisions: list[Decision] = dataclasses.field(default_factory=list)
    inhibitors: list[Inhibitor] = dataclasses.field(default_factory=list)
    inhibited: list[Alert] = dataclasses.field(default_factory=list)

    def add(self, webhook: Webhook, raw: bytes, changes: Changes, result: str | None = None) -> None:
        """What a webhook caused, whose row says `result` where that is another word than the changes' own."""
        self.webhooks.append(webhook_row(webhook, raw, result or changes.result))
        self.take(changes)

    def take(self, changes: Changes) -> None:
        """What a person's act or the time caused, without a webhook."""
        self.alerts.update((alert.id, alert) for alert in changes.alerts)
        self.incidents.update((incident.id, incident) for incident in changes.incidents)
        for row in changes.superseded:
            if row.id in self.notifications:
                self.notifications[row.id] = row
            else:
                self.superseded.append(row)
        self.notifications.update((row.id, row) for row in changes.notifications)
        self.decisions.extend(changes.decisions)
        self.inhibitors.extend(changes.inhibitors)
        self.inhibited.extend(changes.inhibited)

    def opened(self) -> set[IncidentId]:
        """The incidents that its webhooks opened, by which they are named."""
        webhooks = {id for id, *_ in self.webhooks}
        return {id for id in self.incidents if id.partition("-")[0] in webhooks}


def save(connection: Connection, batch: Batch, now: Millis, *more: Part) -> None:
    """Write the batch, and after it `more`. Nothing is on disk before the caller's commit."""
    alerts, incidents, notifications = batch.alerts.values(), batch.incidents.values(), batch.notifications.values()
    weather.touch(connection, notifications)
    supersede(connection, batch.superseded, now)
    webhooks = {id for id, *_ in batch.webhooks}
    new = [alert for alert in alerts if _new(alert, webhooks)]
    rest = alerts if not new else [] if len(new) == len(alerts) else [one for one in alerts if not _new(one, webhooks)]
    opened = batch.opened()
    write(connection,
          (_INSERT_WEBHOOK, batch.webhooks),
          (_UPSERT_ALERT, map(alert_row, rest)),
          (_INSERT_FIRING, map(firing_row, new)),
          (_UPSERT_INCIDENT, map(incident_row, incidents)),
          swings.kept(incidents, now),
          (_INSERT_FIRST, (notification_row(row) for row in notifications if row.incident in opened)),
          (_INSERT_NOTIFICATION, (notification_row(row) for row in notifications if row.incident not in opened)),
          (_INSERT_DECISION, map(_decision_row, batch.decisions)),
          (_INSERT_INHIBITOR, ((one.key, one.alert, one.name, one.both) for one in batch.inhibitors)),
          (_INSERT_INHIBITED, ((alert.id,) for alert in batch.inhibited)),
          *more)
    tallies.changed(connection, _over(rest, incidents, now - GRACE))
    live.note(connection, alerts, incidents, now)


def _over(alerts: Iterable[Alert], incidents: Iterable[Incident], before: Millis) -> Iterable[Millis]:
    """When what is among these ended that was over before this, and may have been counted so."""
    ends = *(alert.closed_at for alert in alerts), *(incident.resolved_at for incident in incidents)
    return [at for at in ends if at is not None and at < before]


def _new(alert: Alert, webhooks: Collection[str]) -> bool:
    """Whether one of these opened it and it fires, with nothing known beyond that. No row can be in its way: to look
    for one costs PostgreSQL a ninth of all that it does for a webhook."""
    return alert.id.partition(".")[0] in webhooks and alert.ends_at is None and alert.closed_at is None \
        and alert.muted is None


def reject(connection: Connection, items: Sequence[tuple[Webhook, bytes, str]]) -> Sequence[None]:
    """Keep bodies that are no webhook, with the reason; a handler of the writer."""
    _INSERT_WEBHOOK(connection, (webhook_row(webhook, raw, "rejected", reason) for webhook, raw, reason in items))
    return [None] * len(items)


def insert_notifications(connection: Connection, rows: Iterable[Notification]) -> None:
    """Add intended messages; one that is there already (same incident, same key) stays as it is."""
    _INSERT_NOTIFICATION(connection, map(notification_row, rows))


def supersede(connection: Connection, rows: Sequence[Notification], now: Millis) -> None:
    """End what waits, for the reasons that the rows give."""
    if rows:
        connection.execute(_SUPERSEDE, [{"wanted": row.seq, "because": row.reason, "at": now} for row in rows])


def insert_decisions(connection: Connection, decisions: Iterable[Decision]) -> None:
    """Add to the records of why."""
    _INSERT_DECISION(connection, map(_decision_row, decisions))


def _decision_row(one: Decision) -> tuple[Any, ...]:
    return one.webhook, one.incident, one.at, one.verdict, to_json(one.why)


def _upsert(table: Table, changing: tuple[str, ...]) -> Insert:
    statement = upsert(table)
    return statement.on_conflict_do_update(index_elements=["id"],
                                           set_={name: statement.excluded[name] for name in changing})


# held too: what is decided from "not sent yet" must not be claimed meanwhile
_NOTIFICATIONS = select(schema.notifications).where(among(schema.notifications.c.incident)).order_by(
    schema.notifications.c.seq).with_for_update()
_INSERT_WEBHOOK = Rows(insert(schema.webhooks), WEBHOOK, new=True)
_UPSERT_ALERT = Rows(
    _upsert(schema.alerts, ("annotations", "starts_at", "newest_start", "ends_at", "closed_at", "muted")), ALERT)
_INSERT_FIRING = Rows(insert(schema.alerts), FIRING, new=True)
_UPSERT_INCIDENT = Rows(_upsert(schema.incidents, ("severity", "epoch", "revision", "state", "firing", "alerts",
                                                      "acknowledged_at", "resolved_at", "acknowledged_by",
                                                      "acknowledged_until", "escalated", "escalate_at",
                                                      "remind_at", "report_at", "swings", "quiet_at")), INCIDENT)
_INSERT_NOTIFICATION = Rows(
    upsert(schema.notifications).on_conflict_do_nothing(index_elements=["incident", "id"]), NOTIFICATION)
# of incidents that the batch opened: of those nothing was intended before
_INSERT_FIRST = Rows(insert(schema.notifications), NOTIFICATION, new=True)
_INSERT_DECISION = Rows(insert(schema.decisions), ("webhook", "incident", "at", "verdict", "why"), new=True)
_INSERT_INHIBITOR = Rows(
    upsert(schema.inhibitors).on_conflict_do_nothing(index_elements=["key", "alert"]), ("key", "alert", "name", "both"))
_INSERT_INHIBITED = Rows(upsert(schema.inhibited).on_conflict_do_nothing(index_elements=["alert"]), ("alert",))
_SUPERSEDE = (
    update(schema.notifications)
    .where(schema.notifications.c.seq == bindparam("wanted"),
           (schema.notifications.c.state == State.QUEUED.value) | (schema.notifications.c.state == State.HELD.value))
    .values(state=State.SUPERSEDED.value, reason=bindparam("because"), settled_at=bindparam("at"))
)

"""Rows to values and back. Label sets are kept as JSON with sorted keys, so that equal sets are equal text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Row

from alertd.model import (
    Alert,
    Incident,
    IncidentState,
    Kind,
    Notification,
    NotificationId,
    Outlet,
    Severity,
    State,
    Webhook,
)

CHUNK = 500  # rows per statement: preparing more at once would hold the event loop for over 20 ms

_encoder = msgspec.json.Encoder(order="sorted")
_labels = msgspec.json.Decoder(dict[str, str])
_why = msgspec.json.Decoder(list[str])


def to_json(value: Mapping[str, str] | tuple[str, ...]) -> str:
    return _encoder.encode(value).decode()


def labels_from(text: str) -> dict[str, str]:
    return _labels.decode(text)


def why_from(text: str) -> list[str]:
    return _why.decode(text)


def webhook_row(webhook: Webhook, raw: bytes, result: str) -> dict[str, Any]:
    return {
        "id": webhook.id, "received_at": webhook.received_at, "source": webhook.source,
        "group_key": webhook.group_key, "alerts": len(webhook.alerts), "truncated": webhook.truncated,
        "result": result, "reason": "", "raw": raw,
    }


def alert_row(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.id, "source": alert.source, "fingerprint": alert.fingerprint, "incident": alert.incident,
        "severity": alert.severity.value, "labels": to_json(alert.labels), "annotations": to_json(alert.annotations),
        "starts_at": alert.starts_at, "newest_start": alert.newest_start, "ends_at": alert.ends_at,
        "closed_at": alert.closed_at, "generator_url": alert.generator_url,
    }


def alert_from(row: Row[Any]) -> Alert:
    return Alert(row.id, row.source, row.fingerprint, row.incident, Severity(row.severity), labels_from(row.labels),
                 labels_from(row.annotations), row.starts_at, row.newest_start, row.ends_at, row.closed_at,
                 row.generator_url)


def incident_row(incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.id, "key": incident.key, "source": incident.source, "labels": to_json(incident.labels),
        "severity": incident.severity.value, "epoch": incident.epoch, "revision": incident.revision,
        "state": incident.state.value, "opened_at": incident.opened_at, "firing": incident.firing,
        "alerts": incident.alerts, "acknowledged_at": incident.acknowledged_at, "resolved_at": incident.resolved_at,
    }


def incident_from(row: Row[Any]) -> Incident:
    return Incident(row.id, row.key, row.source, labels_from(row.labels), Severity(row.severity), row.epoch,
                    row.revision, IncidentState(row.state), row.opened_at, row.firing, row.alerts,
                    row.acknowledged_at, row.resolved_at)


def notification_row(row: Notification) -> dict[str, Any]:
    return {
        "id": row.id, "incident": row.incident, "kind": row.kind.value, "severity": row.severity.value,
        "rank": row.severity.rank, "epoch": row.epoch, "receiver": row.outlet.receiver,
        "channel": row.outlet.channel, "target": row.outlet.target, "style": row.style, "state": row.state.value,
        "reason": row.reason, "created_at": row.created_at, "next_at": row.next_at, "attempts": row.attempts,
        "ambiguous": int(row.ambiguous), "digest": row.digest,
    }


def notification_from(row: Row[Any]) -> Notification:
    return Notification(
        NotificationId(row.id), row.id, row.incident, Kind(row.kind), Severity(row.severity), row.epoch,
        Outlet(row.receiver, row.channel, row.target), row.style, State(row.state), row.reason, row.created_at,
        row.next_at, row.attempts, bool(row.ambiguous), row.seq, row.digest)

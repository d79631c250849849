"""Rows to values and back. Label sets are kept as JSON with sorted keys, so that equal sets are equal text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from isal import isal_zlib

from alertd.model import (
    FINAL,
    Alert,
    Incident,
    IncidentState,
    Kind,
    Millis,
    Notification,
    NotificationId,
    Outlet,
    Severity,
    State,
    Webhook,
)

# Of a state `_value_` is written: what `.value` finds by two calls, and a webhook writes two dozen of them.

_encoder = msgspec.json.Encoder(order="sorted")
_labels = msgspec.json.Decoder(dict[str, str])
_kind = msgspec.json.Decoder(tuple[str | None, str | None])
_why = msgspec.json.Decoder(list[str])


def to_json(value: Mapping[str, str] | tuple[str, ...]) -> str:
    return _encoder.encode(value).decode()


def labels_from(text: str) -> dict[str, str]:
    return _labels.decode(text)


def kind_from(text: str) -> tuple[str, str]:
    """Name and service of an alert, '' for one it does not have."""
    name, service = _kind.decode(text)
    return name or "", service or ""


def times_to(times: tuple[Millis, ...]) -> str:
    return " ".join(map(str, times))


def times_from(text: str) -> tuple[Millis, ...]:
    return tuple(map(int, text.split()))


def why_from(text: str) -> list[str]:
    return _why.decode(text)


def webhook_row(webhook: Webhook, raw: bytes, result: str, reason: str = "") -> tuple[Any, ...]:
    """As WEBHOOK names it; so with the others: a tuple is made and bound at a fraction of a dict's cost.

    `raw` is a body that `deflated` made small.
    """
    return (webhook.id, webhook.received_at, webhook.source, webhook.group_key, len(webhook.alerts),
            webhook.truncated, result, reason, raw)


def deflated(body: bytes) -> bytes:
    """A body as it is kept: alerts of a group repeat themselves, and what is not written need not be synced. At the
    quickest level, in a form that every zlib reads; 3 us for ten alerts, where zlib takes 40 (each by itself)."""
    return isal_zlib.compress(body, 0)


def raw_from(kept: bytes) -> bytes:
    """The body as it came."""
    return isal_zlib.decompress(kept)


WEBHOOK = ("id", "received_at", "source", "group_key", "alerts", "truncated", "result", "reason", "raw")


def alert_row(alert: Alert) -> tuple[Any, ...]:
    return (alert.id, alert.source, alert.fingerprint, alert.incident, alert.severity._value_, to_json(alert.labels),
            to_json(alert.annotations), alert.starts_at, alert.newest_start, alert.ends_at, alert.closed_at,
            alert.generator_url, alert.muted)


ALERT = ("id", "source", "fingerprint", "incident", "severity", "labels", "annotations", "starts_at", "newest_start",
         "ends_at", "closed_at", "generator_url", "muted")


def firing_row(alert: Alert) -> tuple[Any, ...]:
    """Of one without the columns that FIRING leaves out: for every NULL the driver looks for an adapter."""
    return (alert.id, alert.source, alert.fingerprint, alert.incident, alert.severity._value_, to_json(alert.labels),
            to_json(alert.annotations), alert.starts_at, alert.newest_start, alert.generator_url)


FIRING = ("id", "source", "fingerprint", "incident", "severity", "labels", "annotations", "starts_at", "newest_start",
          "generator_url")


def alert_from(row: Sequence[Any]) -> Alert:
    """From the columns of the table, in their order: by position, which is quicker than by name."""
    (id, source, fingerprint, incident, severity, labels, annotations, starts_at, newest_start, ends_at, closed_at,
     generator_url, muted) = tuple(row)
    return Alert(id, source, fingerprint, incident, Severity(severity), labels_from(labels), labels_from(annotations),
                 starts_at, newest_start, ends_at, closed_at, generator_url, muted)


def incident_row(incident: Incident) -> tuple[Any, ...]:
    return (incident.id, incident.key, incident.source, to_json(incident.labels), incident.severity._value_,
            incident.epoch, incident.revision, incident.state._value_, incident.opened_at, incident.firing,
            incident.alerts, incident.acknowledged_at, incident.resolved_at, incident.acknowledged_by,
            incident.acknowledged_until, incident.escalated, incident.escalate_at,
            incident.remind_at, incident.report_at, incident.team, times_to(incident.swings), incident.quiet_at)


INCIDENT = ("id", "key", "source", "labels", "severity", "epoch", "revision", "state", "opened_at", "firing", "alerts",
            "acknowledged_at", "resolved_at", "acknowledged_by", "acknowledged_until", "escalated",
            "escalate_at", "remind_at", "report_at", "team", "swings", "quiet_at")


def incident_from(row: Sequence[Any]) -> Incident:
    """Likewise."""
    (id, key, source, labels, severity, epoch, revision, state, opened_at, firing, alerts, acknowledged_at, resolved_at,
     acknowledged_by, acknowledged_until, escalated, escalate_at, remind_at, report_at, team, swings,
     quiet_at) = tuple(row)
    return Incident(id, key, source, labels_from(labels), Severity(severity), epoch, revision, IncidentState(state),
                    opened_at, firing, alerts, acknowledged_at, resolved_at, acknowledged_by, acknowledged_until,
                    escalated, escalate_at, remind_at, report_at, team, times_from(swings), quiet_at)


def notification_row(row: Notification) -> tuple[Any, ...]:
    outlet = row.outlet
    return (row.id, row.incident, row.kind._value_, row.severity._value_, row.severity.rank, row.epoch, outlet.receiver,
            outlet.channel, outlet.target, row.style, row.state._value_, row.reason, row.created_at, row.next_at,
            row.attempts, int(row.ambiguous), row.digest,
            row.created_at if row.state in FINAL else None,  # what a storm carries is settled from the start
            row.team)


NOTIFICATION = ("id", "incident", "kind", "severity", "rank", "epoch", "receiver", "channel", "target", "style",
                "state", "reason", "created_at", "next_at", "attempts", "ambiguous", "digest", "settled_at", "team")


def notification_from(row: Sequence[Any]) -> Notification:
    """Likewise."""
    (seq, id, incident, kind, severity, _rank, epoch, receiver, channel, target, style, state, reason, created_at,
     next_at, attempts, ambiguous, digest, _lease, _lease_until, _settled_at, team) = tuple(row)
    return Notification(NotificationId(id), id, incident, Kind(kind), Severity(severity), epoch,
                        Outlet(receiver, channel, target), style, State(state), reason, created_at, next_at, attempts,
                        bool(ambiguous), seq, digest, team)

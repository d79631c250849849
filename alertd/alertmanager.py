"""What Alertmanager 0.25 to 0.34 says, decoded: its webhook (version 4), its list of alerts, and its status (API v2).

Unknown fields are allowed (0.32 added notification_reason, 0.34 routeLabels), and so is the absence of any but
version, status and alerts of a webhook. The field lists and their oddities: notify/webhook/webhook.go,
template/template.go and api/v2/openapi.yaml of https://github.com/prometheus/alertmanager.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Generic, Literal, TypeVar

import msgspec

from alertd.model import AlertState, Millis, ReportedAlert, Webhook, WebhookId
from alertd.reconciling import Listed

MOST_ALERTS = 10_000
MOST_TRUNCATED = 2**31 - 1
LONGEST_NAME = 300  # characters; twice so many, in bytes at worst four each, fit into an index of PostgreSQL
NUL = b"\\u0000"

LARGE_BODY = 256 * 1024  # bytes; beyond it the alerts are decoded one by one: 4 MiB at once hold every thread for 30 ms

Read = TypeVar("Read")
Item = TypeVar("Item")


class _Alert(msgspec.Struct, rename="camel", gc=False):  # gone at once, and in no cycle
    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    starts_at: datetime.datetime
    annotations: dict[str, str] = {}
    ends_at: datetime.datetime | None = None
    fingerprint: str = ""
    generator_url: str = msgspec.field(default="", name="generatorURL")


class _Message(msgspec.Struct, Generic[Item], rename="camel", gc=False):
    version: str
    status: Literal["firing", "resolved"]
    alerts: list[Item]
    group_key: str = ""
    truncated_alerts: int = 0
    group_labels: dict[str, str] = {}
    external_url: str = msgspec.field(default="", name="externalURL")


class _AlertStatus(msgspec.Struct, rename="camel"):
    silenced_by: list[str] = []
    inhibited_by: list[str] = []
    muted_by: list[str] = []  # time intervals, since 0.28


class _ListedAlert(msgspec.Struct, rename="camel"):
    fingerprint: str
    labels: dict[str, str]
    starts_at: datetime.datetime
    status: _AlertStatus


class _Peer(msgspec.Struct):
    name: str = ""


class _Cluster(msgspec.Struct):
    peers: list[_Peer] = []


class _Status(msgspec.Struct):
    uptime: datetime.datetime
    cluster: _Cluster = msgspec.field(default_factory=_Cluster)


_decoder = msgspec.json.Decoder(_Message[_Alert])
_large_decoder = msgspec.json.Decoder(_Message[msgspec.Raw])
_alert_decoder = msgspec.json.Decoder(_Alert)
_list_decoder = msgspec.json.Decoder(list[_ListedAlert])
_status_decoder = msgspec.json.Decoder(_Status)


class NotWebhook(ValueError):
    """The body is not an Alertmanager webhook of version 4; the text says where it departs from one."""


def decode(body: bytes, id: WebhookId, received_at: Millis) -> Webhook:
    """The webhook in `body`; raises NotWebhook with a short reason."""
    # NUL is kept by PostgreSQL in no text, and nobody can see it; most bodies have no backslash, which is found sooner
    if b"\\" in body and NUL in body:
        body = body.replace(NUL, b"\\ufffd")
    if len(body) <= LARGE_BODY:
        message = _read(_decoder, body)
        alerts = tuple([_alert(alert) for alert in message.alerts])
        return _webhook(message, alerts, id, received_at)
    large = _read(_large_decoder, body)
    if len(large.alerts) > MOST_ALERTS:
        raise NotWebhook(f"{len(large.alerts)} alerts in one webhook, at most {MOST_ALERTS}; set max_alerts")
    alerts = tuple([_alert(_read(_alert_decoder, raw, number)) for number, raw in enumerate(large.alerts, 1)])
    return _webhook(large, alerts, id, received_at)


def decode_list(body: bytes) -> dict[str, Listed]:
    """The alerts of `GET /api/v2/alerts` by fingerprint, and by the stand-in of a sender that leaves it out; raises
    msgspec.DecodeError."""
    found = {}
    for alert in _list_decoder.decode(body):
        listed = Listed(_millis(alert.starts_at) or 0, _muted(alert.status))
        found[_short(alert.fingerprint)] = found[_fingerprint(alert.labels)] = listed
    return found


def decode_status(body: bytes) -> tuple[Millis, frozenset[str]]:
    """When the process began, by its own clock (`uptime` of `GET /api/v2/status` is a moment), and the names of its
    cluster's members; raises msgspec.DecodeError."""
    status = _status_decoder.decode(body)
    return _millis(status.uptime) or 0, frozenset(peer.name for peer in status.cluster.peers if peer.name)


def _muted(status: _AlertStatus) -> str | None:
    """By what Alertmanager keeps an alert quiet, in words."""
    for how, names in (("silenced", status.silenced_by), ("inhibited", status.inhibited_by),
                       ("muted", status.muted_by)):
        if names:
            return f"{how} by {', '.join(names[:3])}" + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return None


def _webhook(message: _Message[Item], alerts: tuple[ReportedAlert, ...], id: WebhookId, received_at: Millis) -> Webhook:
    if message.version != "4":
        raise NotWebhook(f"webhook version {message.version[:20]!r}, this reads version 4")
    return Webhook(id, _short(message.external_url), message.group_key, message.group_labels, alerts,
                   min(max(message.truncated_alerts, 0), MOST_TRUNCATED), received_at)


def _read(decoder: msgspec.json.Decoder[Read], text: bytes | msgspec.Raw, alert: int = 0) -> Read:
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        fault = "webhook version 4" if isinstance(error, msgspec.ValidationError) else "JSON"
        raise NotWebhook(f"not {fault}: {error}" + (f", alert {alert}" if alert else "")) from error


def _alert(alert: _Alert) -> ReportedAlert:
    firing = alert.status == "firing"
    fingerprint = _short(alert.fingerprint) or _fingerprint(alert.labels)
    return ReportedAlert(
        AlertState.FIRING if firing else AlertState.RESOLVED, fingerprint, alert.labels, alert.annotations,
        _millis(alert.starts_at) or 0, None if firing else _millis(alert.ends_at), alert.generator_url)


def _millis(time: datetime.datetime | None) -> Millis | None:
    """Milliseconds since 1970, None for the year 1: Go's zero time, which Alertmanager sends for "not ended"."""
    if time is None or time.year <= 1:
        return None
    if time.tzinfo is None:
        time = time.replace(tzinfo=datetime.UTC)
    return int(time.timestamp() * 1000)


def _fingerprint(labels: dict[str, str]) -> str:
    """A stand-in where a sender leaves the fingerprint out: the labels themselves, in order."""
    return _short(msgspec.json.encode(sorted(labels.items())).decode())


def _short(name: str) -> str:
    """What something is known by, no longer than an index takes; the end of a longer one is a hash of it."""
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[:LONGEST_NAME - 65]}…{hashlib.sha256(name.encode()).hexdigest()}"


def silence_of(listed: Mapping[str, Any]) -> dict[str, Any]:
    """A silence of `GET /api/v2/silences` as lists show it. `state` is active, pending or expired."""
    matchers = [_matcher(one) for one in listed.get("matchers", ())]
    return {"id": str(listed.get("id", "")), "state": str(listed.get("status", {}).get("state", "")),
            "match": matchers, "from": listed.get("startsAt", ""), "to": listed.get("endsAt", ""),
            "reason": str(listed.get("comment", "")), "by": str(listed.get("createdBy", ""))}


def _matcher(listed: Mapping[str, Any]) -> str:
    op = _OPERATORS[bool(listed.get("isEqual", True)), bool(listed.get("isRegex"))]  # isEqual is missing before 0.22
    return f"{listed.get('name')}{op}{json.dumps(listed.get('value', ''), ensure_ascii=False)}"


_OPERATORS = {(True, False): "=", (True, True): "=~", (False, False): "!=", (False, True): "!~"}

"""Values to test with: an incident of checkout, its alerts, and deliveries of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alertd.model import (
    MINUTE,
    Alert,
    AlertId,
    Delivery,
    DigestText,
    Incident,
    IncidentId,
    IncidentState,
    Kind,
    Notification,
    NotificationId,
    Outlet,
    Severity,
    State,
)

START = 1_795_442_580_000  # 2026-11-23 14:03:00 UTC
END = START + 23 * MINUTE
LABELS = {"alertname": "HighErrorRate", "service": "checkout", "environment": "production", "team": "payments",
          "instance": "node-7:9100", "severity": "critical"}
ANNOTATIONS = {"summary": "Checkout errors 4.2 %", "description": "One in 24 requests fails.",
               "runbook_url": "https://runbooks.example.com/errors?a=1&b=2",
               "dashboard_url": "https://grafana.example.com/d/checkout"}
LINK = "https://alertd.example.com/incidents/A1B2"
SILENCE = "http://am/#/silences/new?filter=%7Balertname%3D%22HighErrorRate%22%7D"

# What strangers may write into labels and annotations.
HOSTILE = (
    "<!channel>", "<!here>", "<@U1>", "<!subteam^S1>", "<https://evil.example|https://good.example>", "@here @channel",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "&lt;b&gt;", "a\r\nBcc: eve@example.com",
    "a\nb\x0bc\x0cd\x85e\u2028f\u2029g\x1eh", "{{7*7}}", "{% for x in y %}", "{0.__class__}", "%s%n",
    "x" * 1_000_000, "&" * 5_000, "nul\x00l", "\ud800lone\udfff", "\u202egnp.exe", "🔥" * 5_000, "", " ")


def alert(number: int = 1, *, firing: bool = True, labels: Mapping[str, str] | None = None,
          annotations: Mapping[str, str] | None = None) -> Alert:
    return Alert(
        AlertId(f"alert-{number}"), "http://am", f"{number:016x}", IncidentId("A1B2"), Severity.CRITICAL,
        LABELS if labels is None else labels, ANNOTATIONS if annotations is None else annotations, START, START,
        None if firing else END, None if firing else END)


def delivery(kind: Kind = Kind.FIRING, *, channel: str = "slack", target: str = "", style: str = "responder",
             severity: Severity = Severity.CRITICAL, alerts: tuple[Alert, ...] | None = None, key: str = "key-1",
             epoch: int = 1, epochs: tuple[int, ...] | None = None, root: Mapping[str, str] | None = None,
             ambiguous: bool = False, state: IncidentState | None = None, digest: DigestText | None = None,
             link: str | None = LINK, by: str | None = None, until: int | None = None, **counts: int) -> Delivery:
    ended = kind is Kind.RESOLVED
    alerts = (alert(firing=not ended),) if alerts is None else alerts
    firing = sum(one.firing for one in alerts)
    told = Notification(
        NotificationId("n-1"), key, None if digest else IncidentId("A1B2"), kind, severity, epoch,
        Outlet("on-call", channel, target), style, State.CLAIMED, "", START, START, ambiguous=ambiguous)
    incident = Incident(
        IncidentId("A1B2"), "group", "http://am", {"alertname": "HighErrorRate"}, severity, epoch, 1,
        state or (IncidentState.RESOLVED if ended else IncidentState.OPEN), START,
        acknowledged_at=None, resolved_at=END if ended else None, acknowledged_by=by, acknowledged_until=until)
    return Delivery(told, None if digest else incident, () if digest else alerts,
                    counts.get("firing", firing), counts.get("resolved", len(alerts) - firing), root,
                    epochs or (epoch,), link, digest)


def texts(value: Any) -> list[str]:
    """Every text within plain data, keys aside."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for inner in value.values() for text in texts(inner)]
    return [text for inner in value for text in texts(inner)] if isinstance(value, list | tuple) else []

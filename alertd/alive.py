"""alertd's own heartbeat: an alert that alertd makes up, which travels the whole chain and is told to nobody. Pure.

Its table has one receiver, whose channel hands every message straight back. No rule of routing.yaml touches it: no
maintenance window holds it, nothing inhibits it, and nobody else's alert can come by it.
"""

from __future__ import annotations

from alertd.heartbeats import SOURCE
from alertd.model import AlertState, Millis, Outlet, ReportedAlert, Webhook, WebhookId
from alertd.routing import Override, Receiver, Routing
from alertd.telling import fingerprint_of

NAME = "AlertdOwnHeartbeat"
RECEIVER = Receiver("(alertd itself)", (Outlet("(alertd itself)", "_loopback", ""),))
ROUTING = Routing({RECEIVER.name: RECEIVER}, {}, (Override((), (RECEIVER.name,)),), file="alertd")


def webhook(id: WebhookId, beat: str, began_at: Millis, now: Millis, *, firing: bool) -> Webhook:
    """What it is told as: its start, or its end. Every `beat` is an alert of its own, since replicas beat too."""
    group = {"alertname": NAME, "beat": beat}
    alert = ReportedAlert(AlertState.FIRING if firing else AlertState.RESOLVED, fingerprint_of(NAME, beat),
                          {**group, "severity": "info"}, {"summary": "alertd tells itself that it works"}, began_at,
                          None if firing else now)
    return Webhook(id, SOURCE, NAME, group, (alert,), 0, now)

"""Values for tests: a webhook, an alert, a routing table, in one line each."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from alertd.model import AlertState, Outlet, ReportedAlert, Severity, Webhook, WebhookId
from alertd.routing import Receiver, Route, Routing

T0 = 1_800_000_000_000  # some moment in January 2027
_numbers = itertools.count()


def reported(name: str, status: str = "firing", *, start: int = 0, end: int | None = None, severity: str = "critical",
             **labels: str) -> ReportedAlert:
    """An alert as a webhook tells it; start and end are seconds after T0."""
    everything = {"alertname": "Broken", "instance": name, "severity": severity} | labels
    ends_at = None if status == "firing" else T0 + (end if end is not None else start + 60) * 1000
    return ReportedAlert(AlertState(status), name, everything, {"summary": f"{name} is broken"}, T0 + start * 1000,
                         ends_at)


def webhook(*alerts: ReportedAlert, group: dict[str, str] | None = None, source: str = "http://am-1", at: int = 0
            ) -> Webhook:
    """One message about one group, received `at` seconds after T0."""
    return Webhook(WebhookId(f"w{next(_numbers):010d}"), source, "{}:group", group or {"alertname": "Broken"},
                   tuple(alerts), 0, T0 + at * 1000)


def receiver(name: str, *channels: str, **more: object) -> Receiver:
    """A receiver with an outlet for each "channel" or "channel:target"."""
    outlets = tuple(Outlet(name, channel, target) for channel, _, target in (text.partition(":") for text in channels))
    return Receiver(name, outlets, **more)  # type: ignore[arg-type]  # the keywords are Receiver's own


def routing(receivers: Sequence[Receiver] = (), **more: object) -> Routing:
    """The production environment's table, or one with these receivers added or replaced."""
    everyone = {
        "on-call": receiver("on-call", "pagerduty"),
        "management": receiver("management", "email:boss@example.com", style="management"),
        "slack": receiver("slack", "slack:#alerts"),
        "platform-team": receiver("platform-team", "slack:#platform"),
        "daily-summary": receiver("daily-summary", "digest"),
    } | {one.name: one for one in receivers}
    routes = {
        Severity.CRITICAL: Route(("on-call", "management", "slack"), 11),
        Severity.WARNING: Route(("on-call", "platform-team"), 12),
        Severity.INFO: Route(("platform-team", "daily-summary"), 13),
    }
    return Routing(everyone, routes, **({"edits": frozenset({"slack"})} | more))  # type: ignore[arg-type]  # as above

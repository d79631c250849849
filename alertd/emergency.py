"""What is told of a webhook while nothing can be stored: critical incidents, straight to whom their receivers fall back
on. Pure.

Nothing is known of what was told before, so this is decided as if it were the first webhook there ever was. The
incident's id is its key: whichever process tells it names the same one, and PagerDuty makes one of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from alertd.incidents import Changes, Known, decide, keys_of
from alertd.messages import summary
from alertd.model import (
    Alert,
    AlertState,
    Delivery,
    Incident,
    IncidentId,
    IncidentState,
    Kind,
    Millis,
    Notification,
    Outlet,
    Severity,
    State,
    Webhook,
)
from alertd.routing import Receiver, Routing, severity_of, ways
from alertd.telling import DIGEST_CHANNEL, notification, place

MOST_ALERTS = 200  # of a webhook; a pager shows fewer, and this runs where everything else waits for it
MARK = "alertd's store is away"
OVER = "alertd's store is back: told anew if it still burns"


def names(webhook: Webhook, routing: Routing) -> set[str]:
    """By what its incidents are known here."""
    return keys_of(webhook, routing)


def ended(webhook: Webhook) -> bool:
    """Whether it says that everything in it is over."""
    return all(alert.state is AlertState.RESOLVED for alert in webhook.alerts)


def starts(webhook: Webhook, routing: Routing, now: Millis) -> dict[str, list[Delivery]]:
    """What is told of its critical incidents, by their keys; nothing of what maintenance holds."""
    critical = [alert for alert in webhook.alerts if severity_of(alert.labels, routing)[0] is Severity.CRITICAL]
    changes = decide(dataclasses.replace(webhook, alerts=tuple(critical[:MOST_ALERTS])), Known(), routing, now)
    found: dict[str, list[Delivery]] = {}
    for incident in changes.incidents:
        told = list(_deliveries(incident, changes, routing, now))
        if told and incident.severity is Severity.CRITICAL and incident.state is not IncidentState.RESOLVED:
            found[incident.key] = told
    return found


def end(delivery: Delivery, now: Millis) -> Delivery:
    """The end of what was told so: it is over, or told in the ordinary way from now on."""
    assert delivery.incident is not None  # `starts` tells of incidents only
    incident = dataclasses.replace(delivery.incident, state=IncidentState.RESOLVED, resolved_at=now, firing=0)
    alerts = tuple(dataclasses.replace(alert, ends_at=now, closed_at=now) for alert in delivery.alerts)
    row = delivery.notification
    row = notification(incident, Kind.RESOLVED, "", row.outlet, row.style, now, now)
    return dataclasses.replace(delivery, notification=row, incident=incident, alerts=_marked(alerts, OVER), firing=0,
                               resolved=len(alerts))


def _deliveries(incident: Incident, changes: Changes, routing: Routing, now: Millis) -> Iterator[Delivery]:
    alerts = tuple(alert for alert in changes.alerts if alert.firing and alert.incident == incident.id)
    known = dataclasses.replace(incident, id=IncidentId(incident.key))
    told = [row for row in changes.notifications if row.incident == incident.id and row.kind is Kind.FIRING
            and row.state is State.QUEUED]
    for outlet, receiver in _outlets(told, routing, now):
        row = notification(known, Kind.FIRING, str(known.epoch), outlet, receiver.style, now, now)
        yield Delivery(row, known, _marked(alerts, MARK), len(alerts))


def _outlets(rows: Iterable[Notification], routing: Routing, now: Millis) -> Iterator[tuple[Outlet, Receiver]]:
    """Each place once: those of the receivers' fallbacks, and of a receiver that has none its own."""
    seen: set[tuple[str, str]] = set()
    for name in dict.fromkeys(row.outlet.receiver for row in rows):
        receiver = routing.receivers[name]
        other = routing.receivers.get(receiver.fallback or "", receiver)
        for outlet, owner in ways(other, routing, now, (name,)).outlets:
            if outlet.channel != DIGEST_CHANNEL and place(outlet) not in seen:
                seen.add(place(outlet))
                yield outlet, owner


def _marked(alerts: Iterable[Alert], mark: str) -> tuple[Alert, ...]:
    return tuple(dataclasses.replace(alert, annotations={
        **alert.annotations, "summary": f"[{mark}] {summary(alert).removeprefix(f'[{MARK}] ')}"}) for alert in alerts)

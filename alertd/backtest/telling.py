"""Who would have been told of these episodes: grouped as Alertmanager groups, decided as the daemon decides."""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Iterable, Sequence

from alertd.backtest.firing import Episode
from alertd.incidents import Known, decide
from alertd.model import (
    MINUTE,
    SECOND,
    AlertState,
    Kind,
    Millis,
    Notification,
    ReportedAlert,
    State,
    Webhook,
    WebhookId,
)
from alertd.routing import Routing
from alertd.schedule import Windows
from alertd.telling import fingerprint_of

SOURCE = "backtest"


@dataclasses.dataclass(frozen=True, slots=True)
class Grouping:
    """Alertmanager's route: https://prometheus.io/docs/alerting/latest/configuration/#route"""

    by: tuple[str, ...] = ("alertname", "service")
    wait: Millis = 10 * SECOND
    interval: Millis = MINUTE


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """One message to one receiver by one channel: what kind, when, and about alerts of which names."""

    receiver: str
    channel: str
    kind: Kind
    at: Millis
    alerts: tuple[str, ...]


def told(episodes: Sequence[Episode], routing: Routing, grouping: Grouping) -> list[Told]:
    """Every message that would have been sent, in the order of time; each arrives."""
    # What only time would tell is left out: holding would lose what it held, since nothing here makes time pass.
    routing = dataclasses.replace(routing, windows=Windows(), flapping=None)
    groups: dict[tuple[str, ...], list[Episode]] = {}
    for episode in episodes:
        groups.setdefault(tuple(episode.labels.get(label, "") for label in grouping.by), []).append(episode)
    known, names = Known(), dict[str, set[str]]()
    rows: dict[str, Notification] = {}
    streams = [_webhooks(key, group, grouping) for key, group in groups.items()]
    for number, webhook in enumerate(heapq.merge(*streams, key=lambda webhook: webhook.received_at)):
        now = webhook.received_at
        _sent(known, now)
        changes = decide(dataclasses.replace(webhook, id=WebhookId(f"{number}")), known, routing, now)
        known.apply(changes)
        for alert in changes.alerts:
            names.setdefault(alert.incident or "", set()).add(alert.labels.get("alertname", ""))
        rows |= {row.id: row for row in (*changes.notifications, *changes.superseded)}
    return sorted((Told(row.outlet.receiver, row.outlet.channel, row.kind, row.next_at,
                        tuple(sorted(names.get(row.incident or "", ()))))
                   for row in rows.values() if row.state is not State.SUPERSEDED),
                  key=lambda each: (each.at, each.receiver, each.channel, each.kind))


def _sent(known: Known, now: Millis) -> None:
    """What was due by now has arrived."""
    for rows in known.notifications.values():
        rows[:] = [dataclasses.replace(row, state=State.SENT) if row.state is State.QUEUED and row.next_at <= now
                   else row for row in rows]


def _webhooks(key: tuple[str, ...], episodes: Iterable[Episode], grouping: Grouping) -> list[Webhook]:
    """What Alertmanager sends about one group: its firing alerts, and those that ended since the message before."""
    waiting = sorted(episodes, key=lambda episode: episode.start)
    times = sorted({at for each in waiting for at in (each.start, each.end) if at is not None})
    webhooks: list[Webhook] = []
    last: Millis | None = None
    active: list[Episode] = []
    for at in times:
        if last is not None and at <= last:
            continue  # told already
        now = at + grouping.wait if not active else _next(last or at, at, grouping.interval)
        before = last if last is not None else -1
        seen = [each for each in waiting if each.start <= now and (each.end is None or each.end > before)]
        active = [each for each in seen if each.end is None or each.end > now]
        ended = [each for each in seen if each not in active]
        alerts = (*(_reported(each, None) for each in active), *(_reported(each, each.end) for each in ended))
        labels = dict(zip(grouping.by, key, strict=True))
        webhooks.append(Webhook(WebhookId(""), SOURCE, "\x00".join(key), labels, alerts, 0, now))
        last = now
    return webhooks


def _next(last: Millis, at: Millis, interval: Millis) -> Millis:
    """The first of the group's turns, one each `interval` after the last message, that is not before `at`."""
    return last + -(-(at - last) // interval) * interval


def _reported(episode: Episode, end: Millis | None) -> ReportedAlert:
    fingerprint = fingerprint_of(*(part for pair in sorted(episode.labels.items()) for part in pair))
    state = AlertState.FIRING if end is None else AlertState.RESOLVED
    return ReportedAlert(state, fingerprint, episode.labels, {}, episode.start, end)

"""A dead man's switch: an alert that always fires says that the way from its source to alertd works. Pure.

Where it falls silent, nothing else from that source would come either. So silence opens an incident of its own, which
ends when the heart beats again.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping

from alertd.model import AlertState, Incident, Millis, ReportedAlert, Webhook, WebhookId
from alertd.routing import Heartbeat, Override, Routing
from alertd.telling import fingerprint_of
from alertd.times import duration

SOURCE = "alertd"  # of incidents that no Alertmanager told of
NAME = "HeartbeatSilent"


@dataclasses.dataclass(frozen=True, slots=True)
class Pulse:
    """The last beat of one heartbeat at one source; `matchers` as they are written. `silent_since` is the beat after
    which silence was told, None while it beats."""

    matchers: str
    source: str
    beat_at: Millis
    silent_since: Millis | None = None


def matchers_of(heartbeat: Heartbeat) -> str:
    """What a heartbeat is known by."""
    return ", ".join(map(str, heartbeat.matchers))


def beats(webhook: Webhook, routing: Routing) -> Iterator[str]:
    """The heartbeats that this webhook is a beat of, by their matchers."""
    for heartbeat in routing.heartbeats:
        if any(alert.state is AlertState.FIRING and all(matcher.matches(alert.labels) for matcher in heartbeat.matchers)
               for alert in webhook.alerts):
            yield matchers_of(heartbeat)


def judge(pulses: Iterable[Pulse], routing: Routing, awake_since: Millis, now: Millis
          ) -> Iterator[tuple[Pulse, Heartbeat | None]]:
    """The pulses that changed, in their new state, each with its heartbeat (None: routing.yaml no longer has it).

    Nothing came while alertd itself was away, so silence counts from `awake_since` at the earliest.
    """
    known: Mapping[str, Heartbeat] = {matchers_of(heartbeat): heartbeat for heartbeat in routing.heartbeats}
    for pulse in pulses:
        heartbeat = known.get(pulse.matchers)
        silent = heartbeat is not None and now - max(pulse.beat_at, awake_since) > heartbeat.every
        if silent and pulse.silent_since is None:
            yield dataclasses.replace(pulse, silent_since=pulse.beat_at), heartbeat
        elif not silent and pulse.silent_since is not None:
            yield dataclasses.replace(pulse, silent_since=None), heartbeat


def report(pulse: Pulse, heartbeat: Heartbeat | None, id: WebhookId, now: Millis) -> Webhook:
    """What a webhook about it would say: silence fires, a beat or the end of the watch resolves."""
    firing = pulse.silent_since is not None
    labels = {"alertname": NAME, "severity": "critical", "heartbeat": pulse.matchers, "source": pulse.source}
    every = f" They should every {duration(heartbeat.every)}." if heartbeat else ""
    annotations = {
        "summary": f"No heartbeat from {pulse.source}",
        "description": f"Alerts with {pulse.matchers} stopped coming.{every} Prometheus, Alertmanager or the way "
                       "between them and alertd does not work, so nothing else would come from there either.",
    }
    state = AlertState.FIRING if firing else AlertState.RESOLVED
    alert = ReportedAlert(state, fingerprint_of(NAME, pulse.matchers, pulse.source), labels, annotations,
                          now if firing else pulse.beat_at, None if firing else now)
    group = {name: labels[name] for name in ("alertname", "heartbeat", "source")}
    return Webhook(id, SOURCE, json.dumps(group, sort_keys=True), group, (alert,), 0, now)


def table_for(incident: Incident, routing: Routing) -> Routing:
    """The table for an incident, of silence or of anything else."""
    if incident.source != SOURCE:
        return routing
    return routing_for(next((heartbeat for heartbeat in routing.heartbeats
                             if matchers_of(heartbeat) == incident.labels.get("heartbeat")), None), routing)


def routing_for(heartbeat: Heartbeat | None, routing: Routing) -> Routing:
    """The table for an incident of silence: its receivers and nobody else, whatever the other rules say."""
    if heartbeat is None:
        return routing  # only an end is told then, to whoever was told of the start
    alone = Override((), heartbeat.receivers, heartbeat.line)
    return dataclasses.replace(routing, overrides=(alone,), incident_by=None, escalation={})

"""A store on a very bad day: many incidents that nobody takes care of, many objectives with a month of counts."""

from __future__ import annotations

import json
import time

from sqlalchemy import Connection, insert

from alertd.model import DAY, HOUR, MINUTE
from alertd.store import schema

SEVERITIES = ("critical", "warning", "info")


def crowd(connection: Connection, incidents: int, slos: int, *, hours: int) -> None:
    """Fill the tables; each incident has three alerts, two messages (one sent) and a decision."""
    now = time.time_ns() // 1_000_000
    labels = [{"alertname": f"Alert{number % 40}", "service": f"service-{number % 200}", "cluster": "eu-1",
               "severity": SEVERITIES[number % 3]} for number in range(incidents)]
    ids = [f"i{number:011}" for number in range(incidents)]
    if incidents:
        connection.execute(insert(schema.webhooks), [{
            "id": "w1", "received_at": now - MINUTE, "source": "http://am", "group_key": "{}", "alerts": 1,
            "truncated": 0, "result": "accepted", "reason": "", "raw": b""}])
        connection.execute(insert(schema.incidents), [{
            "id": id, "key": id, "source": "http://am", "labels": json.dumps(own), "severity": own["severity"],
            "epoch": 1, "revision": 1, "state": "open", "opened_at": now - number * MINUTE, "firing": 3,
            "alerts": 3, "escalated": 0} for number, (id, own) in enumerate(zip(ids, labels, strict=True))])
        connection.execute(insert(schema.alerts), [{
            "id": f"{id}.{part}", "source": "http://am", "fingerprint": f"{number:08}{part:08}", "incident": id,
            "severity": own["severity"], "labels": json.dumps(own | {"instance": f"node-{part}:9100"}),
            "annotations": json.dumps({"summary": f"{own['service']} answers slowly, part {part}",
                                       "runbook_url": "https://runbooks.example.com/slow"}),
            "starts_at": now - number * MINUTE, "newest_start": now - number * MINUTE, "generator_url": ""}
            for number, (id, own) in enumerate(zip(ids, labels, strict=True)) for part in range(3)])
        connection.execute(insert(schema.notifications), [{
            "id": f"n{number:06}{part}", "incident": id, "kind": "firing", "severity": own["severity"], "rank": 3,
            "epoch": 1, "receiver": ("on-call", "platform-team")[part], "channel": "log", "target": "",
            "style": "responder", "state": ("sent", "held")[part], "reason": "", "created_at": now - MINUTE,
            "next_at": now - MINUTE, "attempts": 1, "ambiguous": 0, "settled_at": (now, None)[part]}
            for number, (id, own) in enumerate(zip(ids, labels, strict=True)) for part in range(2)])
        connection.execute(insert(schema.decisions), [{
            "webhook": "w1", "incident": id, "at": now, "verdict": "opened as critical",
            "why": json.dumps(["routing.yaml:7 critical → on-call + platform-team"])} for id in ids])
    _objectives(connection, slos, hours, now)


def dead_letters(connection: Connection, count: int, state: str = "dead") -> list[str]:
    """Messages to Slack, each of an open incident with one alert, that were given up (or are in another state); their
    ids."""
    now = time.time_ns() // 1_000_000
    incidents = [f"{number:016x}-0" for number in range(1, count + 1)]
    labels = json.dumps({"alertname": "DeadLetter", "severity": "critical"})
    connection.execute(insert(schema.incidents), [{
        "id": id, "key": id, "source": "http://am", "labels": labels, "severity": "critical", "epoch": 1, "revision": 1,
        "state": "open", "opened_at": now, "firing": 1, "alerts": 1, "escalated": 0} for id in incidents])
    connection.execute(insert(schema.alerts), [{
        "id": f"{id}.0", "source": "http://am", "fingerprint": id[:16], "incident": id, "severity": "critical",
        "labels": labels, "annotations": "{}", "starts_at": now, "newest_start": now, "generator_url": ""}
        for id in incidents])
    connection.execute(insert(schema.notifications), [{
        "id": f"letter{number:08}", "incident": id, "kind": "firing", "severity": "critical", "rank": 3, "epoch": 1,
        "receiver": "slack", "channel": "slack", "target": "#alerts", "style": "responder", "state": state,
        "reason": "channel_not_found", "created_at": now, "next_at": now, "attempts": 1, "ambiguous": 0,
        "settled_at": now if state == "dead" else None} for number, id in enumerate(incidents)])
    return [f"letter{number:08}" for number in range(count)]


def _objectives(connection: Connection, slos: int, hours: int, now: int) -> None:
    hour = now // HOUR * HOUR
    if not slos:
        return
    connection.execute(insert(schema.slos), [{
        "service": f"service-{number:04}", "slo": "availability", "since": hour - 60 * DAY, "objective": "0.999",
        "length": 30 * DAY, "split": "[]"} for number in range(slos)])
    connection.execute(insert(schema.slo_series), [{
        "id": number + 1, "service": f"service-{number:04}", "slo": "availability", "labels": "{}",
        "known_until": now - MINUTE} for number in range(slos)])
    for back in range(hours, -1, -1):
        connection.execute(insert(schema.slo_hours), [{
            "hour": hour - back * HOUR, "series": number + 1, "events": 10_000.0,
            "bad": float(number % 14) if back % 5 == 0 else 0.0, "known": 1.0, "objective": 0.999, "excluded": 0.0,
            "excluded_events": 0.0, "excluded_bad": 0.0, "source": "rows"} for number in range(slos)])

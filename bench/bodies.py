"""The webhooks that are sent: Alertmanager's version 4, filled with what a Kubernetes cluster's alerts carry; and the
same alerts as a Prometheus hands them to Alertmanager."""

from __future__ import annotations

import json
from functools import cache

_START = "2026-11-23T14:03:00.123Z"
_END = "2026-11-23T14:09:00.123Z"
_NUMBER = "@number@@"  # nine characters, as many as the digits that replace it: every body of a kind is equally long
_SPREAD = 0x9E3779B97F4A7C15  # spreads the fingerprints over all 64 bits, as Prometheus' hashes are
_MASK = 2**64 - 1


@cache
def _template(alerts: int, status: str, severity: str, lean: bool, instances: bool) -> tuple[bytes, ...]:
    """The pieces of a body, between which the fingerprints go."""
    resolved = status == "resolved"
    common = {"alertname": "HighErrorRate", "cluster": "eu-1", "namespace": f"ns-{_NUMBER}", "severity": severity}
    told = []
    for index in range(alerts):
        labels = common | {"service": "checkout", "pod": f"checkout-7d9c5b8f6-{index:05d}", "team": "payments",
                           "prometheus": "monitoring/k8s"}
        if instances:
            labels["instance"] = f"checkout-{index:05d}.ns-{_NUMBER}:8080"
        if lean:
            told.append({"status": status, "labels": common | {"pod": f"checkout-{index:05d}"},
                         "annotations": {"summary": f"Errors in ns-{_NUMBER}"}, "startsAt": _START,
                         "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "@fingerprint@"})
            continue
        told.append({
            "status": status, "labels": labels,
            "annotations": {
                "summary": f"Checkout errors 4.2 % in ns-{_NUMBER}", "description": "One request in 24 fails. " * 6,
                "runbook_url": "https://runbooks.example.com/high-error-rate"},
            "startsAt": _START, "endsAt": _END if resolved else "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example.com:9090/graph?g0.expr=job%3Aerrors%3Arate5m+%3E+0.005&g0.tab=1",
            "fingerprint": "@fingerprint@",
        })
    group = {"alertname": "HighErrorRate", "namespace": f"ns-{_NUMBER}", "severity": severity}
    message = {
        "version": "4", "groupKey": f'{{}}:{{namespace="ns-{_NUMBER}"}}', "truncatedAlerts": 0, "status": status,
        "receiver": "alertd", "groupLabels": group, "commonLabels": common, "commonAnnotations": {},
        "externalURL": "http://alertmanager.example.com:9093", "alerts": told,
    }
    return tuple(json.dumps(message).encode().split(b"@fingerprint@"))


def body(number: int, alerts: int, status: str = "firing", severity: str = "critical", *, lean: bool = False,
         instances: bool = False) -> bytes:
    """The webhook of group `number` (below 10^9), whose alerts have fingerprints of their own, and instances of their
    own where that is asked for; about 800 bytes an alert, or 330 of a lean one, of which 10,000 keep below 4 MiB."""
    pieces = _template(alerts, status, severity, lean, instances)
    parts = [pieces[0]]
    for index in range(alerts):
        parts += b"%016x" % ((number * 16_411 + index + 1) * _SPREAD & _MASK), pieces[index + 1]
    return b"".join(parts).replace(_NUMBER.encode(), b"%09d" % number)


def posted(number: int, alerts: int, severity: str = "critical") -> bytes:
    """What makes an Alertmanager that groups by namespace tell of group `number`: its alerts, without what Alertmanager
    adds itself."""
    message = json.loads(body(number, alerts, severity=severity))
    return json.dumps([{"labels": alert["labels"], "annotations": alert["annotations"],
                        "generatorURL": alert["generatorURL"]} for alert in message["alerts"]]).encode()

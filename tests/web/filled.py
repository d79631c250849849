"""A daemon with a day's worth of everything: what burns, is taken care of, has ended, could not be delivered."""

from __future__ import annotations

import datetime
import json
import zlib
from collections.abc import Mapping

from tests.web.conftest import Site

ROUTING = """
defaults: {email: {smarthost: "127.0.0.1:9", from: alertd@example.com, require_tls: false}}
people:
  jane: {email: jane@example.com}
  omar: {email: omar@example.com}
rotas:
  primary: {people: [jane, omar], handover: "MON 09:00", timezone: Europe/Berlin}
receivers:
  on-call:       {log: {}}
  platform-team: {log: {}}
  management:    {style: management, log: {}}
  partner:       {webhook: {url: "http://127.0.0.1:9/hook"}}
  daily summary: {digest: {at: "08:00", timezone: Europe/Berlin, log: {}}}
routes:
  critical: on-call + management
  warning: on-call + platform-team
  info: platform-team + daily summary
overrides:
  - {match: ['service="partner"'], to: partner}
heartbeats:
  - {match: ['alertname="Watchdog"'], every: 2h, to: on-call}
maintenance:
  - {name: database upgrade, match: ['service="db"'], every: "SUN 02:00-04:00", timezone: Europe/Berlin}
"""


def told(name: str, severity: str, summary: str, *, status: str = "firing", ago: int = 5, service: str = "checkout",
         labels: Mapping[str, str] | None = None, annotations: Mapping[str, str] | None = None, instances: int = 1
         ) -> bytes:
    """A webhook about an alert that began so many minutes ago, and ended just now where it is resolved."""
    now = datetime.datetime.now(datetime.UTC)
    began = (now - datetime.timedelta(minutes=ago)).isoformat().replace("+00:00", "Z")
    group = {"alertname": name, "service": service}
    ended = "0001-01-01T00:00:00Z" if status == "firing" else now.isoformat().replace("+00:00", "Z")
    alerts = [{
        "status": status, "labels": group | {"severity": severity, "instance": f"node-{number}:9100"} | (labels or {}),
        "annotations": {"summary": summary, "description": "What it means, and for whom.",
                        "runbook_url": "https://runbooks.example.com/checkout",
                        "dashboard_url": "https://grafana.example.com/d/checkout"} | (annotations or {}),
        "startsAt": began, "endsAt": ended, "generatorURL": "http://prometheus/graph",
        "fingerprint": f"{zlib.crc32(f'{name}{service}{number}'.encode()):016x}",
    } for number in range(instances)]
    return json.dumps({
        "version": "4", "groupKey": f"{{}}:{{alertname=\"{name}\", service=\"{service}\"}}", "truncatedAlerts": 0,
        "status": status, "receiver": "alertd", "groupLabels": group, "commonLabels": {}, "commonAnnotations": {},
        "externalURL": "http://alertmanager.example.com", "alerts": alerts}).encode()


async def fill(site: Site) -> dict[str, str]:
    """Put it in; returns ids by what they are of."""
    site.config.write_text(ROUTING)
    async with site.http.post(f"{site.url}/-/reload") as answer:
        assert answer.status == 200, await answer.text()
    for name, severity, summary, more in (
        ("Watchdog", "none", "It beats", {}),
        ("HighErrorRate", "critical", "Checkout errors 4.2 % (objective 0.1 %)", {"ago": 23, "instances": 5}),
        ("HighResponseTime", "critical", "Search answers in 2.4 s", {"ago": 11, "service": "search"}),
        ("HighMemoryUtilization", "warning", "Memory of node-3 at 91 %", {"ago": 95, "service": "db"}),
        ("DiskFull", "info", "Disk of node-2 at 80 %", {"ago": 300, "service": "db"}),
        ("HighErrorRate", "warning", "Partner calls fail", {"ago": 4, "service": "partner"}),
        ("HighCPUUtilization", "warning", "CPU of node-7 at 96 %", {"ago": 40, "service": "batch"}),
    ):
        assert (await site.post(told(name, severity, summary, **more)))[0] == 200
    assert (await site.post(told("HighCPUUtilization", "warning", "CPU of node-7 at 96 %", status="resolved", ago=40,
                                 service="batch")))[0] == 200
    await site.post(b'{"not": "a webhook"}')
    items = (await site.json("/api/v1/incidents"))["items"]
    ids = {f"{row['labels']['alertname']} {row['labels']['service']}": row["id"] for row in items}
    async with site.http.post(f"{site.url}/api/v1/incidents/{ids['HighMemoryUtilization db']}/acknowledge",
                              data=b'{"by": "omar"}') as answer:
        assert answer.status == 200
    return ids

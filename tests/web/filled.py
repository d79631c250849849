"""A daemon with a day's worth of everything: what burns, is taken care of, has ended, could not be delivered."""

from __future__ import annotations

import datetime
import json
import time
import zlib
from collections.abc import Mapping

from sqlalchemy import create_engine, insert, update

from alertd.digest.model import BudgetLine, Digest, Section, Standing
from alertd.model import DAY, HOUR, MINUTE
from alertd.store import schema
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
        ("HighMemoryUtilization", "warning", "Memory of node-0 at 91 %", {"ago": 95, "service": "db"}),
        ("DiskFull", "info", "Disk of node-0 at 80 %", {"ago": 300, "service": "db"}),
        ("HighErrorRate", "warning", "Partner calls fail", {"ago": 4, "service": "partner"}),
        ("HighCPUUtilization", "warning", "CPU of node-0 at 96 %", {"ago": 40, "service": "batch"}),
    ):
        assert (await site.post(told(name, severity, summary, **more)))[0] == 200
    assert (await site.post(told("HighCPUUtilization", "warning", "CPU of node-0 at 96 %", status="resolved", ago=40,
                                 service="batch")))[0] == 200
    await site.post(b'{"not": "a webhook"}')
    items = (await site.json("/api/v1/incidents"))["items"]
    ids = {f"{row['labels']['alertname']} {row['labels']['service']}": row["id"] for row in items}
    async with site.http.post(f"{site.url}/api/v1/incidents/{ids['HighMemoryUtilization db']}/acknowledge",
                              data=b'{"by": "omar"}') as answer:
        assert answer.status == 200
    return ids


def count(site: Site) -> None:
    """A ledger of four objectives (in order, at risk, used up, unknown) over 30 days with a gap, a digest, and a
    message that could not be delivered; put in behind the daemon's back, as counting them would take a month."""
    now = time.time_ns() // 1_000_000
    hour, objective = now // HOUR * HOUR, 0.999
    engine = create_engine(f"sqlite:///{site.config.parent}/a.db")
    with engine.begin() as connection:
        for number, (service, daily) in enumerate((("search", 2), ("checkout", 21), ("payments", 40), ("batch", None))):
            connection.execute(insert(schema.slos), [{
                "service": service, "slo": "availability", "since": hour - 40 * DAY, "objective": str(objective),
                "length": 30 * DAY, "split": "[]", "ended_at": None}])
            if daily is None:
                continue
            connection.execute(insert(schema.slo_series), [{
                "id": number + 1, "service": service, "slo": "availability", "labels": "{}",
                "known_until": now - MINUTE}])
            connection.execute(insert(schema.slo_hours), [
                {"hour": hour - back * HOUR, "series": number + 1, "events": 1000.0,
                 "bad": daily * 2.0 if back % 48 == 7 else 0.0, "known": 1.0, "objective": objective, "excluded": 0.0,
                 "excluded_events": 0.0, "excluded_bad": 0.0, "source": "rows", "slots": None}
                for back in range(31 * 24) if not 200 < back < 212])
        kept = {"receiver": "daily summary", "text": "Still open", "data": ""}
        connection.execute(insert(schema.digests), [
            kept | {"date": "2026-11-25", "id": "d1", "made_at": now - DAY, "subject": summed_up().subject,
                    "data": summed_up().json()},
            kept | {"date": "2026-11-24", "id": "d0", "made_at": now - 2 * DAY,
                    "subject": "alertd daily 2026-11-24: 1 incident still open, 2 resolved"}])
        rows = schema.notifications
        connection.execute(update(rows).where(rows.c.receiver == "partner", rows.c.kind == "firing").values(
            state="dead", reason="404: no such hook", settled_at=now, lease=None, lease_until=None))
    engine.dispose()


def summed_up(text: str = "checkout") -> Digest:
    """A digest with something in each of its parts."""
    act = Section("Act today", (f"{text} availability: its budget is overspent by 12%",
                                "no runbook: DiskFull of db; add runbook_url to the rule"))
    budgets = (BudgetLine(f"{text} availability", "99.9 % of 30d", -0.12, -0.2, "exhausted", ""),
               BudgetLine("search latency", "95 % of month", 0.18, None, "at_risk", ""),
               BudgetLine("batch runs", "99 % of 30d", None, None, "unknown", f"nothing was counted: {text}"),
               BudgetLine("payments availability", "99.9 % of 30d", 0.71, 0.01, "ok", ""))
    sections = (Section("Pages", ("3 pages, 1 out of hours; the day before 1, usually 2",
                                  "acknowledged after 4 min, resolved after 31 min on average")),
                Section("Still open", (f"critical HighErrorRate (service={text}), Tue 24 Nov 23:10 CET, 01kmm8b2xq1v",
                                       f"  {text} errors 4.2 % (objective 0.1 %)", "  +4 more"), 2),
                Section("Not known", (f"1 of 4 budgets: {text}",)))
    return Digest("daily summary", "2026-11-25", "daily", f"alertd daily 2026-11-25: 3 pages, 2 SLOs at risk ({text})",
                  "3 pages, 2 more than the day before (a usual day has 2); 1 budget is spent; 1 incident still open.",
                  Standing.ATTENTION, act, budgets, 3, sections, "Tue 24 Nov 08:00 CET to Wed 25 Nov 08:00 CET",
                  "You get this because the receiver 'daily summary' of routing.yaml names this address.")

"""A flood of distinct alerts: every answer is 200 or 503, every critical incident is paged, everything is accounted
for, memory stays bounded, and afterwards nothing is left over."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from tests.flows.processes import House, until

SENDERS = 32
TEAMS = ("flood",) * 7 + ("shop", "search", "core")  # one of them makes most of it
STORM = "{over: 20, within: 4s, calm: 2s, summary: 5s}"
WAITING = "SELECT count(*) FROM notifications WHERE state IN ('queued', 'claimed')"
ALL_OVER = "SELECT count(*), sum(over_at IS NOT NULL AND revision = told) FROM storms"


@dataclasses.dataclass(frozen=True)
class Flood:
    """`alerts` distinct alerts, each an incident of its own, due within `seconds`; one of `critical` is critical."""

    alerts: int
    seconds: float
    critical: int

    def severity(self, number: int) -> str:
        return "critical" if number % self.critical == 0 else "warning" if number % 3 else "info"

    @property
    def pages(self) -> int:
        return -(-self.alerts // self.critical)

    def body(self, number: int, status: str) -> bytes:
        ends = "2026-11-23T22:10:00Z" if status == "resolved" else "0001-01-01T00:00:00Z"
        labels = {"alertname": "DiskFull", "instance": f"node-{number}", "severity": self.severity(number),
                  "team": TEAMS[number % len(TEAMS)]}
        return json.dumps({
            "version": "4", "groupKey": f'{{}}:{{instance="node-{number}"}}', "status": status, "receiver": "alertd",
            "groupLabels": {"alertname": "DiskFull", "instance": f"node-{number}"}, "commonLabels": labels,
            "commonAnnotations": {}, "externalURL": "http://alertmanager.example.com", "truncatedAlerts": 0,
            "alerts": [{
                "status": status, "labels": labels, "annotations": {"summary": f"The disk of node-{number} is full"},
                "startsAt": "2026-11-23T22:00:00Z", "endsAt": ends, "generatorURL": "", "fingerprint": f"{number:016x}",
            }],
        }).encode()


@dataclasses.dataclass
class Sent:
    """What came of the sending: answers by status, how long each took in seconds, and how long all of it."""

    answers: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    latencies: list[float] = dataclasses.field(default_factory=list)
    seconds: float = 0.0

    def percentile(self, share: float) -> float:
        return sorted(self.latencies)[int(share * (len(self.latencies) - 1))]


def route(house: House) -> None:
    (house.folder / "routing.yaml").write_text(f"""
defaults:
  pagerduty: {{url: {house.pagerduty.url}, routing_key: {"k" * 32}}}
  slack: {{api_url: {house.slack.api_url}, token: xoxb-test, rate: 20}}
  email: {{smarthost: "{house.smtp.url}", from: alertd@example.com, require_tls: false, rate: 20}}
receivers:
  on-call: {{pagerduty: {{}}}}
  slack: {{slack: {{channel: "#alerts"}}}}
  platform-team: {{slack: {{channel: "#platform"}}, email: {{to: [team@example.com]}}}}
  daily-summary: {{digest: {{at: "08:00", slack: {{channel: "#daily"}}}}}}
routes: {{critical: on-call + slack, warning: platform-team, info: slack + daily-summary}}
storm: {STORM}
""")


async def pour(house: House, flood: Flood, status: str) -> Sent:
    """Send all of it as it is due, each as Alertmanager does: after a 503 again."""
    sent, began, numbers = Sent(), time.monotonic(), iter(range(flood.alerts))

    async def send() -> None:
        for number in numbers:
            due = began + number * flood.seconds / flood.alerts
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            body, answer = flood.body(number, status), 0
            while answer != 200:
                asked = time.monotonic()
                async with house.session.post(f"{house.url}/webhook/alertmanager", data=body,
                                              headers={"Content-Type": "application/json"}) as response:
                    answer = response.status
                sent.answers[answer] += 1
                sent.latencies.append(time.monotonic() - asked)
                if answer == 503:
                    await asyncio.sleep(0.2)

    await asyncio.gather(*(send() for _ in range(SENDERS)))
    sent.seconds = time.monotonic() - began
    return sent


def memory(pid: int) -> dict[str, int]:
    """MiB that the process has, and had at most."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {name: int(lines[name].split()[0]) // 1024 for name in ("VmRSS", "VmHWM")}


def ask(house: House, query: str) -> list[Any]:
    with sqlite3.connect(f"file:{house.folder / 'alertd.db'}?mode=ro", uri=True) as store:
        return store.execute(query).fetchall()


async def drained(house: House, seconds: float) -> None:
    async def nothing_waits() -> bool:
        return await asyncio.to_thread(ask, house, WAITING) == [(0,)]

    await until(nothing_waits, "every notification has ended", seconds)


async def over(house: House, flood: Flood, most: int) -> None:
    """The whole of it: everything begins, everything ends, and the account is drawn up. `most` is the limit of memory,
    in MiB."""
    route(house)
    daemon = await house.start()
    idle = memory(daemon.pid)["VmRSS"]
    began = await pour(house, flood, "firing")
    await until(lambda: len(house.pagerduty.pages) == flood.pages, "every critical incident is paged", 120)
    status = json.loads(await house.text("/api/v1/status"))
    ended = await pour(house, flood, "resolved")
    await until(lambda: all(page.state == "resolved" for page in house.pagerduty.pages), "every page is closed", 300)

    async def said_over() -> bool:
        return await asyncio.to_thread(ask, house, ALL_OVER) == [(3, 3)]

    await until(said_over, "the three storms are over, and that was said", 120)
    await drained(house, 300)
    peak = memory(daemon.pid)
    report(flood, began, ended, idle, peak, house)

    for sent in (began, ended):
        assert set(sent.answers) <= {200, 503}
        assert sent.answers[200] == flood.alerts
    assert len(house.pagerduty.pages) == flood.pages
    assert {storm["receiver"] for storm in status["storms"]} == {"slack", "platform-team"}
    accounted_for(house, flood)
    assert peak["VmHWM"] < most


def storms_said(house: House) -> list[str]:
    """What the storms' messages say, in Slack as they stand."""
    roots = [root for name in ("platform", "alerts") for root in house.roots(name)]
    return [line for root in roots if "torm" in (line := str(root["text"]).partition("\n")[0])]


def accounted_for(house: House, flood: Flood) -> None:
    """Each incident has a start for each place that was to be told, and each start that was told has its end there;
    what was folded names its storm. In Slack stand what was told alone and the storms, and nothing is said twice."""
    everything = ask(house, "SELECT state, count(*) FROM notifications GROUP BY 1")
    assert {state for state, _ in everything} <= {"sent", "superseded", "folded", "held"}
    none(house, "notifications", "state = 'held' AND channel <> 'digest'")
    none(house, "notifications", "state <> 'sent' AND reason = ''")
    none(house, "notifications", "state = 'folded' AND (digest NOT LIKE 'storm-%' OR reason NOT LIKE '%storm-%')")
    none(house, "notifications", "kind = 'firing' AND severity = 'critical' AND state NOT IN ('sent', 'superseded')")
    none(house, "incidents", "state <> 'resolved'")
    starts = dict(ask(house, "SELECT receiver || ' ' || channel, count(DISTINCT incident) FROM notifications "
                             "WHERE kind = 'firing' GROUP BY 1"))
    severities = collections.Counter(flood.severity(number) for number in range(flood.alerts))
    assert starts == {
        "on-call pagerduty": severities["critical"], "slack slack": severities["critical"] + severities["info"],
        "platform-team slack": severities["warning"], "platform-team email": severities["warning"],
        "daily-summary digest": severities["info"]}
    none(house, "notifications AS start", """kind = 'firing' AND state IN ('sent', 'folded') AND channel <> 'digest'
         AND NOT EXISTS (SELECT 1 FROM notifications AS finish WHERE finish.incident = start.incident
         AND finish.kind = 'resolved' AND finish.receiver = start.receiver AND finish.channel = start.channel
         AND finish.state = start.state)""")
    assert [title for title in storms_said(house) if not title.endswith("all resolved")] == []
    told = collections.Counter(str(root["metadata"]["event_payload"]["id"]) for name in ("alerts", "platform")
                               for root in house.roots(name))
    assert set(told.values()) == {1}
    assert dict(everything)["folded"] > flood.alerts  # most starts, and as many ends


def none(house: House, table: str, where: str) -> None:
    assert ask(house, f"SELECT count(*) FROM {table} WHERE {where}") == [(0,)], where


def report(flood: Flood, began: Sent, ended: Sent, idle: int, peak: dict[str, int], house: House) -> None:
    """For whoever runs it with -s."""
    for name, sent in (("firing", began), ("resolved", ended)):
        print(f"{name}: {flood.alerts} in {sent.seconds:.0f} s, answers {dict(sent.answers)}, p50 "
              f"{sent.percentile(0.5) * 1000:.0f} ms, p99 {sent.percentile(0.99) * 1000:.0f} ms")
    print(f"memory: {idle} MiB idle, {peak['VmHWM']} at most, {peak['VmRSS']} at the end")
    print(f"pages {len(house.pagerduty.pages)}, mails {len(house.smtp.mails)}, Slack posts "
          f"{sum(len(house.slack.posted(name)) for name in ('alerts', 'platform'))}")
    for row in ask(house, "SELECT receiver, channel, kind, state, count(*) FROM notifications GROUP BY 1, 2, 3, 4"):
        print(*row)


@pytest.mark.timeout(120)
async def test_a_small_flood(house: House) -> None:
    """A thousand in four seconds."""
    await over(house, Flood(alerts=1_000, seconds=4, critical=50), most=250)


@pytest.mark.chaos
@pytest.mark.timeout(1_800)
async def test_fifty_thousand_within_a_minute(house: House) -> None:
    """Each an incident of its own, 500 of them critical."""
    await over(house, Flood(alerts=50_000, seconds=60, critical=100), most=700)

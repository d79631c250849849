"""Real Prometheus and Alertmanager before alertd. Skipped, not failed, where they are not installed."""

from __future__ import annotations

import datetime
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from alertd.demo import processes, scene
from alertd.demo.exporter import Exporter
from tests.flows.processes import House, until

PROMETHEUS, ALERTMANAGER = processes.find_prometheus(), processes.find_alertmanager()
pytestmark = pytest.mark.skipif(not (PROMETHEUS and ALERTMANAGER), reason="Prometheus or Alertmanager is missing")

RULE = {"alert": "MemoryFull", "for": "0s", "labels": {"severity": "critical"},
        "annotations": {"summary": "Memory of {{ $labels.job }} is full"},
        "expr": "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 0.25"}


class Alertmanager:
    """A real one before a house."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.port = processes.free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        assert ALERTMANAGER is not None
        folder = self.house.folder
        (folder / "alertmanager.yml").write_text(scene.alertmanager(f"{self.house.url}/webhook/alertmanager"))
        process = self.house.keep(processes.alertmanager(ALERTMANAGER, folder, self.port))
        await process.answers(f"{self.url}/-/ready")

    async def fire(self, *names: str, ended: bool = False) -> None:
        """What Prometheus posts for alerts of these names."""
        now = datetime.datetime.now(datetime.UTC)
        alerts = [{"labels": {"alertname": name, "severity": "critical"}, "annotations": {"summary": f"{name}!"},
                   "startsAt": (now - datetime.timedelta(minutes=1)).isoformat(),
                   "endsAt": (now if ended else now + datetime.timedelta(minutes=5)).isoformat()} for name in names]
        async with self.house.session.post(f"{self.url}/api/v2/alerts", json=alerts) as response:
            assert response.status == 200

    async def failures(self) -> float:
        """How many webhooks it could not deliver at one try."""
        async with self.house.session.get(f"{self.url}/metrics") as response:
            lines = (await response.text()).splitlines()
        name = 'alertmanager_notification_requests_failed_total{integration="webhook"}'
        return float(next(line for line in lines if line.startswith(name)).split()[-1])


@pytest.fixture
async def alertmanager(house: House) -> Alertmanager:
    real = Alertmanager(house)
    await real.start()
    return real


@pytest.fixture
async def exporter() -> AsyncIterator[Exporter]:
    exporter = Exporter()
    await exporter.start()
    yield exporter
    await exporter.stop()


def write_prometheus(folder: Path, target: int, alertmanager: int) -> None:
    (folder / "prometheus.yml").write_text(scene.prometheus(target=target, alertmanager=alertmanager))
    rules = folder / "rules/generated"
    rules.mkdir(parents=True)
    (rules / "memory.rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "memory", "rules": [RULE]}]}))


async def test_from_metric_to_people(house: House, alertmanager: Alertmanager, exporter: Exporter) -> None:
    """A metric that crosses its limit in Prometheus reaches pager, Slack and mail by way of Alertmanager, and so
    does its recovery."""
    assert PROMETHEUS is not None
    port = processes.free_port()
    write_prometheus(house.folder, exporter.port, alertmanager.port)
    await house.start()
    prometheus = house.keep(processes.prometheus(PROMETHEUS, house.folder, port))
    await prometheus.answers(f"http://127.0.0.1:{port}/-/ready")
    exporter.set(memory_used=0.9)
    await until(lambda: house.pagerduty.pages and house.roots() and house.smtp.mails, "everybody is told")
    page, = house.pagerduty.pages
    assert page.event["payload"]["summary"] == "CRITICAL: Memory of node is full"
    row = next(row for row in await house.settled() if row["channel"] == "pagerduty")
    arrived = house.pagerduty.received[0].at + time.time() * 1000 - time.monotonic() * 1000
    made = datetime.datetime.fromisoformat(row["created_at"]).timestamp() * 1000
    print(f"webhook to page: {arrived - made:.0f} ms")  # pytest -rP shows it
    exporter.set(memory_used=0.4)
    await until(lambda: page.state == "resolved" and len(house.smtp.mails) == 2
                and "resolved" in house.roots()[0]["text"].lower(), "everybody is told of the end")
    assert "resolved" in str(house.smtp.mails[1].message["Subject"]).lower()
    assert len(house.pagerduty.pages) == 1


async def test_alertmanager_before_alertd(house: House, alertmanager: Alertmanager) -> None:
    """What Alertmanager could not deliver while alertd was away arrives when it comes, and pages once."""
    await alertmanager.fire("Early")

    async def refused() -> bool:
        return await alertmanager.failures() >= 1

    await until(refused, "Alertmanager has tried in vain")
    await house.start()
    await until(lambda: house.pagerduty.pages, "the page has come")
    await house.settled()
    assert [page.triggers for page in house.pagerduty.pages] == [1]
    assert (len(house.roots()), len(house.smtp.mails)) == (1, 1)


async def test_restart_between_start_and_end(house: House, alertmanager: Alertmanager) -> None:
    """An end that Alertmanager tells only after alertd was killed and started again closes what the start opened."""
    daemon = await house.start()
    await alertmanager.fire("Broken")
    await until(lambda: house.pagerduty.pages, "the page has come")
    await house.settled()
    daemon.kill()
    await alertmanager.fire("Broken", ended=True)

    async def refused() -> bool:
        return await alertmanager.failures() >= 1

    await until(refused, "Alertmanager has tried in vain")
    await house.start()
    await until(lambda: house.pagerduty.pages[0].state == "resolved", "the page is closed")
    await house.settled()
    assert len(house.pagerduty.pages) == 1
    assert "resolved" in house.roots()[0]["text"].lower()


async def test_one_of_two_ends(house: House, alertmanager: Alertmanager) -> None:
    """A group of which one alert ends goes on; the incident ends with the other."""
    await house.start()
    body = [("Pair", {"instance": "a"}), ("Pair", {"instance": "b"})]
    now = datetime.datetime.now(datetime.UTC)
    later, before = now + datetime.timedelta(minutes=5), now - datetime.timedelta(minutes=1)

    async def post(ends: tuple[datetime.datetime, datetime.datetime]) -> None:
        alerts = [{"labels": {"alertname": name, "severity": "critical", **labels}, "startsAt": before.isoformat(),
                   "endsAt": end.isoformat()} for (name, labels), end in zip(body, ends, strict=True)]
        async with house.session.post(f"{alertmanager.url}/api/v2/alerts", json=alerts) as response:
            assert response.status == 200

    async def ended(number: int) -> bool:
        return len(await house.items("alerts?state=resolved")) == number

    await post((later, later))
    await until(lambda: house.pagerduty.pages, "the page has come")
    await post((now, later))
    await until(lambda: ended(1), "one alert has ended")
    assert [row["state"] for row in await house.items("incidents")] == ["open"]
    await post((now, now))
    await until(lambda: ended(2), "both have ended")
    await house.settled()
    assert [page.state for page in house.pagerduty.pages] == ["resolved"]

"""Several real Alertmanagers before one alertd, as one cluster or cut apart. Skipped, not failed, where there is none.
"""

from __future__ import annotations

import asyncio
import datetime
import itertools
from collections.abc import Iterable

import pytest

from alertd.demo import processes, scene
from alertd.demo.processes import Process
from tests.flows.processes import House, until
from tests.flows.test_chain import ALERTMANAGER

pytestmark = pytest.mark.skipif(not ALERTMANAGER, reason="Alertmanager is missing")

TURN = 0.5  # seconds that each peer waits for the one before it (--cluster.peer-timeout)
GROUPS = [f"Broken{number}" for number in range(4)]
CHANNELS = {"pagerduty", "email", "slack"}


class Peer:
    """One of several Alertmanagers, with an address, a store and an external URL of its own."""

    def __init__(self, house: House, number: int, others: Iterable[Peer]) -> None:
        assert ALERTMANAGER is not None
        self.house, self.port, self.gossip = house, processes.free_port(), processes.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: Process = house.keep(Process(f"peer {number}", [
            ALERTMANAGER, f"--config.file={house.folder / 'alertmanager.yml'}",
            f"--storage.path={house.folder / f'peer{number}'}", f"--web.listen-address=127.0.0.1:{self.port}",
            f"--web.external-url=http://peer{number}.example.com", f"--cluster.listen-address=127.0.0.1:{self.gossip}",
            f"--cluster.peer-timeout={TURN}s", "--cluster.gossip-interval=50ms", "--cluster.settle-timeout=10s",
            *(f"--cluster.peer=127.0.0.1:{other.gossip}" for other in others), "--log.level=warn",
        ], house.folder / f"peer{number}.log"))

    async def sees(self, peers: int) -> bool:
        """Whether its cluster has so many members and has settled: before that it tells nobody anything."""
        async with self.house.session.get(f"{self.url}/api/v2/status") as response:
            cluster = (await response.json())["cluster"]
        return cluster["status"] == "ready" and len(cluster["peers"]) == peers

    async def post(self, alerts: list[dict[str, object]]) -> None:
        async with self.house.session.post(f"{self.url}/api/v2/alerts", json=alerts) as response:
            assert response.status == 200

    async def told(self) -> float:
        """How many webhooks it has sent."""
        async with self.house.session.get(f"{self.url}/metrics") as response:
            lines = (await response.text()).splitlines()
        name = 'alertmanager_notifications_total{integration="webhook"}'
        return float(next(line for line in lines if line.startswith(name)).split()[-1])


async def started(house: House, *, linked: bool, many: int = 3) -> list[Peer]:
    """Peers that know each other, or as many that do not: a cluster whose network is cut."""
    (house.folder / "alertmanager.yml").write_text(scene.alertmanager(f"{house.url}/webhook/alertmanager"))
    peers: list[Peer] = []
    for number in range(many):
        peers.append(Peer(house, number, peers if linked else ()))
    for peer in peers:
        await peer.process.answers(f"{peer.url}/-/ready")
    for peer in peers:
        await until(lambda peer=peer: peer.sees(many if linked else 1), "the cluster has settled")
    return peers


class Prometheus:
    """What it posts to every peer: the same alerts with the same times."""

    def __init__(self) -> None:
        self.began = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=1)

    async def post(self, peers: Iterable[Peer], *instances: str, ended: bool = False) -> None:
        now = datetime.datetime.now(datetime.UTC)
        ends = now if ended else now + datetime.timedelta(minutes=5)
        alerts: list[dict[str, object]] = [
            {"labels": {"alertname": name, "instance": instance, "severity": "critical"},
             "annotations": {"summary": f"{name} on {instance}"}, "startsAt": self.began.isoformat(),
             "endsAt": ends.isoformat()} for name, instance in itertools.product(GROUPS, instances)]
        await asyncio.gather(*(peer.post(alerts) for peer in peers))


async def everybody_has_had_a_turn() -> None:
    """That a peer sends nothing more can only be waited for: the last one waits two turns, and all look every second
    (scene.alertmanager) whether there is news."""
    await asyncio.sleep(2 * TURN + 2)


async def told_once(house: House, *, changes: int = 0, ends: int = 0) -> None:
    """One incident for each group, one page and one Slack message, which follow its changes; one mail to management of
    its start and one of its end."""
    mails = (1 + ends) * len(GROUPS)  # Alertmanager counts a webhook before it is answered
    await until(lambda: len(house.smtp.mails) >= mails, "management has all its mails")
    rows = await house.settled()
    incidents = await house.items("incidents")
    assert sorted(row["labels"]["alertname"] for row in incidents) == GROUPS
    assert sorted(page.triggers for page in house.pagerduty.pages) == [1 + changes] * len(GROUPS)
    assert (len(house.roots()), len(house.smtp.mails)) == (len(GROUPS), mails)
    assert len(set(house.message_ids())) == len(house.smtp.mails)
    starts = sorted((row["incident"], row["channel"]) for row in rows if row["kind"] == "firing")
    assert starts == sorted(itertools.product((row["id"] for row in incidents), CHANNELS))


async def test_one_cluster_of_three(house: House) -> None:
    """Three peers tell the same groups, and one dies before the end: one message for each incident and channel, one
    of the second alert, one of the end."""
    peers = await started(house, linked=True)
    prometheus = Prometheus()
    await house.start()
    await prometheus.post(peers, "a")
    await until(lambda: len(house.pagerduty.pages) == len(GROUPS), "the pages have come")
    await prometheus.post(peers, "a", "b")
    await everybody_has_had_a_turn()
    await told_once(house, changes=1)
    assert len(await house.items("alerts")) == 2 * len(GROUPS)
    sender = max([(await peer.told(), number) for number, peer in enumerate(peers)])[1]
    peers.pop(sender).process.kill()
    await prometheus.post(peers, "a", "b", ended=True)
    await until(lambda: all(page.state == "resolved" for page in house.pagerduty.pages), "the pages are closed")
    await everybody_has_had_a_turn()
    await told_once(house, changes=1, ends=1)
    assert all("resolved" in root["text"].lower() for root in house.roots())


async def test_a_cluster_cut_apart(house: House) -> None:
    """Peers that do not hear of each other each tell everything, under their own addresses: the same as from one."""
    peers = await started(house, linked=False)
    prometheus = Prometheus()
    await house.start()

    async def all_told(number: int) -> bool:
        return all([await peer.told() >= number for peer in peers])

    await prometheus.post(peers, "a", "b")
    await until(lambda: all_told(len(GROUPS)), "every peer has told every start")
    await told_once(house)
    await prometheus.post(peers, "a", "b", ended=True)
    await until(lambda: all_told(2 * len(GROUPS)), "every peer has told every end")
    await told_once(house, ends=1)
    assert {page.state for page in house.pagerduty.pages} == {"resolved"}
    assert all("resolved" in root["text"].lower() for root in house.roots())
    assert len(await house.items("alerts")) == 2 * len(GROUPS)


async def test_each_peer_knows_another_alert(house: House) -> None:
    """Of two Prometheis each reaches one peer only: the group is one incident, and each of its alerts is told."""
    peers = await started(house, linked=True, many=2)
    house.more = tuple(word for peer in peers for word in ("--alertmanager", peer.url))
    await house.start()

    async def asked() -> bool:
        lines = (await house.text("/metrics")).splitlines()
        times = [line for line in lines if line.startswith("alertd_reconcile_last_success_timestamp_seconds{")]
        return len(times) == 2 and not any(line.endswith(" 0.0") for line in times)

    await until(asked, "both were asked who they are")
    prometheus = Prometheus()
    await prometheus.post(peers[:1], "a")
    await prometheus.post(peers[1:], "b")

    async def known() -> bool:
        return len(await house.items("alerts")) == 2 * len(GROUPS)

    await until(known, "each peer has told what it knows")
    await told_once(house, changes=1)

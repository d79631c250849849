"""Open alerts compared with what Alertmanager lists."""

import dataclasses
import datetime
import email.utils
import json
import zlib
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from alertd.engine.clock import Ids
from alertd.engine.metrics import Metrics
from alertd.engine.reconcile import Reconcile, shown
from alertd.model import HOUR
from alertd.store import reading, schema
from tests.bodies import body
from tests.engine.conftest import House
from tests.reports import T0

START = "2027-01-15T10:00:00.123Z"  # as tests.bodies has it, to the millisecond


def fingerprint(name: str) -> str:
    return zlib.crc32(name.encode()).to_bytes(8, "big").hex()


def listed(name: str, **status: list[str]) -> dict[str, Any]:
    """An alert of tests.bodies as the API of 0.25 lists it."""
    return {"fingerprint": fingerprint(name), "labels": {"alertname": "Broken", "instance": name}, "startsAt": START,
            "endsAt": "2027-01-15T10:05:00.000Z", "annotations": {}, "receivers": [{"name": "alertd"}],
            "status": {"state": "suppressed" if status else "active", "silencedBy": [], "inhibitedBy": []} | status}


class Fake:
    """An Alertmanager that lists what a test says. `age` is how long it has run, in milliseconds by its own clock,
    which is an hour behind."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.alerts: list[dict[str, Any]] = []
        self.age = HOUR
        self.peers: list[str] = []
        self.status = 200
        self.asked: dict[str, str] = {}
        self.url = ""

    async def list(self, request: web.Request) -> web.Response:
        self.asked = dict(request.query)
        return web.json_response(self.alerts, status=self.status)

    async def about(self, request: web.Request) -> web.Response:
        now = self.clock.now() - HOUR
        began = datetime.datetime.fromtimestamp((now - self.age) / 1000, datetime.UTC)
        return web.json_response({"uptime": began.isoformat(), "cluster": {"peers": [{"name": n} for n in self.peers]}},
                                 headers={"Date": email.utils.formatdate(now / 1000, usegmt=True)})


@dataclasses.dataclass
class Watch:
    house: House
    fakes: list[Fake]
    make: Callable[[int], Reconcile]  # for so many of the fakes; anew, it knows what the store does
    reconcile: Reconcile
    metrics: Metrics

    async def look(self, number: int = 1) -> None:
        for _ in range(number):
            await self.house.clock.advance(15)
            await self.reconcile.tick()

    async def rows(self, of: Any = reading.incidents) -> list[dict[str, Any]]:
        async with self.house.db.reader.connect() as connection:
            return (await of(connection, None, 100, None)).items

    async def state(self) -> str:
        row, = await self.rows()
        return str(row["state"])

    async def told(self) -> None:
        """One alert, and everybody told of it."""
        await self.house.intake.accept(body("a"))
        await self.house.until(lambda: len(self.house.script.sent) == 3)

        async def sent() -> bool:
            return set((await self.house.states()).values()) == {"sent"}

        await self.house.until(sent)

    def count(self, outcome: str) -> float:
        return self.metrics.registry.get_sample_value("alertd_reconciled_total", {"outcome": outcome}) or 0


@pytest.fixture
async def watch(house):
    fakes = [Fake(house.clock), Fake(house.clock)]
    servers = []
    for fake in fakes:
        app = web.Application()
        app.router.add_get("/api/v2/alerts", fake.list)
        app.router.add_get("/api/v2/status", fake.about)
        server = TestServer(app)
        await server.start_server()
        servers.append(server)
        fake.url = str(server.make_url(""))
    metrics = Metrics()
    async with aiohttp.ClientSession() as http:
        def make(number: int) -> Reconcile:
            return Reconcile([fake.url for fake in fakes[:number]], house.writer, house.db.reader, house.current,
                             house.clock, Ids(2), metrics, house.couriers.wake, http)

        yield Watch(house, fakes, make, make(1), metrics)
    for server in servers:
        await server.close()


async def test_what_is_no_longer_listed_has_ended(watch):
    """In two looks on end; whoever was told of the start is told of it, and the record says how it was found."""
    await watch.told()
    watch.fakes[0].alerts = [listed("a")]
    await watch.look(3)
    assert await watch.state() == "open"
    watch.fakes[0].alerts = []
    await watch.look()
    assert await watch.state() == "open"
    await watch.look()
    assert await watch.state() == "resolved"
    await watch.house.until(lambda: len(watch.house.script.sent) == 6)
    assert {(who, kind) for who, kind, _ in watch.house.script.sent[3:]} == {
        ("on-call", "resolved"), ("management", "resolved"), ("slack", "resolved")}
    assert watch.count("ended") == 1


async def test_an_end_that_was_found_is_kept_as_healed(watch):
    """With its reason in the incident's record."""
    await watch.told()
    await watch.look(3)
    async with watch.house.db.reader.connect() as connection:
        results = [row.result for row in await connection.execute(
            schema.webhooks.select().order_by(schema.webhooks.c.id))]
        row, = (await reading.incidents(connection, None, 10, None)).items
        story = await reading.incident(connection, row["id"])
    assert results == ["accepted", "healed"]
    assert "no longer lists it (2 looks, 15 s apart)" in story["decisions"][-1]["why"][0]


async def test_an_alertmanager_that_does_not_answer_ends_nothing(watch):
    """Unknown is not ended; and after the gap it takes two looks again."""
    await watch.told()
    await watch.look()
    watch.fakes[0].status = 500
    await watch.look(10)
    assert await watch.state() == "open"
    watch.fakes[0].status = 200
    await watch.look()
    assert await watch.state() == "open"


async def test_a_young_alertmanager_ends_nothing_it_may_not_have_heard_of(watch):
    """After a restart it lists nothing until Prometheus has sent everything again."""
    await watch.told()
    watch.fakes[0].age = 10_000
    await watch.look(4)
    assert await watch.state() == "open"
    watch.fakes[0].age = 200_000
    await watch.look(2)
    assert await watch.state() == "resolved"


async def test_a_silenced_alert_stays_open_and_is_shown(watch):
    """By what it is kept quiet stands with the alert, and why in the record; nobody is told."""
    await watch.told()
    watch.fakes[0].alerts = [listed("a", silencedBy=["b0b"])]
    await watch.look(3)
    row, = await watch.rows(reading.alerts)
    assert (row["state"], row["muted"]) == ("firing", "silenced by b0b")
    watch.fakes[0].alerts = [listed("a")]
    await watch.look()
    row, = await watch.rows(reading.alerts)
    assert (row["muted"], len(watch.house.script.sent)) == (None, 3)
    assert (watch.count("muted"), watch.count("unmuted"), watch.count("ended")) == (1, 1, 0)


async def test_a_silenced_alert_that_ends_is_told_as_ended(watch):
    """Alertmanager itself never says it."""
    await watch.told()
    watch.fakes[0].alerts = [listed("a", silencedBy=["b0b"])]
    await watch.look()
    watch.fakes[0].alerts = []
    await watch.look(2)
    await watch.house.until(lambda: len(watch.house.script.sent) == 6)


async def test_of_two_peers_one_that_lists_it_is_enough(watch):
    """An alert that any peer lists fires."""
    watch.reconcile = watch.make(2)
    for fake in watch.fakes:
        fake.peers, fake.alerts = ["one", "two"], [listed("a")]
    await watch.told()
    await watch.look()
    watch.fakes[0].alerts = []
    await watch.look(4)
    assert await watch.state() == "open"
    watch.fakes[1].alerts = []
    await watch.look(2)
    assert await watch.state() == "resolved"
    assert watch.count("ended") == 1


async def test_peers_that_know_different_alerts_open_one_incident(watch):
    """Each under its own external URL, from the first look on, and after a restart while nobody answers."""
    watch.reconcile = watch.make(2)
    for fake in watch.fakes:
        fake.peers = ["one", "two"]
    await watch.look()
    for fake in watch.fakes:
        fake.status = 500
    watch.reconcile = watch.make(2)
    await watch.look()
    for name in ("a", "b"):
        await watch.house.intake.accept(body(name, externalURL=f"http://{name}.example.com"))
    assert len(await watch.rows()) == 1


async def test_a_stranger_with_the_same_group_opens_its_own(watch):
    """As soon as every peer was asked and lists none of its alerts."""
    watch.reconcile = watch.make(2)
    for fake in watch.fakes:
        fake.peers, fake.alerts = ["one", "two"], [listed("a")]
    await watch.told()
    await watch.house.intake.accept(body("x", group={"n": "1"}, externalURL="http://stranger"))
    await watch.look()
    await watch.house.intake.accept(body("b", externalURL="http://stranger"))
    assert len(await watch.rows()) == 3


async def test_what_an_alertmanager_has_listed_is_remembered(watch):
    """Over a restart: which address speaks for which source is kept."""
    watch.reconcile = watch.make(2)
    watch.fakes[1].alerts = [listed("a")]
    await watch.told()
    await watch.look()
    watch.reconcile = watch.make(2)
    watch.fakes[1].alerts = []
    await watch.look(2)
    assert await watch.state() == "resolved"


async def test_an_alert_nobody_speaks_for_is_left_alone(watch):
    """Of two Alertmanagers that have never listed it neither may be its own."""
    watch.reconcile = watch.make(2)
    await watch.told()
    await watch.look(5)
    assert await watch.state() == "open"
    assert watch.metrics.registry.get_sample_value("alertd_reconcile_unmatched") == 1


async def test_a_webhook_under_way_overtakes_the_look(watch, monkeypatch):
    """An alert that fires anew between the look and the commit is not ended."""
    await watch.told()
    await watch.look()
    submit = watch.house.writer.submit

    async def late(handler, item):
        if handler.__name__ == "_heal":
            await watch.house.intake.accept(body("a", minute=1))
        return await submit(handler, item)

    monkeypatch.setattr(watch.house.writer, "submit", late)
    await watch.look()
    assert (await watch.state(), watch.count("overtaken"), watch.count("ended")) == ("open", 1, 0)


async def test_every_alert_is_asked_for(watch):
    """Muted ones too."""
    await watch.look()
    assert watch.fakes[0].asked == dict.fromkeys(("active", "silenced", "inhibited", "unprocessed"), "true")
    seen = watch.metrics.registry.get_sample_value("alertd_reconcile_last_success_timestamp_seconds",
                                                   {"alertmanager": shown(watch.fakes[0].url)})
    assert seen == T0 / 1000 + 15


def test_a_password_in_an_address_is_not_shown():
    """It would stand in the log, the metrics and the store."""
    assert shown("https://bob:secret@am.example.com:9093/prefix/") == "https://am.example.com:9093/prefix"


def test_bodies_agree():
    """The list made here is about the alert that the webhook made there tells."""
    alert, = json.loads(body("a"))["alerts"]
    assert (alert["fingerprint"], alert["startsAt"][:23]) == (fingerprint("a"), START[:23])

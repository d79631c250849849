"""alertd's own heartbeat, on a real store and with a real address that listens."""

import asyncio
import dataclasses

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import func, select

from alertd import alive, channels
from alertd.config.alive import Beat
from alertd.config.secret import Secret
from alertd.engine.alive import Alive
from alertd.engine.clock import Ids
from alertd.engine.metrics import Metrics
from alertd.matchers import parse_all
from alertd.model import HOUR
from alertd.schedule import Once, Window, Windows
from alertd.store import schema
from tests.engine.conftest import Told, file_for
from tests.reports import T0


class Listening:
    """Somebody outside: the requests that came, and what they are answered."""

    def __init__(self):
        self.came = []
        self.status = 200

    async def answer(self, request):
        self.came.append((request.method, request.path))
        return web.Response(status=self.status)


@pytest.fixture
async def outside():
    listening = Listening()
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", listening.answer)
    async with TestServer(app) as server:
        listening.url = str(server.make_url("/beat/secret"))
        yield listening


@pytest.fixture
def file():
    """A table in which everything is held by maintenance, which must not hold this."""
    file = file_for(windows=Windows([Window("all", parse_all('alertname=~".+"'), Once(T0 - HOUR, T0 + 9 * HOUR))]))
    own = alive.RECEIVER
    return dataclasses.replace(file, settings={**file.settings, (own.name, "_loopback"): Told(name="own")},
                               routing=dataclasses.replace(file.routing, receivers={
                                   **file.routing.receivers, own.name: own}))


@pytest.fixture
async def beating(house, outside):
    house.current.file = dataclasses.replace(house.current.file, beat=Beat(Secret(outside.url), 20_000, "POST"))
    metrics = Metrics()
    async with aiohttp.ClientSession() as http:
        one = Alive(house.intake, house.writer, house.db.reader, house.current, house.clock, Ids(3), metrics, http)
        one.metrics = metrics
        yield one


async def left(house):
    """How many rows there are, in all tables that a webhook fills."""
    async with house.db.reader.connect() as connection:
        return [(await connection.execute(select(func.count()).select_from(table))).scalar() for table in (
            schema.webhooks, schema.alerts, schema.incidents, schema.notifications, schema.attempts, schema.decisions)]


async def settled(house):
    return (await left(house))[4] == 1


async def test_a_beat_goes_out_once_its_alert_came_through(house, outside, beating):
    """Start and end travelled by the couriers; nobody is told, and nothing is left."""
    await beating.tick()
    assert outside.came == [("POST", "/beat/secret")]
    assert [sent[:2] for sent in house.script.sent] == [("(alertd itself)", "firing"), ("(alertd itself)", "resolved")]
    assert await left(house) == [0] * 6
    assert house.current.own_problem is None
    assert beating.metrics.registry.get_sample_value(
        "alertd_heartbeat_out_last_success_timestamp_seconds") == house.clock.now() / 1000


async def test_it_beats_once_a_period(house, outside, beating):
    """However often it is asked."""
    for _ in range(3):
        await beating.tick()
    assert len(outside.came) == 1
    await house.clock.advance(20)
    await beating.tick()
    assert len(outside.came) == 2


async def test_no_beat_goes_out_while_messages_do_not_leave(house, outside, beating):
    """The first page and the metrics say where it got stuck; it beats again once they do."""
    hang = asyncio.Event()
    quick = dataclasses.replace(house.current.file.beat, every=3_000)
    house.current.file, patient = dataclasses.replace(house.current.file, beat=quick), house.current.file
    house.script.plan.append(hang)
    await beating.tick()
    assert outside.came == []
    assert house.current.own_problem == "its firing is stored, and not delivered"
    assert beating.metrics.registry.get_sample_value("alertd_heartbeat_out_failures_total") == 1
    assert (await left(house))[:4] == [0] * 4
    hang.set()
    house.current.file = patient
    await house.clock.advance(20)
    await beating.tick()
    assert (len(outside.came), house.current.own_problem) == (1, None)


async def test_no_beat_goes_out_while_the_store_takes_nothing(house, outside, beating, monkeypatch):
    """It is said which step failed."""
    monkeypatch.setattr(type(house.writer), "backlog", property(lambda _: 10**6))
    await beating.tick()
    assert outside.came == []
    assert house.current.own_problem.startswith("its firing is not stored (")


async def test_an_address_that_says_no_is_shown_without_its_secret(house, outside, beating):
    """A beat that nobody took did not go out."""
    outside.status = 500
    await beating.tick()
    assert house.current.own_problem == (
        "its alert arrived, and its address does not take the beat (it answered 500)")


async def test_what_a_crash_left_is_taken_out_at_the_next_start(house, outside, beating):
    """The first look of a new process finds it."""
    now = house.clock.now()
    await house.intake.accept_own(alive.webhook(Ids(4).next(now), "b", now, now, firing=True), alive.ROUTING)
    await house.until(lambda: settled(house))
    await house.clock.advance(20)
    await beating.tick()
    assert await left(house) == [0] * 6


async def test_the_loopback_takes_what_comes():
    """And no receiver of routing.yaml can name it."""
    assert "_loopback" not in channels.names()
    channel = channels.load("_loopback")
    assert (await channel.send(None, channel.Settings(), None)).detail == "came back"

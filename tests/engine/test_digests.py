"""Digests go out once per local date."""

import dataclasses
import datetime
from zoneinfo import ZoneInfo

import pytest

from alertd.config.receivers import Digest
from alertd.config.routing_file import RoutingFile
from alertd.digest.model import Standing
from alertd.engine.acts import Outcome, Person
from alertd.engine.digests import Digests
from alertd.engine.metrics import Metrics
from alertd.heartbeats import Pulse
from alertd.matchers import parse
from alertd.model import HOUR, Outlet
from alertd.routing import Heartbeat
from alertd.schedule import Once, Window, Windows
from alertd.store import pulses, reading
from tests.bodies import body
from tests.engine.conftest import Told, file_for, receiver

BERLIN = ZoneInfo("Europe/Berlin")


def with_digest() -> RoutingFile:
    file = file_for()
    outlet = Outlet("daily-summary", "email", "sre@example.com")
    plan = Digest("daily-summary", datetime.time(8), BERLIN, (outlet,), {"email": Told(name="mail")})
    return RoutingFile(file.routing, file.settings, {"daily-summary": plan})


@pytest.fixture
def digests(house):
    return Digests(house.writer, house.db.reader, house.current, house.clock, Metrics(), house.couriers.wake)


def to(text: str, house) -> float:
    """Seconds from now to a moment in Berlin."""
    moment = datetime.datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()
    return moment - house.clock.now() / 1000


async def sent(house) -> int:
    return sum(kind == "digest" for _, kind, _ in house.script.sent)


pytestmark = pytest.mark.parametrize("file", [with_digest()], indirect=True)


async def test_what_was_held_is_folded_and_sent(house, digests):
    """At its hour, the day after alertd began."""
    await digests.tick()
    await house.intake.accept(body("a", severity="info"))
    await house.clock.advance(to("2027-01-16T08:00:00", house))
    await digests.tick()
    await house.until(lambda: sent(house))
    assert (await house.states())["daily-summary", "firing"] == "folded"


async def test_a_new_installation_owes_no_digest(house, digests):
    """Of a day before it existed."""
    await digests.tick()
    await digests.tick()
    assert await sent(house) == 0


async def test_one_digest_per_date_however_often_it_is_asked(house, digests):
    """Restarts, replicas and clock steps make no second one."""
    await digests.tick()
    await house.clock.advance(to("2027-01-16T08:00:00", house))
    for _ in range(3):
        await digests.tick()
    await house.clock.advance(-3600)
    await digests.tick()
    await house.clock.advance(2 * 3600)
    await digests.tick()
    await house.until(lambda: sent(house))
    assert await sent(house) == 1


async def test_after_downtime_it_comes_late_and_once(house, digests):
    """Three days away are one digest."""
    await digests.tick()
    await house.clock.advance(to("2027-01-19T13:00:00", house))
    await digests.tick()
    await digests.tick()
    await house.until(lambda: sent(house))
    assert await sent(house) == 1


async def test_a_quiet_day_is_told_too(house, digests):
    """Silence could mean that alertd is gone."""
    await digests.tick()
    await house.clock.advance(to("2027-01-17T08:00:00", house))
    await digests.tick()
    await house.until(lambda: sent(house))


async def test_what_maintenance_holds_is_not_folded(house, digests):
    """It waits for the end of its window, though its receiver has a digest as well."""
    window = Window("upgrade", (), Once(house.clock.now(), house.clock.now() + 48 * HOUR))
    table = house.current.file.routing
    both = receiver("daily-summary", "digest", "slack:#alerts")
    table = dataclasses.replace(table, receivers={**table.receivers, "daily-summary": both}, windows=Windows([window]))
    house.current.file = dataclasses.replace(house.current.file, routing=table)
    await digests.tick()
    await house.intake.accept(body("a", severity="info"))
    await house.clock.advance(to("2027-01-16T08:00:00", house))
    await digests.tick()
    await house.until(lambda: sent(house))
    async with house.db.reader.connect() as connection:
        rows = (await reading.notifications(connection, None, 100, None)).items
    assert {(row["channel"], row["state"]) for row in rows if row["receiver"] == "daily-summary"
            and row["kind"] == "firing"} == {("digest", "folded"), ("slack", "held")}


async def test_who_asks_on_the_first_day_gets_one(house, digests):
    """A new installation owes none for today, but one that is asked for says something; asked again, it is the same."""
    await digests.tick()
    for _ in range(2):
        assert await digests.send("daily-summary", Person("jane", "command")) is Outcome.DONE
    await digests.tick()
    async with house.db.reader.connect() as connection:
        made = (await reading.digests(connection, 10, None)).items
    assert [(one["date"], one["subject"]) for one in made] == [
        ("2027-01-15", "alertd daily 2027-01-15: quiet, no pages")]


async def test_a_calm_day_that_nothing_shows_to_be_one_is_not_known(house, digests):
    """Without a webhook and without an Alertmanager that answers, calm and a broken line look alike; a heartbeat that
    is silent says whose alerts may be missing."""
    plan = house.current.file.digests["daily-summary"]

    async def gaps():
        async with house.db.reader.connect() as connection:
            made = await digests.preview(connection, plan)
        return made.standing, next((one.lines for one in made.sections if one.heading == "Not known"), ())

    assert await gaps() == (Standing.UNKNOWN, (
        "alerts: no webhook came, and nothing else shows that there was nothing to hear of",))
    digests._metrics.reconcile_time.labels("http://am").set(house.clock.now() / 1000)
    assert await gaps() == (Standing.OK, ())
    beat = Heartbeat((parse('alertname="Watchdog"'),), 2 * HOUR, ("on-call",))
    file = house.current.file
    house.current.file = dataclasses.replace(file, routing=dataclasses.replace(file.routing, heartbeats=(beat,)))
    silent = Pulse('alertname="Watchdog"', "http://am-2", house.clock.now() - 3 * HOUR, house.clock.now() - 3 * HOUR)
    await house.writer.submit(lambda connection, items: [pulses.keep(connection, one) for one in items], silent)
    assert await gaps() == (Standing.UNKNOWN, (
        'alerts of http://am-2: its heartbeat alertname="Watchdog" is silent since Fri 15 Jan 06:00 CET',))


async def test_every_replica_knows_when_the_newest_digest_was_made(house, digests):
    """Also one that did not make it, and one that was restarted; a receiver that is gone is no longer missed."""
    def shown(one):
        return one._metrics.registry.get_sample_value("alertd_digest_last_success_timestamp_seconds",
                                                      {"receiver": "daily-summary"})

    await digests.tick()
    await house.clock.advance(to("2027-01-16T08:00:30", house))
    await digests.tick()
    other = Digests(house.writer, house.db.reader, house.current, house.clock, Metrics(), house.couriers.wake)
    await other.tick()
    assert shown(other) == datetime.datetime(2027, 1, 16, 8, tzinfo=BERLIN).timestamp()
    house.current.file = dataclasses.replace(house.current.file, digests={})
    await other.tick()
    assert shown(other) is None

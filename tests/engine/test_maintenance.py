"""Maintenance windows in a running engine: held, released in one message, ended early, announced."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from sqlalchemy import select

from alertd.engine.acts import Acts, Outcome, Person
from alertd.engine.clock import Ids
from alertd.engine.heartbeat import Heartbeats
from alertd.engine.maintenance import Maintenance
from alertd.matchers import parse_all
from alertd.model import HOUR, MINUTE, Severity
from alertd.routing import Heartbeat, Step
from alertd.schedule import Once, Window, Windows
from alertd.store import audit, reading, schema
from tests.bodies import body
from tests.engine.conftest import House, file_for, receiver
from tests.reports import T0

JANE = Person("jane", "api")
EVERYBODY = (receiver("on-call", "pagerduty"), receiver("management", "email:boss@example.com", style="management"),
             receiver("slack", "slack:#alerts"))


def upgrade(*, notices: bool = False, starts: int = T0, ends: int = T0 + HOUR) -> Window:
    return Window("upgrade", parse_all('instance=~"High.*"'), Once(starts, ends), line=24, notices=notices)


def planned(*windows: Window) -> Any:
    """A routing file with these windows."""
    return file_for(*EVERYBODY, windows=Windows(windows), pages=frozenset({"pagerduty"}))


@pytest.fixture
def maintenance(house: House) -> Maintenance:
    return Maintenance(house.writer, house.db.reader, house.current, house.clock, Ids(2), house.couriers.wake)


async def fire(house: House, *names: str, status: str = "firing") -> None:
    for name in names:
        await house.intake.accept(body(name, status=status, group={"instance": name}))


async def rows(house: House, **wanted: str) -> list[dict[str, Any]]:
    async with house.db.reader.connect() as connection:
        page = await reading.notifications(connection, None, 1000, None)
    return [row for row in page.items if all(row[key] == value for key, value in wanted.items())]


@pytest.mark.parametrize("file", [planned(upgrade())], indirect=True)
async def test_the_end_of_a_window_tells_all_that_burns_in_one_message(house: House, maintenance: Maintenance) -> None:
    """Two of three still burn: Slack and mail get one message, PagerDuty an event each, and what ended is told to
    nobody."""
    await maintenance.tick()
    await fire(house, "HighA", "HighB", "HighC")
    await fire(house, "HighC", status="resolved")
    assert house.script.sent == []
    await house.clock.advance(3600)
    await maintenance.tick()
    await house.until(lambda: len(house.script.sent) == 4)
    assert sorted((who, kind) for who, kind, _ in house.script.sent) == [
        ("management", "notice"), ("on-call", "firing"), ("on-call", "firing"), ("slack", "notice")]
    assert {row["reason"] for row in await rows(house, state="folded")} == {
        "in the one message of what still burns after maintenance"}
    assert not await rows(house, state="held")


@pytest.mark.parametrize("file", [planned(upgrade())], indirect=True)
async def test_who_read_the_one_message_is_told_of_each_end(house: House, maintenance: Maintenance) -> None:
    """A line of the message was the start, so its end is told."""
    await fire(house, "HighA", "HighB")
    await house.clock.advance(3600)
    await maintenance.tick()
    await house.until(lambda: len(house.script.sent) == 4)
    await fire(house, "HighA", status="resolved")
    await house.until(lambda: len(house.script.sent) == 7)
    assert sorted((who, kind) for who, kind, _ in house.script.sent[4:]) == [
        ("management", "resolved"), ("on-call", "resolved"), ("slack", "resolved")]


@pytest.mark.parametrize("file", [planned(upgrade())], indirect=True)
async def test_a_window_that_leaves_the_file_has_ended(house: House, maintenance: Maintenance) -> None:
    """By a reload, an hour before it was meant to; one incident is told as itself."""
    await maintenance.tick()
    await fire(house, "HighA")
    house.current.file = maintenance.merged(planned())
    await maintenance.tick()
    await house.until(lambda: len(house.script.sent) == 3)
    assert {kind for _, kind, _ in house.script.sent} == {"firing"}


@pytest.mark.parametrize("file", [planned(upgrade())], indirect=True)
async def test_a_window_that_is_made_longer_holds_on(house: House, maintenance: Maintenance) -> None:
    """What it held waits for the new end."""
    await maintenance.tick()
    await fire(house, "HighA")
    house.current.file = maintenance.merged(planned(upgrade(ends=T0 + 2 * HOUR)))
    await house.clock.advance(3601)
    await maintenance.tick()
    assert {row["state"] for row in await rows(house)} == {"held"}


@pytest.mark.parametrize("file", [planned()], indirect=True)
async def test_a_person_makes_a_window_and_ends_it(house: House, maintenance: Maintenance) -> None:
    """It holds at once, its end tells what burns at once, and both acts stand in the record."""
    made = await maintenance.add(dataclasses.replace(upgrade(), line=0, reason="move"), JANE)
    await fire(house, "HighA")
    assert {row["state"] for row in await rows(house)} == {"held"}
    assert "made by jane" in (await rows(house))[0]["reason"]
    assert await maintenance.end(made.id, JANE) is Outcome.DONE
    await house.until(lambda: len(house.script.sent) == 3)
    assert await maintenance.end(made.id, JANE) is Outcome.ALREADY
    assert await maintenance.end("mw0", JANE) is Outcome.UNKNOWN
    async with house.db.reader.connect() as connection:
        links = (await audit.whole(connection))[0]
    assert [(link.act.action, link.act.actor, link.act.detail["reason"]) for link in links] == [
        ("maintenance add", "jane", "move"), ("maintenance end", "jane", "move")]


@pytest.mark.parametrize("file", [planned()], indirect=True)
async def test_a_window_that_a_person_made_outlives_a_restart_and_a_reload(house: House, maintenance: Maintenance
                                                                          ) -> None:
    """It stands in the store, and a new file does not end it."""
    await maintenance.add(dataclasses.replace(upgrade(), line=0), JANE)
    house.current.file = planned()
    again = Maintenance(house.writer, house.db.reader, house.current, house.clock, Ids(3), house.couriers.wake)
    await again.start()
    house.current.file = again.merged(planned())
    await fire(house, "HighA")
    assert {row["state"] for row in await rows(house)} == {"held"}


@pytest.mark.parametrize("file", [planned(upgrade(notices=True, starts=T0 + MINUTE))], indirect=True)
async def test_start_and_end_are_told_once_where_they_wake_nobody(house: House, maintenance: Maintenance) -> None:
    """By Slack, not by PagerDuty, not to management; and not again after a restart."""
    await maintenance.tick()
    await house.clock.advance(60)
    await maintenance.tick()
    await house.until(lambda: len(house.script.sent) == 2)
    again = Maintenance(house.writer, house.db.reader, house.current, house.clock, Ids(3), house.couriers.wake)
    await again.tick()
    await house.clock.advance(3600)
    await again.tick()
    await house.until(lambda: len(house.script.sent) == 4)
    for told in (house.script.sent[:2], house.script.sent[2:]):
        assert sorted((who, kind) for who, kind, _ in told) == [("platform-team", "notice"), ("slack", "notice")]
    assert len(await rows(house)) == 4


@pytest.mark.parametrize("file", [planned(upgrade(notices=True))], indirect=True)
async def test_a_window_that_began_long_before_alertd_did_is_no_news(house: House, maintenance: Maintenance) -> None:
    """A start that is over an hour old is not told, and so nor is its end."""
    house.current.file = planned(upgrade(notices=True, starts=T0 - 2 * HOUR))
    await maintenance.tick()
    await house.clock.advance(3600)
    await maintenance.tick()
    assert await rows(house) == []


@pytest.mark.parametrize("file", [planned()], indirect=True)
async def test_a_window_over_most_of_what_fired_is_refused_in_words(house: House, maintenance: Maintenance) -> None:
    """Three of four alerts of the last days: the number is said."""
    await fire(house, "HighA", "HighB", "HighC", "LowD")
    refusal = await maintenance.refusal(upgrade())
    assert refusal == "it would have held 3 of the 4 alerts that fired within the last 7 days (75 %)"
    narrow = dataclasses.replace(upgrade(), matchers=parse_all('instance="LowD"'))
    assert await maintenance.refusal(narrow) is None


async def test_a_tick_in_which_nothing_begins_or_ends_asks_the_store_nothing(
        house: House, maintenance: Maintenance, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first look, only a change costs a write."""
    await maintenance.tick()
    asked: list[Any] = []
    with monkeypatch.context() as patched:
        patched.setattr(house.writer, "submit", lambda *given: asked.append(given))
        await maintenance.tick()
    assert asked == []


STEPS = {Severity.CRITICAL: (Step(5 * MINUTE, ("management",)),)}


async def incident_of(house: House) -> dict[str, Any]:
    async with house.db.reader.connect() as connection:
        [row] = (await reading.incidents(connection, None, 10, None)).items
        found = await reading.incident(connection, row["id"])
    assert found is not None
    return found


def with_steps(*windows: Window) -> Any:
    return file_for(*EVERYBODY, windows=Windows(windows), escalation=STEPS, pages=frozenset({"pagerduty"}))


@pytest.mark.parametrize("file", [with_steps(upgrade(starts=T0 + MINUTE))], indirect=True)
async def test_an_escalation_that_falls_into_a_window_waits_for_its_end(house: House, maintenance: Maintenance) -> None:
    """The page was told before the window; the next step is not, until it ends, and the record says why."""
    acts = Acts(house.writer, house.current, house.clock, house.couriers.wake)
    await fire(house, "HighA")
    await house.until(lambda: len(house.script.sent) == 3)
    await house.clock.advance(300)
    await acts.tick()
    assert len(house.script.sent) == 3
    assert "the escalation waits until" in str((await incident_of(house))["decisions"])
    await house.clock.advance(3600 - 240)
    await maintenance.tick()
    await acts.tick()
    await house.until(lambda: len(house.script.sent) == 4)
    assert house.script.sent[3][0] == "management"


@pytest.mark.parametrize("file", [with_steps(upgrade(starts=T0 + MINUTE))], indirect=True)
async def test_an_escalation_does_not_wait_for_a_window_that_ends_early(house: House, maintenance: Maintenance) -> None:
    """What was put off to the planned end is due at the real one."""
    acts = Acts(house.writer, house.current, house.clock, house.couriers.wake)
    await fire(house, "HighA")
    await house.until(lambda: len(house.script.sent) == 3)
    await house.clock.advance(300)
    await maintenance.tick()
    await acts.tick()
    house.current.file = maintenance.merged(with_steps())
    await maintenance.tick()
    await acts.tick()
    await house.until(lambda: len(house.script.sent) == 4)


@pytest.mark.parametrize("file", [with_steps(upgrade())], indirect=True)
async def test_what_was_held_escalates_from_the_end_of_the_window(house: House, maintenance: Maintenance) -> None:
    """Five minutes after people could know of it, not after it began."""
    acts = Acts(house.writer, house.current, house.clock, house.couriers.wake)
    await fire(house, "HighA")
    await house.clock.advance(3600)
    await maintenance.tick()
    await house.until(lambda: len(house.script.sent) == 3)
    await house.clock.advance(299)
    await acts.tick()
    assert len(house.script.sent) == 3
    await house.clock.advance(1)
    await acts.tick()
    await house.until(lambda: len(house.script.sent) == 4)


HEART = Heartbeat(parse_all('alertname="Watchdog"'), MINUTE, ("slack",), 41)


@pytest.mark.parametrize("file", [file_for(*EVERYBODY, heartbeats=(HEART,), windows=Windows([dataclasses.replace(
    upgrade(), matchers=())]))], indirect=True)
async def test_a_silent_heartbeat_is_told_to_its_own_receivers_at_the_end(house: House, maintenance: Maintenance
                                                                         ) -> None:
    """Not to those of the routes: whatever held it, its section says who hears of it."""
    heartbeats = Heartbeats(house.writer, house.current, house.clock, Ids(4), house.couriers.wake)
    alert = {"status": "firing", "labels": {"alertname": "Watchdog"}, "annotations": {}, "fingerprint": "00",
             "startsAt": "2027-01-15T10:00:00Z", "endsAt": "0001-01-01T00:00:00Z"}
    await house.intake.accept(body("x", alerts=[alert]))
    await house.clock.advance(120)
    await heartbeats.tick()
    assert {row["state"] for row in await rows(house)} == {"held"}
    await house.clock.advance(3600)
    await maintenance.tick()
    await house.until(lambda: len(house.script.sent) == 1)
    assert {row["receiver"] for row in await rows(house)} == {"slack"}


@pytest.mark.parametrize("file", [planned(upgrade())], indirect=True)
async def test_what_is_told_at_the_end_can_be_read(house: House, maintenance: Maintenance) -> None:
    """The message has its text, names every incident and the window, and outlives its sending."""
    await fire(house, "HighA", "HighB")
    await house.clock.advance(3600)
    await maintenance.tick()
    await house.until(lambda: len(house.script.sent) == 4)
    async with house.db.reader.connect() as connection:
        texts = [row.text for row in await connection.execute(select(schema.notices))]
        ids = [row["id"] for row in (await reading.incidents(connection, None, 10, None)).items]
    assert all(id in text for text in texts for id in ids)
    assert all("maintenance window 'upgrade' (routing.yaml:24)" in text for text in texts)

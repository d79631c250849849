"""What people do, on a real store."""

import asyncio

import pytest
from sqlalchemy import event

from alertd.audit import fault
from alertd.engine.acts import Acts, Outcome, Person
from alertd.errors import Rejected, TryLater
from alertd.flapping import Limits
from alertd.model import HOUR, MINUTE, Severity
from alertd.routing import Step
from alertd.store import acts as store
from alertd.store import audit, reading
from tests.bodies import body
from tests.engine.conftest import file_for, receiver

JANE = Person("jane", "api")
MORE = {"pages": frozenset({"pagerduty"}), "follows": frozenset({"pagerduty", "slack"}),
        "acknowledge": {Severity.CRITICAL: HOUR}}


@pytest.fixture
def file(request):
    return getattr(request, "param", None) or file_for(**MORE)


@pytest.fixture
async def acts(house):
    return Acts(house.writer, house.current, house.clock, house.couriers.wake)


async def incident(house):
    async with house.db.reader.connect() as connection:
        row, = (await reading.incidents(connection, None, 10, None)).items
    return row


async def record(house):
    async with house.db.reader.connect() as connection:
        return (await audit.whole(connection))[0]


async def told(house):
    """One incident, and everybody told of it."""
    await house.intake.accept(body("a"))
    await house.until(lambda: len(house.script.sent) == 3)
    await house.until(lambda: all_sent(house))
    return (await incident(house))["id"]


async def messages(house):
    """Each by itself: `states` knows one of a kind and receiver, and here are two incidents."""
    async with house.db.reader.connect() as connection:
        return (await reading.notifications(connection, None, 100, None)).items


async def all_sent(house):
    return {row["state"] for row in await messages(house)} == {"sent"}


async def settled(house):
    return not {row["state"] for row in await messages(house)} & {"queued", "claimed"}


async def test_an_acknowledgement_is_kept_told_and_recorded(house, acts):
    """The state, the messages and the audit are one transaction."""
    id = await told(house)
    assert await acts.acknowledge(id, JANE) is Outcome.DONE
    row = await incident(house)
    assert (row["state"], row["acknowledged_by"]) == ("acknowledged", "jane")
    await house.until(lambda: len(house.script.sent) == 6)
    links = await record(house)
    assert [(link.act.actor, link.act.via, link.act.action, link.act.object) for link in links] == [
        ("jane", "api", "acknowledge", f"incident {id}")]
    assert fault(links) is None


async def test_the_second_click_and_a_stranger_are_told_so(house, acts):
    """Only what happened is recorded."""
    id = await told(house)
    await acts.acknowledge(id, JANE)
    assert await acts.acknowledge(id, Person("joe", "slack")) is Outcome.ALREADY
    assert await acts.acknowledge("nothing", JANE) is Outcome.UNKNOWN
    assert len(await record(house)) == 1


async def test_a_callback_that_comes_twice_acts_once(house, acts):
    """PagerDuty sends at least once; a late copy does not take the incident a second time."""
    id = await told(house)
    pager = Person("jane", "pagerduty")
    assert await acts.acknowledge(id, pager, callback="w1") is Outcome.DONE
    await house.clock.advance(3600)
    await acts.tick()
    assert await acts.acknowledge(id, pager, callback="w1") is Outcome.ALREADY
    assert (await incident(house))["state"] == "open"


async def test_an_acknowledgement_ends_after_its_time_and_people_are_called_again(house, acts):
    """The due time is a column of the store: a restart does not forget it."""
    id = await told(house)
    await acts.acknowledge(id, JANE)
    await house.until(lambda: len(house.script.sent) == 6)
    await house.clock.advance(3599)
    await acts.tick()
    assert (await incident(house))["state"] == "acknowledged"
    await house.clock.advance(1)
    await acts.tick()
    await house.until(lambda: ("on-call", "firing", id) in house.script.sent[6:])
    assert (await incident(house))["state"] == "open"


@pytest.mark.parametrize("file", [file_for(receiver("management", "pagerduty:a"), receiver("slack", "pagerduty:b"),
                                           **MORE)], indirect=True)
async def test_a_call_under_way_is_not_made_again_once_somebody_acknowledged(house, acts):
    """It was claimed at that moment, so could not be called off; then it failed. PagerDuty is told all the same."""
    under_way = asyncio.get_running_loop().create_future()
    house.script.plan.extend([under_way] * 3)
    await house.intake.accept(body("a"))
    await house.until(lambda: house.script.under_way == 3)
    await acts.acknowledge((await incident(house))["id"], JANE)
    under_way.set_exception(TryLater("connection refused"))
    await house.until(lambda: len(house.script.sent) == 3)
    assert {kind for _, kind, _ in house.script.sent} == {"acknowledged"}
    await house.until(lambda: settled(house))
    assert {row["reason"] for row in await messages(house) if row["kind"] == "firing"} == {"jane acknowledged first"}


async def test_what_burns_on_is_said_once_each_time_it_is_due(house, acts):
    """Before an acknowledgement ends where it is followed, to management every hour; another tick says no more."""
    id = await told(house)
    await acts.acknowledge(id, JANE)
    await house.until(lambda: len(house.script.sent) == 6)
    for minutes, who in ((49, []), (1, ["slack"]), (10, []), (60, ["management"])):  # at 60 its end says as much
        before = len(house.script.sent)
        await house.clock.advance(minutes * 60)
        await acts.tick()
        await acts.tick()
        await house.until(lambda: all_sent(house))
        assert [name for name, kind, _ in house.script.sent[before:] if kind == "reminder"] == who


async def test_a_dead_letter_is_tried_again_when_somebody_wants_it(house, acts):
    """From its first attempt, and the record says who."""
    house.script.plan.extend([Rejected("no such key"), Rejected("no such key"), Rejected("no such key")])
    await house.intake.accept(body("a"))
    await house.until(lambda: all_dead(house))
    async with house.db.reader.connect() as connection:
        rows = (await reading.notifications(connection, "dead", 10, None)).items
    row = next(row for row in rows if row["receiver"] == "on-call")
    assert await acts.retry(row["id"], JANE) is Outcome.DONE
    await house.until(lambda: len(house.script.sent) == 1)
    assert (await record(house))[0].act.detail == {"was": "no such key", "outlet": "on-call by pagerduty"}


async def all_dead(house):
    return set((await house.states()).values()) == {"dead"}


async def test_a_dropped_letter_stays_in_the_record(house, acts):
    """Dropping ends it; a second time there is nothing to drop."""
    house.script.plan.extend([Rejected("no"), Rejected("no"), Rejected("no")])
    await house.intake.accept(body("a"))
    await house.until(lambda: all_dead(house))
    async with house.db.reader.connect() as connection:
        row = (await reading.notifications(connection, "dead", 10, None)).items[0]
    assert await acts.drop(row["id"], JANE) is Outcome.DONE
    assert await acts.drop(row["id"], JANE) is Outcome.UNKNOWN
    assert "dropped by jane" in (await house.reasons())[row["receiver"]]




async def test_a_start_that_is_over_is_not_tried_again(house, acts):
    """PagerDuty would be left with a page that nobody closes."""
    house.script.plan.extend([Rejected("no"), Rejected("no"), Rejected("no")])
    await house.intake.accept(body("a"))
    await house.until(lambda: all_dead(house))
    await house.intake.accept(body("a", status="resolved"))
    async with house.db.reader.connect() as connection:
        row = (await reading.notifications(connection, "dead", 10, None)).items[0]
    assert await acts.retry(row["id"], JANE) is Outcome.ALREADY
    assert house.script.sent == []


async def test_a_step_of_an_escalation_survives_a_restart(house, acts):
    """What is due stands in the store; whoever looks next takes it, once."""
    steps = {Severity.CRITICAL: (Step(300_000, ("management",)),)}
    house.current.file = file_for(**MORE, escalation=steps)
    id = await told(house)
    await house.clock.advance(300)
    await acts.tick()
    await Acts(house.writer, house.current, house.clock, house.couriers.wake).tick()
    await house.until(lambda: house.script.sent[3:] == [("management", "firing", id)])
    assert (await incident(house))["state"] == "open"


async def test_a_flapping_incident_ends_once_it_is_quiet(house, acts):
    """What it swung before stands in the store; its end is due there too."""
    house.current.file = file_for(**MORE, flapping=Limits(4, 30 * MINUTE, 15 * MINUTE))
    for minute in (0, 2):
        await house.intake.accept(body("a", minute=minute))
        await house.until(lambda: all_sent(house))
        await house.intake.accept(body("a", minute=minute, status="resolved"))
        await house.until(lambda: all_sent(house))
    async with house.db.reader.connect() as connection:
        newest, _ = (await reading.incidents(connection, None, 10, None)).items
    assert (newest["state"], newest["flapping"]) == ("open", True)
    kinds = [kind for receiver, kind, _ in house.script.sent if receiver == "slack"]
    assert kinds == ["firing", "resolved", "firing", "flapping"]
    await house.clock.advance(15 * 60)

    async def all_told():
        await acts.tick()  # again and again, as the daemon does: what another has in hand is passed over
        return len([one for one in house.script.sent if one[1] == "resolved"]) == 6

    await house.until(all_told)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("due", [store.lapsed, store.escalating, store.reminding, store.reporting, store.calming])
async def test_what_is_due_is_found_without_reading_all_that_is_kept(house, due):
    """Every few seconds, while webhooks wait: SQLite is asked how it would do it; of PostgreSQL's plan a small table
    says nothing."""
    said = []

    def listen(_connection, cursor, statement, parameters, *_more):
        said.extend(row[3] for row in cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    event.listen(house.db.writer, "before_cursor_execute", listen)
    await house.writer.submit(lambda connection, items: [due(connection, 5) for _ in items], None)
    event.remove(house.db.writer, "before_cursor_execute", listen)
    assert any("SEARCH incidents" in plan for plan in said)
    assert not any("SCAN incidents" in plan for plan in said)

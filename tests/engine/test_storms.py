"""Storms in time, on a real store."""

import pytest
from sqlalchemy import select

from alertd.engine.metrics import Metrics
from alertd.engine.storms import Storms
from alertd.errors import TryLater
from alertd.store import reading, schema
from alertd.storm import Limits
from tests.bodies import body
from tests.engine.conftest import file_for, receiver

FILE = file_for(receiver("platform-team", "slack:#platform", fallback="slack"), storm=Limits(over=3),
                folds=frozenset({"slack"}))


@pytest.fixture
def file():
    return FILE


@pytest.fixture
def storms(house):
    return watch(house)


def watch(house):
    return Storms(house.writer, house.db.reader, house.current, house.clock, Metrics(), house.couriers.wake)


async def flood(house, *numbers, **more):
    for number in numbers:
        await house.intake.accept(body(f"n{number}", group={"n": str(number)}, **{"severity": "warning"} | more))


async def rows(house, **wanted):
    async with house.db.reader.connect() as connection:
        found = (await reading.notifications(connection, None, 1000, None)).items
    return [row for row in reversed(found) if all(row[key] == value for key, value in wanted.items())]


def heard(house, kind):
    return [who for who, what, _ in house.script.sent if who == "platform-team" and what == kind]


async def said(house, kind, times):
    """So many of this kind were sent, and nothing is on its way any more."""
    async def quiet():
        return len(heard(house, kind)) == times and {row["state"] for row in await rows(house)} <= {"sent", "folded"}

    await house.until(quiet)


async def text(house):
    async with house.db.reader.connect() as connection:
        return (await connection.execute(select(schema.notices.c.subject))).scalar()


async def test_a_storm_from_its_first_message_to_its_last(house, storms):
    """Some are told, the others stand in one message that is kept current; what still burns when it is calm, and that
    all is resolved, is told in it. Every notification ends with a reason."""
    await flood(house, *range(10))
    await said(house, "firing", 3)
    await storms.tick()
    await said(house, "notice", 1)
    assert await text(house) == "STORM: 7 incidents since 2027-01-15 08:00 UTC"
    await flood(house, *range(2, 9), status="resolved")
    await house.clock.advance(10 * 60)
    await storms.tick()
    await said(house, "notice", 2)
    assert await text(house) == "Storm over: 7 incidents came, 1 still burns"
    await flood(house, 9, status="resolved")
    await storms.tick()
    await said(house, "notice", 3)
    assert await text(house) == "Storm over: 7 incidents came, all resolved"
    assert len(heard(house, "resolved")) == 1  # of the three that were told, one has ended
    told = await rows(house, receiver="platform-team")
    assert sorted({row["state"] for row in told}) == ["folded", "sent"]
    assert all("storm-" in row["reason"] for row in told if row["state"] == "folded")


async def test_a_restart_forgets_no_storm(house, storms):
    """What was folded before it is told after it, and what begins then is folded still."""
    await flood(house, *range(6))
    await flood(house, 7)
    again = watch(house)
    await again.tick()
    await said(house, "notice", 1)
    assert "4 incidents" in await text(house)
    await storms.tick()
    assert len(await rows(house, kind="notice")) == 1


async def test_after_a_storm_everything_is_told_as_usual(house, storms):
    """From the first start on."""
    await flood(house, *range(6))
    await storms.tick()
    await house.clock.advance(10 * 60)
    await storms.tick()
    await flood(house, 50)
    await house.until(lambda: len(heard(house, "firing")) == 4)


async def test_critical_is_told_in_a_storm(house, storms):
    """Each one, and each end."""
    await flood(house, *range(9))
    await flood(house, *range(20, 40), severity="critical")
    await house.until(lambda: len([one for one in house.script.sent if one[0] == "slack"]) == 20)
    await flood(house, *range(20, 40), status="resolved", severity="critical")
    await house.until(lambda: len([one for one in house.script.sent if one[0] == "slack"]) == 40)


async def test_a_rise_is_told_where_the_start_was_folded(house, storms):
    """What the storm carries is settled, so nothing of its incident waits behind it; nor does the end."""
    house.current.file = file_for(receiver("on-call", "slack:#calls"), storm=Limits(over=3), folds=frozenset({"slack"}))
    house.couriers.refresh()

    def told(kind):
        return [one for one in house.script.sent if one[0] == "on-call" and one[1] == kind]

    await flood(house, *range(6))
    await house.intake.accept(body("worse", group={"n": "5"}, severity="critical"))
    await house.until(lambda: len(told("firing")) == 4)
    await house.intake.accept(body("n5", "worse", group={"n": "5"}, status="resolved"))
    await house.until(lambda: len(told("resolved")) == 1)


async def test_a_message_that_waits_carries_what_came_since(house, storms):
    """No second one is made before it has left."""
    await flood(house, *range(6))
    await house.until(lambda: len(house.script.sent) == 9)
    house.script.plan.append(TryLater("away", after=60))
    await storms.tick()
    await house.until(lambda: not house.script.plan)
    await flood(house, *range(10, 14))
    await house.clock.advance(11)
    await storms.tick()
    assert len(await rows(house, kind="notice")) == 1
    assert "7 incidents" in await text(house)
    await house.clock.advance(50)
    await said(house, "notice", 1)

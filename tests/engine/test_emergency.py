"""Critical incidents are told while nothing can be stored."""

import pytest

from alertd.engine.clock import Ids
from alertd.engine.emergency import AFTER, Emergency
from alertd.engine.intake import Intake
from alertd.engine.metrics import Metrics
from alertd.errors import StoreUnavailable
from alertd.model import SECOND
from tests.engine.test_intake import body

pytestmark = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


class Store:
    """Takes nothing while it is `away`."""

    def __init__(self, writer):
        self.writer, self.away, self.backlog = writer, True, 0

    async def submit(self, handler, item):
        if self.away:
            raise StoreUnavailable(reason="it is gone")
        return await self.writer.submit(handler, item)


@pytest.fixture
def away(house):
    return Store(house.writer)


@pytest.fixture
async def intake(house, away):
    emergency = Emergency(house.current, house.clock, None, Metrics())
    yield Intake(away, house.current, house.clock, Ids(5), Metrics(), house.couriers.wake, emergency)
    await emergency.stop()


async def refuse(intake, name="a", **more):
    with pytest.raises(StoreUnavailable):
        await intake.accept(body(name, **more))


def sent(house):
    """At one of the places, which are told alike."""
    return [(receiver, kind) for receiver, kind, _ in house.script.sent if receiver == "on-call"]


async def test_it_is_told_once_however_often_it_is_refused(house, intake):
    """Its sender is told that it was not taken, each time."""
    await refuse(intake)
    await refuse(intake)
    await house.clock.advance(AFTER / SECOND)
    await house.until(lambda: sent(house))
    await refuse(intake)
    await house.clock.advance(AFTER / SECOND)
    assert sent(house) == [("on-call", "firing")]


async def test_a_store_that_is_back_soon_is_no_emergency(house, intake, away):
    """What was stored meanwhile goes the ordinary way only."""
    await refuse(intake)
    away.away = False
    await intake.accept(body("a"))
    await house.clock.advance(AFTER / SECOND)
    await house.until(lambda: sent(house))
    assert len(sent(house)) == 1


async def test_what_was_told_straight_is_ended_once_the_store_is_back(house, intake, away):
    """And told anew in the ordinary way."""
    await refuse(intake)
    await house.clock.advance(AFTER / SECOND)
    await house.until(lambda: sent(house))
    away.away = False
    await intake.accept(body("a"))
    await house.until(lambda: len(sent(house)) == 3)
    told = [(kind, incident) for receiver, kind, incident in house.script.sent if receiver == "on-call"]
    assert sorted(kind for kind, _ in told) == ["firing", "firing", "resolved"]
    assert [kind for kind, incident in told if incident == told[0][1]] == ["firing", "resolved"]


async def test_its_end_is_told_straight_too(house, intake):
    """Where it ends before the store is back."""
    await refuse(intake)
    await house.clock.advance(AFTER / SECOND)
    await house.until(lambda: sent(house))
    await refuse(intake, status="resolved")
    await house.until(lambda: len(sent(house)) == 2)
    assert sent(house)[1] == ("on-call", "resolved")

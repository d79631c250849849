"""A clock that is set back, on a real store."""

import pytest

from alertd.engine.acts import Acts
from alertd.engine.nearing import Nearing
from alertd.errors import TryLater
from alertd.model import HOUR, MINUTE, Severity
from alertd.routing import Step
from tests.bodies import body
from tests.engine.conftest import file_for


@pytest.fixture
def file():
    return file_for(pages=frozenset({"pagerduty"}),
                    escalation={Severity.CRITICAL: (Step(5 * MINUTE, ("platform-team",)),)})


@pytest.fixture
async def nearing(house):
    watching = Nearing(house.writer, house.current, house.clock, house.couriers.wake_all)
    await watching.tick()
    return watching


async def all_queued(house):
    return set((await house.states()).values()) == {"queued"}


async def test_a_retry_is_not_put_off_by_the_step(house, nearing):
    """After an hour's step it comes within the second that a first one waits at most."""
    house.script.plan.extend([TryLater("not now")] * 3)
    await house.intake.accept(body("a"))
    await house.until(lambda: all_queued(house) if not house.script.plan else False)
    await house.clock.advance(-3600)
    await nearing.tick()
    await house.clock.advance(1)
    await house.until(lambda: len(house.script.sent) == 3)


async def test_a_step_of_an_escalation_is_not_put_off_either(house, nearing):
    """It is taken five minutes after the clock was set, and once."""
    acts = Acts(house.writer, house.current, house.clock, house.couriers.wake)
    await house.intake.accept(body("a"))
    await house.until(lambda: len(house.script.sent) == 3)
    await house.clock.advance(-3600)
    await nearing.tick()
    for _ in range(3):
        await house.clock.advance(5 * 60)
        await acts.tick()
    await house.until(lambda: [sent for sent in house.script.sent if sent[0] == "platform-team"])
    assert len(house.script.sent) == 4


async def test_the_clock_may_have_been_set_while_alertd_was_away(house):
    """So the first look brings nearer as well."""
    house.script.plan.extend([TryLater("not now")] * 3)
    await house.intake.accept(body("a"))
    await house.until(lambda: all_queued(house) if not house.script.plan else False)
    await house.clock.advance(-HOUR / 1000)
    await Nearing(house.writer, house.current, house.clock, house.couriers.wake_all).tick()
    await house.clock.advance(1)
    await house.until(lambda: len(house.script.sent) == 3)

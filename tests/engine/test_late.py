"""A critical start that is late, on a real store."""

import asyncio

import pytest

from alertd.engine.late import Late
from tests.bodies import body
from tests.engine.conftest import file_for, receiver


@pytest.fixture
def file():
    return file_for(receiver("on-call", "pagerduty", fallback="platform-team"))


async def test_a_page_that_hangs_goes_to_the_fallback_once_and_so_does_its_end(house):
    """Two looks tell it once; the end reaches both."""
    late, hang, send = Late(house.writer, house.current, house.clock, house.couriers.wake), asyncio.Event(), (
        house.script.send)

    async def hanging(delivery, settings, net):
        if delivery.notification.outlet.channel == "pagerduty":
            await hang.wait()
        return await send(delivery, settings, net)

    house.script.send = hanging
    await house.intake.accept(body("a"))
    await house.until(lambda: len(house.script.sent) == 2)
    await late.tick()
    assert len(await house.states()) == 3
    await house.clock.advance(120)
    for _ in range(2):
        await late.tick()
    await house.until(lambda: ("platform-team", "firing") in {sent[:2] for sent in house.script.sent})
    hang.set()
    await house.intake.accept(body("a", status="resolved"))
    await house.until(lambda: len(house.script.sent) == 8)
    assert {("platform-team", "resolved"), ("on-call", "resolved")} <= {sent[:2] for sent in house.script.sent}

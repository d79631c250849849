"""What is over is counted by the hour, by one of however many there are."""

import asyncio

import pytest

from alertd.engine.tallying import Tallying
from alertd.model import DAY, HOUR
from alertd.store import measuring, tallies
from alertd.store.tallies import Claim
from tests.bodies import body


@pytest.fixture
def counting(house):
    """One that counts without a pause."""
    house.clock.time -= house.clock.time % DAY
    return lambda: Tallying(house.writer, house.db.reader, house.current, house.clock, pause=0)


async def counted(house):
    async with house.db.reader.connect() as connection:
        hours, days = await tallies.counted(connection, 0, house.clock.now())
    return len(hours), len(days)


async def noise(house, what="ended"):
    """How many alerts ended, of what was counted and what was not."""
    async with house.db.reader.connect() as connection:
        now = house.clock.now()
        found = await measuring.tally(connection, now - 26 * HOUR, now, now, frozenset(), {})
    return sum(getattr(one, what) for one in found.kinds.values())


async def live(house, hours):
    """So many hours, late in each of which an alert comes and ends after a minute."""
    for hour in range(hours):
        await house.clock.advance(50 * 60)
        await house.intake.accept(body(f"a{hour}"))
        await house.clock.advance(60)
        await house.intake.accept(body(f"a{hour}", status="resolved"))
        await house.clock.advance(9 * 60)


async def test_hours_and_their_days_are_counted(house, counting):
    """The one under way is not; with it the figures are whole."""
    await live(house, 25)
    await counting().tick()
    assert await counted(house) == (24, 1)
    assert await noise(house) == 25


async def test_each_is_counted_by_one_of_three_replicas(house, counting):
    """Who looks at once, and again."""
    await live(house, 5)
    await asyncio.gather(*(counting().tick() for _ in range(3)))
    await counting().tick()
    assert await counted(house) == (4, 0)
    assert await noise(house) == 5


async def test_an_hour_that_somebody_died_over_is_counted(house, counting):
    """A minute later, by whoever looks."""
    await live(house, 2)
    hour = house.clock.now() - 2 * HOUR
    assert await house.writer.submit(tallies.claim, Claim(HOUR, hour, "dead", house.clock.now()))
    await house.clock.advance(20 * 60)
    await counting().tick()
    assert await counted(house) == (2, 0)


async def test_an_end_that_was_told_late_is_counted(house, counting):
    """Another end than was told first, once it was counted: so it was not gone within five minutes."""
    await live(house, 3)
    await house.clock.advance(11 * 60)
    await counting().tick()
    assert (await counted(house), await noise(house, "gone_soon")) == ((3, 0), 3)
    await house.intake.accept(body("a2", status="resolved", minute=30))
    assert (await counted(house), await noise(house, "gone_soon")) == ((2, 0), 2)
    await counting().tick()
    assert (await counted(house), await noise(house, "gone_soon")) == ((3, 0), 2)


async def test_clocks_that_go_back_are_noticed(house, counting):
    """What was counted after is counted again once it is over."""
    await live(house, 6)
    await counting().tick()
    await house.clock.advance(-3 * HOUR / 1000)
    await counting().tick()
    assert await counted(house) == (2, 0)
    await live(house, 3)
    await counting().tick()
    assert await noise(house) == 9

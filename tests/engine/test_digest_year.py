"""A year of digests in virtual time: once per local date, whatever restarts and the clocks do."""

import asyncio
import datetime

import pytest

from alertd.engine.digests import Digests
from alertd.engine.metrics import Metrics
from alertd.model import HOUR
from alertd.store import reading
from tests.engine.test_digests import with_digest

pytestmark = pytest.mark.parametrize("file", [with_digest()], indirect=True)

CHANGES = datetime.date(2027, 3, 28), datetime.date(2027, 10, 31)  # of Berlin's clocks


def days(first: datetime.date, number: int) -> list[datetime.date]:
    return [first + datetime.timedelta(step) for step in range(number)]


async def live(house, dates) -> None:
    """Through these days; somebody new looks every hour, three replicas at once around the hour it is due."""
    midnight = datetime.datetime.combine(dates[0], datetime.time(), datetime.UTC)
    house.clock.time = int(midnight.timestamp() * 1000)
    for hour in range(24 * len(dates)):
        replicas = 3 if hour % 24 in (6, 7) else 1
        await asyncio.gather(*(Digests(house.writer, house.db.reader, house.current, house.clock, Metrics(),
                                       house.couriers.wake).tick() for _ in range(replicas)))
        house.clock.time += HOUR


async def made(house) -> list[datetime.date]:
    async with house.db.reader.connect() as connection:
        found = await reading.digests(connection, 1000, None)
    return sorted(datetime.date.fromisoformat(item["date"]) for item in found.items)


async def test_once_a_local_date_around_both_changes_of_the_clocks(house):
    """And once, late, for the months between them in which nobody looked."""
    spring, autumn = (days(change - datetime.timedelta(3), 7) for change in CHANGES)
    await live(house, spring)
    await live(house, autumn)
    assert await made(house) == [*spring, autumn[0] - datetime.timedelta(1), *autumn]


@pytest.mark.chaos
@pytest.mark.timeout(480)  # ten thousand looks take their time on a busy machine
async def test_once_a_local_date_for_a_year_of_hourly_restarts(house):
    """Every one of the 365."""
    year = days(datetime.date(2027, 1, 1), 365)
    await live(house, year)
    assert await made(house) == year

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


@pytest.mark.timeout(480)  # ten thousand looks take their time on a busy machine
async def test_once_a_local_date_for_a_year_of_hourly_restarts(house):
    """Somebody new looks every hour, three replicas at once around the hour it is due (on PostgreSQL, which takes its
    time, nobody looks at others); both changes of the clocks are among the days."""
    lite = house.db.reader.dialect.name == "sqlite"
    house.clock.time = int(datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC).timestamp() * 1000)
    for hour in range(365 * 24):
        replicas = 3 if hour % 24 in (6, 7) else 1 if lite else 0
        await asyncio.gather(*(Digests(house.writer, house.db.reader, house.current, house.clock, Metrics(),
                                       house.couriers.wake).tick() for _ in range(replicas)))
        house.clock.time += HOUR
    async with house.db.reader.connect() as connection:
        dates = [item["date"] for item in (await reading.digests(connection, 1000, None)).items]
    assert sorted(set(dates)) == sorted(dates)
    assert len(dates) == 365

"""What replicas share: what a place may be sent, what a vendor asked for, and where they know to send."""

import pytest

from alertd.engine.metrics import Metrics
from alertd.engine.upkeep import Upkeep
from alertd.model import Outlet
from tests.bodies import body
from tests.engine.conftest import Told, file_for
from tests.reports import receiver

pytestmark = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)

SLACK = Outlet("slack", "slack", "#alerts")


async def test_a_rate_is_divided_among_those_that_are_there(house):
    """Together they send no more than one would."""
    for among, rate in ((2, 0.5), (1, 1.0), (0, 1.0)):
        house.couriers.share(among, {})
        assert house.couriers._shared.pace(Told(rate=1.0)).rate == rate
    assert house.couriers._shared.pace(Told()).rate is None


async def test_what_a_vendor_asked_of_one_all_keep_to(house):
    """The others are told by the store."""
    house.couriers.share(3, {SLACK: house.clock.now() + 30_000})
    await house.intake.accept(body("a"))
    await house.until(lambda: len(house.script.sent) == 2)
    assert "slack" not in {receiver for receiver, *_ in house.script.sent}
    await house.clock.advance(31)
    await house.until(lambda: len(house.script.sent) == 3)


async def test_what_another_file_knows_is_not_buried(house):
    """While a new routing.yaml is rolled out, the old one says nothing about what the new one sends to."""
    await house.couriers.stop(0)
    await house.intake.accept(body("a"))
    house.current.file = file_for(receiver("other", "log"), receiver("on-call", "pagerduty"))
    house.current.file.settings.clear()
    upkeep = Upkeep(house.writer, house.current, house.clock, Metrics(), lambda: None, lambda: frozenset({SLACK}))
    await upkeep.bury()
    states = await house.states()
    assert states["slack", "firing"] == "queued"
    assert states["on-call", "firing"] == "dead"

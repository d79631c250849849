"""Heartbeats, on a real store."""

import pytest

from alertd.engine.clock import Ids
from alertd.engine.heartbeat import Heartbeats
from alertd.errors import StoreUnavailable
from alertd.matchers import parse
from alertd.routing import Heartbeat
from tests.bodies import body
from tests.engine.conftest import file_for

HEART = Heartbeat((parse('alertname="Broken"'),), 120_000, ("on-call",))


@pytest.fixture
def file():
    return file_for(heartbeats=(HEART,))


def ear(house):
    return Heartbeats(house.writer, house.current, house.clock, Ids(2), house.couriers.wake)


async def test_the_same_webhook_again_is_a_beat(house):
    """Alertmanager's repeats are byte for byte the same."""
    heart = ear(house)
    for _ in range(3):
        await house.intake.accept(body("a", severity="none"))
        await house.clock.advance(100)
        await heart.tick()
    assert await house.states() == {}


async def test_silence_is_told_and_its_end_too(house):
    """To the receivers of the heartbeat."""
    heart = ear(house)
    await house.intake.accept(body("a", severity="none"))
    await house.clock.advance(121)
    await heart.tick()
    await house.until(lambda: [sent[:2] for sent in house.script.sent] == [("on-call", "firing")])
    await house.until(lambda: sent_all(house))
    await house.intake.accept(body("a", severity="none"))
    await heart.tick()
    await house.until(lambda: [sent[:2] for sent in house.script.sent[1:]] == [("on-call", "resolved")])


async def sent_all(house):
    return set((await house.states()).values()) == {"sent"}


async def test_a_restart_tells_silence_once(house):
    """What was told stands in the store."""
    await house.intake.accept(body("a", severity="none"))
    await house.clock.advance(121)
    first = ear(house)
    await house.clock.advance(121)
    await first.tick()
    second = ear(house)
    await house.clock.advance(121)
    await second.tick()
    await house.until(lambda: len(house.script.sent) == 1)
    assert len(await house.states()) == 1


async def test_while_nothing_can_be_stored_nobody_is_silent(house, monkeypatch):
    """Beats cannot be kept either; silence counts from when they can."""
    heart = ear(house)
    await house.intake.accept(body("a", severity="none"))

    async def away(handler, item):
        raise StoreUnavailable(reason="it is gone")

    with monkeypatch.context() as gone:
        gone.setattr(house.writer, "submit", away)
        await house.clock.advance(300)
        with pytest.raises(StoreUnavailable):
            await heart.tick()
    await house.clock.advance(100)
    await heart.tick()
    assert house.script.sent == []

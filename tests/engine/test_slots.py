"""Places for attempts."""

import asyncio

from alertd.engine.slots import Slots


async def test_no_more_places_than_there_are():
    """The ninth waits until one is given back."""
    slots = Slots(8)
    assert slots.take(20) == 8
    waiting = asyncio.create_task(slots.acquire())
    await asyncio.sleep(0)
    assert not waiting.done()
    slots.release()
    await waiting


async def test_whoever_waits_goes_before_whoever_takes_more():
    """A courier that is served does not help itself twice while another waits."""
    slots = Slots(1)
    await slots.acquire()
    waiting = asyncio.create_task(slots.acquire())
    await asyncio.sleep(0)
    slots.release()
    assert slots.take(1) == 0
    await waiting


async def test_a_place_is_not_lost_with_who_waited_for_it():
    """Cancelled while waiting, or in the moment it came: the next one gets it."""
    slots = Slots(1)
    await slots.acquire()
    first, second = asyncio.create_task(slots.acquire()), asyncio.create_task(slots.acquire())
    await asyncio.sleep(0)
    slots.release()
    first.cancel()
    await second
    slots.release()
    assert slots.free == 1

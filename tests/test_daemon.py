"""How the daemon is put together."""

import asyncio

from alertd import daemon


async def test_what_is_looked_at_often_is_looked_at_soon_after_the_start():
    """A daemon that never lives for a whole TICK still makes digests and escalates."""
    looked = asyncio.Event()

    async def tick():
        looked.set()

    with daemon._timed({tick: daemon.TICK}):
        async with asyncio.timeout(daemon.TICK - 1):
            await looked.wait()

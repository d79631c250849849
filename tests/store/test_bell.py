"""Replicas tell each other that messages wait."""

import asyncio

import pytest

from alertd.model import Outlet
from alertd.store.bell import Bell
from tests.store.lines import held_open
from tests.stores import SLACK

PATIENCE = 15


@pytest.fixture
async def bells(postgres_url):
    """Two, and what each heard: outlets, or None for "anywhere"."""
    heard = [asyncio.Queue(), asyncio.Queue()]
    both = [Bell(postgres_url, queue.put_nowait) for queue in heard]
    for bell in both:
        bell.start()
    async with asyncio.timeout(PATIENCE):
        for queue in heard:
            assert await queue.get() is None  # whatever was rung before it listened
    yield both, heard
    for bell in both:
        await bell.stop()


async def next_of(queue):
    async with asyncio.timeout(PATIENCE):
        return await queue.get()


async def test_a_neighbour_hears_where_messages_wait(bells):
    """And whoever rang does not hear itself."""
    (first, _), (own, other) = bells
    first.ring([SLACK])
    assert await next_of(other) == [SLACK]
    assert own.empty()


async def test_what_fits_no_notice_is_heard_as_anywhere(bells):
    """PostgreSQL takes 8,000 bytes."""
    (first, _), (_, other) = bells
    first.ring(Outlet("r", "slack", f"#{number:0200}") for number in range(50))
    assert await next_of(other) is None


async def test_a_cut_line_is_made_anew(bells, postgres):
    """By itself; then it looks everywhere, since it does not know what was rung meanwhile."""
    (first, _), (_, other) = bells
    postgres.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'alertd'")
    assert await next_of(other) is None
    await asyncio.sleep(0.5)
    first.ring([SLACK])
    assert await next_of(other) == [SLACK]


async def test_a_line_that_was_left_is_made_anew(postgres_url, postgres):
    """Where the server's last words came before its end, the driver's error is one of its own."""
    heard = asyncio.Queue()
    async with held_open(postgres_url) as url:
        bell = Bell(url, heard.put_nowait)
        bell.start()
        assert await next_of(heard) is None
        postgres.ask("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'alertd'")
        await asyncio.sleep(0.5)
        bell.ring([SLACK])
        assert await next_of(heard) is None
        await bell.stop()

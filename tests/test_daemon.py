"""How the daemon is put together."""

import asyncio
import contextlib
from itertools import pairwise
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from alertd import daemon


async def test_what_is_looked_at_often_is_looked_at_soon_after_the_start():
    """A daemon that never lives for a whole TICK still makes digests and escalates."""
    looked = asyncio.Event()

    async def tick():
        looked.set()

    with daemon._timed({tick: daemon.TICK}):
        async with asyncio.timeout(daemon.TICK - 1):
            await looked.wait()


@given(st.lists(st.sampled_from([1, daemon.TICK, daemon.ANCHOR, daemon.CHORES]), min_size=1, max_size=30))
def test_no_two_things_are_looked_at_in_the_same_moment(intervals):
    """A webhook that comes in just then waits for one of them, not for all."""
    within = sorted(moment % 1 for moment in daemon._moments(intervals))
    assert all(later - earlier > 0.9 / len(intervals) for earlier, later in pairwise(within))


@pytest.mark.parametrize(("follow", "asked"), [(False, ["/"]), (True, ["/", "/elsewhere"])])
async def test_redirects_are_followed_only_where_that_is_asked_for(follow, asked):
    """By the one session that everything outgoing shares."""
    paths = []

    async def answer(request):
        paths.append(request.path)
        return web.Response(status=307 if request.path == "/" else 200, headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    current = SimpleNamespace(file=SimpleNamespace(private_addresses=True))
    async with TestServer(app) as server, daemon._net(current) as net:
        with pytest.raises(aiohttp.ClientError) if not follow else contextlib.nullcontext():
            await net.http.get(server.make_url("/"), trace_request_ctx=follow)
        assert paths == asked
        with pytest.raises(aiohttp.ClientError):
            await net.http.ws_connect(server.make_url("/"))
    assert paths == [*asked, "/"]

"""Redirects, of a real server: whoever answers with one could have a message sent anywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from alertd import channels
from alertd.channels import Net, Settings, pagerduty, slack, webhook
from alertd.config.secret import Secret
from alertd.errors import Rejected
from tests import made

ELSEWHERE = "/elsewhere"
ASKED = web.AppKey("asked", list[str])


def settings(channel: str, url: str) -> Settings:
    return {
        "pagerduty": pagerduty.Settings(url=url, routing_key=Secret("k" * 32)),
        "slack": slack.Settings(api_url=f"{url}/api/", token=Secret("xoxb-1"), channel="#alerts"),
        "webhook": webhook.Settings(url=Secret(f"{url}/")),
    }[channel]


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    """One that sends whoever asks anything of it to /elsewhere, by the status that stands in the path."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        status = 200 if request.path == ELSEWHERE else int(request.path.split("/")[1])
        return web.Response(status=status, headers={"Location": ELSEWHERE})

    app = web.Application()
    app[ASKED] = asked
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as running:
        yield running


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("channel", ["pagerduty", "slack", "webhook"])
async def test_outgoing_redirects_are_not_followed(server: TestServer, net: Net, channel: str, status: int) -> None:
    """The message is refused, and nobody asks where the answer points to."""
    with pytest.raises(Rejected):
        await channels.load(channel).send(made.delivery(), settings(channel, f"{server.make_url('/')}{status}"), net)
    assert len(server.app[ASKED]) == 1
    assert ELSEWHERE not in server.app[ASKED]

"""Maintenance through the whole daemon, to stand-ins that refuse what the vendors refuse."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from alertd.daemon import Options, serving
from alertd.demo.standins.pagerduty import PagerDuty
from alertd.demo.standins.slack import Slack
from alertd.demo.standins.smtp import Smtp
from alertd.engine.clock import SystemClock
from tests.bodies import body

ROUTING = """
defaults:
  pagerduty: {{url: "{pagerduty}"}}
  slack: {{api_url: "{slack}", token: xoxb-1, rate: none}}
  email: {{smarthost: "{smtp}", from: alertd@example.com, require_tls: false, rate: none}}
receivers:
  on-call: {{pagerduty: {{routing_key: "00000000000000000000000000000000"}}}}
  management: {{style: management, email: {{to: [boss@example.com]}}}}
  slack: {{slack: {{channel: "#alerts"}}}}
routes: {{critical: on-call + management + slack, warning: slack, info: slack}}
"""
WINDOW = {"match": ['alertname="Broken"'], "for": "1h", "reason": "move", "by": "jane", "confirm": True}


class World:
    """A daemon, and whom it tells."""

    def __init__(self, url: str, http: aiohttp.ClientSession, pagerduty: Any, slack: Any, smtp: Any) -> None:
        self.url, self.http, self.pagerduty, self.slack, self.smtp = url, http, pagerduty, slack, smtp

    async def ask(self, method: str, path: str, **named: Any) -> Any:
        async with self.http.request(method, self.url + path, **named) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json(content_type=None) if "api" in path else None

    async def fire(self, *names: str, status: str = "firing") -> None:
        for name in names:
            await self.ask("POST", "/webhook/alertmanager", data=body(name, status=status, group={"instance": name}))

    def slack_texts(self) -> list[str]:
        return [message["text"] for message in self.slack.posted("#alerts")]

    async def states(self, wanted: set[str]) -> bool:
        return {row["state"] for row in (await self.ask("GET", "/api/v1/notifications"))["items"]} == wanted

    async def until(self, condition: Callable[[], bool | Awaitable[bool]]) -> None:
        async with asyncio.timeout(15):
            while True:
                found = condition()
                if found if isinstance(found, bool) else await found:
                    return
                await asyncio.sleep(0.02)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with contextlib.AsyncExitStack() as stack:
        pagerduty = await stack.enter_async_context(PagerDuty())
        slack = await stack.enter_async_context(Slack())
        smtp = await stack.enter_async_context(Smtp())
        config = tmp_path / "routing.yaml"
        config.write_text(ROUTING.format(pagerduty=pagerduty.url, slack=slack.api_url, smtp=smtp.url))
        options = Options(config, tmp_path / "rules", f"sqlite:///{tmp_path}/a.db", "127.0.0.1", 0)
        daemon = await stack.enter_async_context(serving(options, SystemClock()))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield World(daemon.address, http, pagerduty, slack, smtp)


async def test_what_burns_at_the_end_goes_out_as_one_message_each(world: World) -> None:
    """Slack and mail take one message about two incidents, PagerDuty two events; each end is told afterwards."""
    made = await world.ask("POST", "/api/v1/maintenance", json=WINDOW)
    await world.until(lambda: len(world.slack_texts()) == 1)
    assert "Maintenance begins: move" in world.slack_texts()[0]
    await world.fire("one", "two", "three")
    await world.fire("three", status="resolved")
    await world.ask("DELETE", f"/api/v1/maintenance/{made['id']}", json={"by": "joe"})
    await world.until(lambda: len(world.pagerduty.pages) == 2 and len(world.smtp.mails) == 1
                      and len(world.slack_texts()) == 2)
    assert "2 incidents still burn after maintenance" in world.slack_texts()[1]
    assert {page.state for page in world.pagerduty.pages} == {"triggered"}
    await world.fire("one", "two", status="resolved")
    await world.until(lambda: {page.state for page in world.pagerduty.pages} == {"resolved"}
                      and len(world.smtp.mails) == 3 and len(world.slack_texts()) == 4)
    assert sum("esolved" in text for text in world.slack_texts()) == 2
    await world.until(lambda: world.states({"sent", "superseded", "folded"}))  # answers come after the messages

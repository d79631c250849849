from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from alertd.demo.standins import blocks
from alertd.demo.standins.pagerduty import PagerDuty
from alertd.demo.standins.pagerduty import faults as event_faults
from alertd.demo.standins.slack import Slack

KEY = "k" * 32
GOOD: dict[str, Any] = {"routing_key": KEY, "event_action": "trigger", "dedup_key": "d",
                        "payload": {"summary": "s", "source": "x", "severity": "info",
                                    "timestamp": "2026-11-23T14:03:00Z", "custom_details": {}}}


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def post(http: aiohttp.ClientSession, url: str, body: Any, **named: Any) -> tuple[int, Any]:
    async with http.post(url, json=body, **named) as response:
        return response.status, await response.json(content_type=None)


def test_a_good_event_has_no_faults() -> None:
    """So that the strictness below is about what is wrong."""
    assert event_faults(GOOD) == []
    assert event_faults({"routing_key": KEY, "event_action": "resolve", "dedup_key": "d"}) == []


@pytest.mark.parametrize(("change", "word"), [
    ({"routing_key": "short"}, "routing_key"), ({"event_action": "page"}, "event_action"),
    ({"event_action": "resolve", "dedup_key": None}, "dedup_key"), ({"dedup_key": "d" * 256}, "dedup_key"),
    ({"payload": None}, "payload"), ({"payload": {**GOOD["payload"], "severity": "bogus"}}, "severity"),
    ({"payload": {**GOOD["payload"], "summary": "s" * 1025}}, "summary"),
    ({"payload": {**GOOD["payload"], "source": " "}}, "source"),
    ({"payload": {**GOOD["payload"], "timestamp": "yesterday"}}, "timestamp"),
    ({"links": [{"href": "javascript:x"}]}, "href")])
async def test_pagerduty_refuses_what_pagerduty_refuses(
        http: aiohttp.ClientSession, change: dict[str, Any], word: str) -> None:
    """400 with the list of errors, and nothing opened."""
    async with PagerDuty() as standin:
        assert isinstance(standin, PagerDuty)
        status, answer = await post(http, f"{standin.url}/v2/enqueue", {**GOOD, **change})
        assert (status, standin.pages) == (400, [])
        assert any(word in error for error in answer["errors"])


async def test_pagerduty_opens_acknowledges_and_closes(http: aiohttp.ClientSession) -> None:
    """Same key: told again; after a resolve: a new one; a resolve of nothing does nothing."""
    async with PagerDuty() as standin:
        assert isinstance(standin, PagerDuty)
        for action in ("resolve", "trigger", "acknowledge", "trigger", "resolve", "trigger"):
            status, _ = await post(http, f"{standin.url}/v2/enqueue", {**GOOD, "event_action": action})
            assert status == 202
        assert [(page.state, page.triggers) for page in standin.pages] == [("resolved", 2), ("triggered", 1)]


async def test_pagerduty_takes_no_more_than_512_kb(http: aiohttp.ClientSession) -> None:
    """413 above the limit."""
    async with PagerDuty() as standin:
        event = {**GOOD, "payload": {**GOOD["payload"], "custom_details": {"x": "x" * 512_000}}}
        assert (await post(http, f"{standin.url}/v2/enqueue", event))[0] == 413


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


@pytest.mark.parametrize("block", [
    {"type": "header", "text": plain("x" * 151)}, {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
    {"type": "header", "text": plain("")}, {"type": "section", "text": plain("x" * 3001)}, {"type": "section"},
    {"type": "section", "fields": [plain("x")] * 11}, {"type": "section", "fields": [plain("x" * 2001)]},
    {"type": "context", "elements": []}, {"type": "context", "elements": [plain("x")] * 11}, {"type": "marquee"},
    {"type": "actions", "elements": [{"type": "button", "action_id": "a", "text": plain("x" * 76)}]},
    {"type": "actions", "elements": [{"type": "button", "action_id": "a", "text": plain("x"), "url": "javascript:x"}]},
    {"type": "actions", "elements": [{"type": "button", "action_id": "a", "text": plain("x")}] * 2},
    {"type": "section", "text": plain("x"), "block_id": "b" * 256}])
def test_slack_refuses_what_slack_refuses(block: dict[str, Any]) -> None:
    """Each of Block Kit's limits is one fault."""
    assert len(blocks.faults([block])) == 1
    assert len(blocks.faults([{"type": "divider"}] * 51)) == 1


async def test_slack_answers_in_slacks_words(http: aiohttp.ClientSession) -> None:
    """Tokens, channels, sizes and methods, each with its code."""
    async with Slack() as standin:
        assert isinstance(standin, Slack)

        async def code(method: str, body: dict[str, Any], token: str = "xoxb-1") -> str:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            return str((await post(http, standin.api_url + method, body, headers=headers))[1].get("error"))

        text = {"channel": "#alerts", "text": "x"}
        assert await code("auth.test", {}) == "None"
        assert await code("auth.test", {}, "") == "not_authed"
        assert await code("auth.test", {}, "xoxp-1") == "invalid_auth"
        assert await code("chat.dance", {}) == "unknown_method"
        assert await code("chat.postMessage", {**text, "channel": "#nowhere"}) == "channel_not_found"
        assert await code("chat.postMessage", {"channel": "#alerts"}) == "no_text"
        assert await code("chat.postMessage", {**text, "text": "x" * 40_001}) == "msg_too_long"
        assert await code("chat.postMessage", {**text, "blocks": [{"type": "section"}]}) == "invalid_blocks"
        assert await code("chat.postMessage", {**text, "blocks": [
            {"type": "section", "text": plain("x" * 2900)}] * 5}) == "msg_blocks_too_long"
        assert await code("chat.postMessage", {**text, "thread_ts": "1.0"}) == "thread_not_found"
        assert await code("chat.postMessage", {**text, "metadata": {"event_type": "x"}}) == "invalid_metadata_format"
        assert await code("chat.update", {"channel": "#alerts", "ts": "1.0", "text": "x"}) == "channel_not_found"
        assert await code("chat.update", {"channel": "C00000001", "ts": "1.0", "text": "x"}) == "message_not_found"
        assert await code("conversations.history", {"channel": "#alerts"}) == "channel_not_found"


async def test_slack_throttles_by_channel(http: aiohttp.ClientSession) -> None:
    """The second message within a second gets 429 with Retry-After, in another channel it does not."""
    async with Slack(throttle=1) as standin:
        assert isinstance(standin, Slack)
        headers = {"Authorization": "Bearer xoxb-1"}
        statuses = [(await post(http, f"{standin.api_url}chat.postMessage", {"channel": name, "text": "x"},
                                headers=headers))[0] for name in ("#alerts", "#alerts", "#platform")]
        assert statuses == [200, 429, 200]


async def test_a_fault_counts_down(http: aiohttp.ClientSession) -> None:
    """Two failures, then as usual; every request is on record."""
    async with PagerDuty() as standin:
        standin.answer("500", times=2)
        statuses = []
        for _ in range(3):
            async with http.post(f"{standin.url}/v2/enqueue", json=GOOD) as response:
                statuses.append(response.status)
        assert statuses == [500, 500, 202]
        assert [entry.outcome for entry in standin.received] == ["500", "500", "202"]


async def test_they_run_in_a_process_of_their_own(http: aiohttp.ClientSession) -> None:
    """One line of addresses; from outside one can steer them, see what they got, and stop them."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "alertd.demo.standins", stdout=asyncio.subprocess.PIPE, env=dict(os.environ))
    assert process.stdout is not None
    urls = json.loads(await process.stdout.readline())
    assert set(urls) == {"pagerduty", "slack", "smtp", "webhook", "control"}
    plan = {"standin": "pagerduty", "mode": "429", "times": 1, "retry_after": 2}
    assert await post(http, f"{urls['control']}/_fault", plan) == (200, {"ok": True})
    for status in (429, 202):
        assert (await post(http, f"{urls['pagerduty']}/v2/enqueue", GOOD))[0] == status
    async with http.get(f"{urls['control']}/_received") as response:
        report = await response.json()
    assert [page["dedup_key"] for page in report["pagerduty"]["pages"]] == ["d"]
    assert (await http.post(f"{urls['control']}/_fault", json={"standin": "nobody"})).status == 400
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 10) == 0

"""`alertd send-test`, with a real daemon and a real Alertmanager."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest

from tests.flows.processes import House
from tests.flows.test_chain import ALERTMANAGER, Alertmanager


async def run(house: House, *words: str) -> tuple[int, Any]:
    """The command's exit code, and what it says as JSON."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "alertd", "send-test", "--url", house.url, "-o", "json", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    return process.returncode or 0, json.loads(said) if said else None


async def test_a_test_reaches_everybody_and_ends(house: House) -> None:
    """The start and the end at each, marked as a test."""
    await house.start()
    code, said = await run(house, "--severity", "critical", "service=checkout")
    assert code == 0
    assert {row["state"] for row in said["messages"]} == {"sent"}
    assert {row["kind"] for row in said["messages"]} == {"firing", "resolved"}
    page, = house.pagerduty.pages
    assert page.state == "resolved"
    assert "TEST, nothing is wrong" in house.roots()[0]["text"]


async def test_what_does_not_arrive_is_a_failure(house: House) -> None:
    """And says where and why."""
    await house.start()
    house.pagerduty.answer(mode="400")
    code, said = await run(house, "--severity", "critical")
    assert code == 1
    assert [row["channel"] for row in said["messages"] if row["state"] == "dead"] == ["pagerduty"]


@pytest.mark.skipif(not ALERTMANAGER, reason="Alertmanager is missing")
async def test_it_goes_through_alertmanager(house: House) -> None:
    """Its webhook is part of the chain."""
    await house.start()
    real = Alertmanager(house)
    await real.start()
    code, said = await run(house, "--severity", "warning", "--alertmanager", real.url)
    assert code == 0
    assert {row["kind"] for row in said["messages"]} == {"firing", "resolved"}

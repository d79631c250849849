"""Several alertd on one PostgreSQL: whoever takes a webhook, and whoever is killed or stopped, one effect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.flows.processes import House, until, webhook


@pytest.fixture
async def three(tmp_path: Path, postgres_url: str) -> AsyncIterator[list[House]]:
    """Three replicas, running."""
    async with House(tmp_path) as house:
        house.store = postgres_url
        houses = [house, house.beside(), house.beside()]
        await asyncio.gather(*(one.start() for one in houses))
        yield houses


async def test_whoever_is_told(three: list[House]) -> None:
    """The same group at three replicas at once is one incident, told once at each place; so is its end."""
    await asyncio.gather(*(one.tell(webhook("Broken", alerts=5)) for one in three))
    house = three[0]
    assert {row["state"] for row in await house.settled()} == {"sent"}
    assert len(await house.items("incidents")) == 1
    await asyncio.gather(*(one.tell(webhook("Broken", "resolved", alerts=5)) for one in three))
    await until(lambda: [page.state for page in house.pagerduty.pages] == ["resolved"], "the page is closed")
    await house.settled()
    assert [page.triggers for page in house.pagerduty.pages] == [1]
    assert (len(house.roots()), len(house.smtp.mails)) == (1, 2)

"""kill -9 again and again while webhooks pour in: whatever was answered 2xx has reached PagerDuty in the end."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.flows.processes import House, webhook

SENDERS = 6


async def kill_now_and_then(house: House, chance: random.Random, kills: int) -> None:
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(0.1, 0.8))
        assert house.daemon is not None
        house.daemon.kill()
        await house.start()


async def pour(house: House, chance: random.Random, kills: int) -> list[str]:
    """Many groups from several connections, each sent until it is taken, for as long as the kills go on; the names
    of those that were taken, in no order."""
    taken: list[str] = []
    killing = asyncio.create_task(kill_now_and_then(house, chance, kills))

    async def send(sender: int) -> None:
        number = 0
        while not killing.done() or number < 10:
            name = f"Broken{sender}x{number}"
            await house.tell(webhook(name, alerts=chance.randint(1, 10)))
            taken.append(name)
            if chance.random() < 0.3:
                await house.tell(webhook(name, "resolved", alerts=10))
            number += 1

    await asyncio.gather(killing, *(send(sender) for sender in range(SENDERS)))
    return taken


async def nothing_is_lost(house: House, seed: int, kills: int) -> None:
    house.route("on-call")
    await house.start()
    taken = await pour(house, random.Random(seed), kills)
    rows = await house.settled(120)
    assert {row["state"] for row in rows} <= {"sent", "superseded"}
    incidents = {row["labels"]["alertname"]: row for row in await house.items("incidents")}
    assert len(incidents) == len(await house.items("incidents")) == len(set(taken))
    pages = {page.dedup_key.split("/")[1]: page for page in house.pagerduty.pages}
    assert len(pages) == len(house.pagerduty.pages)
    open_rows = [row for row in incidents.values() if row["state"] == "open"]
    assert {row["id"] for row in open_rows} <= pages.keys()
    assert all((pages[row["id"]].state == "resolved") == (row["state"] == "resolved")
               for row in incidents.values() if row["id"] in pages)
    # Who was told nothing at all, because start and end came before anything could be sent, was to be told nothing.
    untold = {row["id"] for row in incidents.values()} - pages.keys()
    assert all(row["state"] == "superseded" for row in rows if row["incident"] in untold)


async def test_killed_twice_under_load(house: House) -> None:
    """Two kills while webhooks pour in lose nothing that was answered 200 and open no page twice."""
    await nothing_is_lost(house, seed=1, kills=2)


@pytest.mark.chaos
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(5))
async def test_killed_again_and_again(house: House, seed: int) -> None:
    """Six kills while webhooks pour in lose nothing that was answered 200 and open no page twice."""
    await nothing_is_lost(house, seed, kills=6)

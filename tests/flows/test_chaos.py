"""kill -9 again and again while webhooks pour in: whatever was answered 2xx has reached everybody in the end, and what
was sent twice is counted."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter

import pytest

from alertd.demo.processes import Failed
from alertd.demo.standins.pagerduty import Page
from tests.flows.killed import POINTS
from tests.flows.processes import EVERYONE, House, Told, webhook

SENDERS = 6
STUBBORN = 300.0  # seconds a sender goes on; a run of daemons that die before they answer takes a while
CHANNELS = ("pagerduty", "slack", "email")
PATIENCE = 5.0  # seconds for a daemon to come to the point where it kills itself; then it is killed where it is


async def kill_now_and_then(house: House, chance: random.Random, kills: int) -> Counter[str]:
    """At any moment, or when it first comes to a named point of a message's way; how often where."""
    where: Counter[str] = Counter()
    for _ in range(kills):
        assert house.daemon is not None
        if chance.random() < 0.5:
            await asyncio.sleep(chance.uniform(0.1, 0.8))
            await asyncio.to_thread(house.daemon.kill)
            where["any moment"] += 1
        else:
            point, channel = chance.choice(sorted(POINTS)), chance.choice(CHANNELS)
            await asyncio.to_thread(house.daemon.kill)
            where["between"] += 1
            try:
                await house.start_killed(point, channel)
                await asyncio.wait_for(house.daemon.ended(), PATIENCE)
                where[point] += 1
            except (TimeoutError, Told, Failed):  # it may die before it is ready
                where["any moment"] += 1
            await asyncio.to_thread(house.daemon.kill)
        await house.start()
    return where


async def pour(house: House, chance: random.Random, kills: int) -> tuple[list[str], Counter[str]]:
    """Many groups from several connections, each sent until it is taken, for as long as the kills go on; the names
    of those that were taken, in no order, and where the kills hit."""
    taken: list[str] = []
    killing = asyncio.create_task(kill_now_and_then(house, chance, kills))

    async def send(sender: int) -> None:
        number = 0
        while not killing.done() or number < 10:
            name = f"Broken{sender}x{number}"
            await house.tell(webhook(name, alerts=chance.randint(1, 10)), STUBBORN)
            taken.append(name)
            if chance.random() < 0.3:
                await house.tell(webhook(name, "resolved", alerts=10), STUBBORN)
            number += 1
            await asyncio.sleep(chance.uniform(0, 0.2))

    await asyncio.gather(killing, *(send(sender) for sender in range(SENDERS)))
    return taken, killing.result()


def sent_twice(house: House, pages: dict[str, Page], ids: set[str]) -> dict[str, int]:
    """What each vendor was sent more often than once. PagerDuty and mail know a repeat by its key or Message-ID; Slack
    is asked before a doubtful message is sent again, so there it must be nothing."""
    said = [json.dumps(message) for message in house.roots()]
    mails = house.message_ids()
    return {"pagerduty": sum(page.triggers - 1 for page in pages.values()), "email": len(mails) - len(set(mails)),
            "slack": sum(max(0, sum(id in text for text in said) - 1) for id in ids)}


async def nothing_is_lost(house: House, seed: int, kills: int) -> None:
    house.route(EVERYONE)
    await house.start()
    taken, where = await pour(house, random.Random(seed), kills)
    rows = await house.settled(240)
    assert {row["state"] for row in rows} <= {"sent", "superseded"}
    incidents = {row["labels"]["alertname"]: row for row in await house.items("incidents")}
    assert len(incidents) == len(await house.items("incidents")) == len(set(taken))
    pages = {page.dedup_key.split("/")[1]: page for page in house.pagerduty.pages}
    assert len(pages) == len(house.pagerduty.pages)  # one incident each
    for channel in CHANNELS:
        told = {row["incident"] for row in rows if row["channel"] == channel and row["state"] == "sent"}
        started = {row["incident"] for row in rows if row["channel"] == channel and row["state"] == "sent"
                   and row["kind"] == "firing"}
        # who was told nothing at all, because start and end came before anything could be sent, was to be told nothing
        assert all(row["id"] in told for row in incidents.values() if row["state"] == "open"), channel
        if channel == "pagerduty":
            assert started <= pages.keys() <= told  # of a start in doubt that never came, an end is told all the same
        elif channel == "slack":
            said = " ".join(json.dumps(message) for message in house.roots())
            assert all(id in said for id in told)
        else:
            mailed = " ".join(str(mail.message) for mail in house.smtp.mails)
            assert all(id in mailed for id in told)
    assert all((pages[row["id"]].state == "resolved") == (row["state"] == "resolved")
               for row in incidents.values() if row["id"] in pages)
    twice = sent_twice(house, pages, {row["id"] for row in incidents.values()})
    print(f"seed {seed}: {where.total()} kills {dict(where)}, {len(taken)} incidents, {len(rows)} messages, "
          f"sent twice {twice}")
    assert twice["slack"] == 0


async def test_killed_twice_under_load(house: House) -> None:
    """Two kills while webhooks pour in lose nothing that was answered 200 and open no page twice."""
    await nothing_is_lost(house, seed=1, kills=2)


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(8))
async def test_killed_again_and_again(house: House, seed: int) -> None:
    """Twenty kills, at every point and at any moment, lose nothing that was answered 200 and open no page twice."""
    await nothing_is_lost(house, seed, kills=20)

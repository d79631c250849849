"""Several alertd on one PostgreSQL: whoever takes a webhook, and whoever is killed or stopped, one effect."""

from __future__ import annotations

import asyncio
import collections
import datetime
import random
import signal
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path

import pytest

from tests.flows import hasty
from tests.flows.processes import House, until, webhook

SENDERS = 4


@pytest.fixture
async def three(tmp_path: Path, postgres_url: str) -> AsyncIterator[list[House]]:
    """Three replicas, not started yet, whose claims last five seconds."""
    async with House(tmp_path) as house:
        house.store, house.hasty = postgres_url, True
        yield [house, house.beside(), house.beside()]


async def start(three: list[House]) -> None:
    await asyncio.gather(*(one.start() for one in three))


def signal_to(number: signal.Signals, *houses: House) -> None:
    for one in houses:
        assert one.daemon
        one.daemon.signal(number)


async def test_whoever_is_told(three: list[House]) -> None:
    """The same group at three replicas at once is one incident, told once at each place; so is its end."""
    await start(three)
    await asyncio.gather(*(one.tell(webhook("Broken", alerts=5)) for one in three))
    house = three[0]
    assert {row["state"] for row in await house.settled()} == {"sent"}
    assert len(await house.items("incidents")) == 1
    await asyncio.gather(*(one.tell(webhook("Broken", "resolved", alerts=5)) for one in three))
    await until(lambda: [page.state for page in house.pagerduty.pages] == ["resolved"], "the page is closed")
    await house.settled()
    assert [page.triggers for page in house.pagerduty.pages] == [1]
    assert (len(house.roots()), len(house.smtp.mails)) == (1, 2)


async def test_stopped_past_its_claim_and_continued(three: list[House]) -> None:
    """A replica that is stopped while it sends loses its claim to another; when it goes on it changes nothing."""
    first, other, third = three
    first.route("on-call")
    first.pagerduty.answer("hang", times=1)
    await start(three)
    signal_to(signal.SIGSTOP, other, third)
    await first.tell(webhook("Broken"))
    await until(lambda: first.pagerduty.received, "it is being sent")
    signal_to(signal.SIGSTOP, first)
    signal_to(signal.SIGCONT, other, third)

    async def sent() -> bool:
        return [row["state"] for row in await other.items("notifications")] == ["sent"]

    await until(sent, "another replica has sent it", hasty.SECONDS + 30)
    first.daemon.signal(signal.SIGCONT)

    async def noted() -> bool:
        row, = await other.items("notifications")
        tries = (await other.json(f"/api/v1/notifications/{row['id']}"))["tries"]
        return {one["event"] for one in tries} == {"accept", "lease_lost"} and row["state"] == "sent"

    await until(noted, "what the stopped one did is kept as in doubt, and changes nothing")
    assert len(first.pagerduty.pages) == 1


async def kill_in_turn(three: list[House], chance: random.Random, kills: int) -> None:
    for one in three * kills:
        await asyncio.sleep(chance.uniform(0.05, 0.4))
        assert one.daemon
        one.daemon.kill()
        await one.start()


async def pour(three: list[House], chance: random.Random, deed: Coroutine[None, None, None]
               ) -> collections.Counter[tuple[str, str]]:
    """Groups from several senders, each told to one replica or another until one takes it, for as long as the deed
    goes on; how often each was taken as firing."""
    taken: collections.Counter[tuple[str, str]] = collections.Counter()
    doing = asyncio.create_task(deed)

    async def tell(body: dict[str, object]) -> None:
        async def taken() -> bool:
            return await chance.choice(three).post(body) == 200

        await until(taken, "some replica takes it")

    async def send(sender: int) -> None:
        number = 0
        while not doing.done() or number < 10:
            name, severity = f"Broken{sender}x{number}", chance.choice(["critical", "critical", "info"])
            await tell(webhook(name, alerts=chance.randint(1, 10), severity=severity))
            taken[severity, name] += 1
            if chance.random() < 0.3:
                await tell(webhook(name, "resolved", alerts=10, severity=severity))
            number += 1
            await asyncio.sleep(chance.uniform(0, 0.1))

    await asyncio.gather(doing, *(send(sender) for sender in range(SENDERS)))
    return taken


def route_with_digests(house: House, minutes: int) -> int:
    """Pages for critical, and for info a digest each minute from the next but one on; how many."""
    start = datetime.datetime.now(datetime.UTC).replace(second=0) + datetime.timedelta(minutes=2)
    times = [f"{start + datetime.timedelta(minutes=minute):%H:%M}" for minute in range(minutes)]
    digests = "\n".join(
        f'  daily-{number}: {{digest: {{at: "{at}", timezone: UTC, email: {{to: [d{number}@example.com]}}}}}}'
        for number, at in enumerate(times))
    (house.folder / "routing.yaml").write_text(f"""
defaults:
  pagerduty: {{url: {house.pagerduty.url}, routing_key: {"k" * 32}}}
  email: {{smarthost: "{house.smtp.url}", from: alertd@example.com, require_tls: false, rate: none}}
receivers:
  on-call: {{pagerduty: {{}}}}
{digests}
routes: {{critical: on-call, warning: on-call, info: [{", ".join(f"daily-{number}" for number in range(minutes))}]}}
""")
    return minutes


async def nothing_is_lost(three: list[House], taken: collections.Counter[tuple[str, str]]) -> None:
    house = three[0]
    rows = await house.settled(180)
    assert {row["state"] for row in rows} <= {"sent", "superseded", "held", "folded"}
    incidents = {row["labels"]["alertname"]: row for row in await house.items("incidents")}
    assert len(incidents) == len(await house.items("incidents")) == len(taken)  # nothing lost, nothing twice
    pages = collections.Counter(page.dedup_key.split("/")[1] for page in house.pagerduty.pages)
    assert set(pages.values()) <= {1}
    critical = [incidents[name] for severity, name in taken if severity == "critical"]
    assert {row["id"] for row in critical if row["state"] == "open"} <= pages.keys()
    states = {page.dedup_key.split("/")[1]: page.state for page in house.pagerduty.pages}
    assert all((states[row["id"]] == "resolved") == (row["state"] == "resolved")
               for row in critical if row["id"] in states)
    untold = {row["id"] for row in critical} - pages.keys()
    assert all(row["state"] == "superseded" for row in rows if row["incident"] in untold)


async def test_each_killed_under_load(three: list[House]) -> None:
    """Each replica killed once while webhooks pour in: nothing that was answered 200 is lost, no page is doubled."""
    three[0].route("on-call")
    await start(three)
    chance = random.Random(1)
    await nothing_is_lost(three, await pour(three, chance, kill_in_turn(three, chance, 1)))


@pytest.mark.chaos
@pytest.mark.timeout(3600)
async def test_each_killed_fifty_times(three: list[House]) -> None:
    """Nothing that was answered 200 is lost, no page is doubled, and no digest, of which one is due every minute."""
    house = three[0]
    digests = route_with_digests(house, 6)
    await start(three)
    chance = random.Random(7)
    await nothing_is_lost(three, await pour(three, chance, kill_in_turn(three, chance, 50)))

    async def all_due() -> bool:  # the last minute may come only after the last kill
        rows = await house.items("notifications")
        return len({row["receiver"] for row in rows if row["kind"] == "digest"}) == digests

    await until(all_due, "every digest was made", 60 * digests)
    rows = await house.settled(180)
    made = collections.Counter(row["receiver"] for row in rows if row["kind"] == "digest")
    assert made == {f"daily-{number}": 1 for number in range(digests)}
    mails = {str(mail.message["To"]): set() for mail in house.smtp.mails}
    for mail in house.smtp.mails:
        mails[str(mail.message["To"])].add(str(mail.message["Message-ID"]))
    assert {to: len(ids) for to, ids in mails.items()} == {f"d{number}@example.com": 1 for number in range(digests)}

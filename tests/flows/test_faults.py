"""Vendors that refuse, throttle and hang, seen from outside a running alertd."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.flows import stepped
from tests.flows.processes import House, until, webhook

ESTABLISHED = "01"
CONNECTIONS = 8


def connections_to(port: int) -> int:
    """Connections of this machine to the port that are open (from /proc/net/tcp, seen from the caller's side)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == ESTABLISHED for row in rows)


@pytest.mark.parametrize(("vendor", "fault", "shown"), [
    ("pagerduty", {"mode": "400"}, "400"),
    ("pagerduty", {"mode": "413"}, "413"),
    ("pagerduty", {"mode": "garbage200"}, "not PagerDuty"),
    ("slack", {"mode": "ok_false", "code": "channel_not_found"}, "channel_not_found"),
    ("slack", {"mode": "garbage200"}, "not Slack"),
])
async def test_refusal(house: House, vendor: str, fault: dict[str, str], shown: str) -> None:
    """What a vendor will never take, or what something else took in its place, is a dead letter that people and
    programs see; the other channels are not concerned."""
    getattr(house, vendor).answer(**fault)
    await house.start()
    await house.tell(webhook("Broken"))
    states = {row["channel"]: row["state"] for row in await house.settled()}
    assert states == {"pagerduty": "sent", "slack": "sent", "email": "sent", vendor: "dead"}
    dead, = await house.items("notifications?state=dead")
    assert shown in dead["reason"]
    page = await house.text("/")
    assert "Undelivered" in page
    assert 'data-state="attention"' in page
    assert f"by {vendor}" in page


async def test_throttled_over_a_restart(house: House) -> None:
    """A vendor's Retry-After is kept to by the next process too, even after kill -9."""
    asked = 5.0
    house.route("on-call")
    house.pagerduty.answer("429", times=1, retry_after=asked)
    daemon = await house.start()
    await house.tell(webhook("Broken"))

    async def requeued() -> bool:
        return any(row["state"] == "queued" and row["reason"] for row in await house.items("notifications"))

    await until(requeued, "the refusal is written")
    daemon.kill()
    await house.start()
    await house.tell(webhook("Second"))
    await house.settled()
    first, *later = [entry.at for entry in house.pagerduty.received]
    assert min(later) - first >= asked * 1000
    assert len(house.pagerduty.pages) == 2


async def test_hanging_slack(house: House) -> None:
    """While Slack hangs, starts and ends reach PagerDuty, and Slack is held by eight connections at most; when it
    answers again, each message there says how it ended."""
    names = [f"Broken{number}" for number in range(12)]
    slack_port = int(house.slack.url.rpartition(":")[2])
    house.route("on-call + slack")
    house.slack.answer("hang")
    await house.start()
    most = 0

    def pages(state: str) -> Callable[[], bool]:
        def all_are() -> bool:
            nonlocal most
            most = max(most, connections_to(slack_port))
            return sum(page.state == state for page in house.pagerduty.pages) == len(names)

        return all_are

    for state, status in (("triggered", "firing"), ("resolved", "resolved")):
        for name in names:
            await house.tell(webhook(name, status))
        await until(pages(state), f"every page is {state}", 9)  # less than Slack is waited for
    assert 0 < most <= CONNECTIONS
    assert not house.roots()
    house.slack.answer("ok")
    await house.settled(90)
    assert all("resolved" in root["text"].lower() for root in house.roots())
    assert [page.triggers for page in house.pagerduty.pages] == [1] * len(names)


async def test_clock_set_forward_and_back(house: House) -> None:
    """What waits to be tried again is tried an hour later at once, and two hours before within seconds; what comes then
    is told at once; nothing is told twice."""
    house.route("on-call")
    house.pagerduty.answer("500", times=1)
    daemon = await house.start_stepped()
    await house.tell(webhook("First"))
    await until(lambda: house.pagerduty.received, "the first try")
    daemon.signal(stepped.FORWARD)
    await house.tell(webhook("Second"))
    await until(lambda: len(house.pagerduty.pages) == 2, "both are told an hour later")
    house.pagerduty.answer("500", times=1)
    await house.tell(webhook("Third"))
    await until(lambda: len(house.pagerduty.received) == 4, "another first try")
    daemon.signal(stepped.BACK)
    await house.tell(webhook("Fourth"))
    await until(lambda: any("Fourth" in str(page.event) for page in house.pagerduty.pages), "what is new is told")
    await until(lambda: len(house.pagerduty.pages) == 4, "what waits is tried again", 15)
    await house.tell(webhook("Fourth", "resolved"))
    await until(lambda: any(page.state == "resolved" for page in house.pagerduty.pages), "its end is told")
    assert {page.triggers for page in house.pagerduty.pages} == {1}

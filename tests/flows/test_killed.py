"""kill -9 at each point of a message's way: nothing answered 2xx is lost, and every message has one effect."""

from __future__ import annotations

import signal

import pytest

from tests.flows.processes import House, webhook

CHANNELS = {"pagerduty": "on-call", "slack": "slack", "email": "management"}


async def ends_killed(house: House) -> None:
    assert house.daemon is not None
    assert await house.daemon.ended() == -signal.SIGKILL


@pytest.mark.parametrize("point", ["before_commit", "before_reply"])
async def test_killed_before_the_answer(house: House, point: str) -> None:
    """A sender that got no 2xx sends again, and then everybody is told exactly once."""
    await house.start_killed(point)
    assert await house.post(webhook("Broken")) == 0
    await ends_killed(house)
    assert not house.pagerduty.pages
    await house.start()
    assert len(await house.items("incidents")) == (point == "before_reply")
    await house.tell(webhook("Broken"))
    assert {row["state"] for row in await house.settled()} == {"sent"}
    assert [page.triggers for page in house.pagerduty.pages] == [1]
    assert (len(house.roots()), len(house.smtp.mails), len(await house.items("incidents"))) == (1, 1, 1)


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("point", ["before_send", "before_settle", "after_settle"])
async def test_killed_while_delivering(house: House, point: str, channel: str) -> None:
    """What is on disk goes out after a restart, without its sender; what may have gone out already has the
    same effect: one page, one Slack message, mails of one Message-ID."""
    house.route(CHANNELS[channel])
    await house.start_killed(point, channel)
    paging = (point, channel) == ("before_send", "pagerduty")  # a page begins before its sender is answered
    assert await house.post(webhook("Broken")) == (0 if paging else 200)
    await ends_killed(house)
    await house.start()
    assert [row["state"] for row in await house.settled()] == ["sent"]
    sent = {"pagerduty": [page.triggers for page in house.pagerduty.pages],
            "slack": [1 for _ in house.roots()],
            "email": [len(house.message_ids())]}[channel]
    twice = point == "before_settle" and channel != "slack"  # Slack is asked, the others know it by its id
    assert sent == [2 if twice else 1]
    assert len(set(house.message_ids())) == (channel == "email")


async def test_killed_between_start_and_end(house: House) -> None:
    """An incident that began before a crash is ended after it, at the place that was told of its start."""
    house.route("on-call + slack")
    await house.start_killed("before_settle", "slack")
    assert await house.post(webhook("Broken")) == 200
    await ends_killed(house)
    await house.start()
    await house.tell(webhook("Broken", "resolved"))
    await house.settled()
    assert [page.state for page in house.pagerduty.pages] == ["resolved"]
    assert len(house.roots()) == 1
    assert "resolved" in house.roots()[0]["text"].lower()

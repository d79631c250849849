"""A storm on the first page and in the status."""

from __future__ import annotations

import re
from typing import Any

from tests.bodies import body

SLACK = 'platform-team: {slack: {channel: "#platform", token: xoxb-1, api_url: "http://127.0.0.1:1/"}}'


async def test_a_storm_is_shown(site: Any) -> None:
    """Where, since when, how much of it is told in one message; and in the metrics."""
    site.config.write_text(site.config.read_text().replace("platform-team: {log: {}}", SLACK))
    async with site.http.post(f"{site.url}/-/reload") as answer:
        assert answer.status == 200
    for number in range(25):
        assert (await site.post(body(f"n{number}", severity="warning", group={"n": str(number)})))[0] == 200
    storm, = (await site.json("/api/v1/status"))["storms"]
    assert (storm["receiver"], storm["channel"], storm["target"], storm["folded"]) == (
        "platform-team", "slack", "#platform", 5)
    page = (await site.get("/"))[1]
    assert re.search(r"Storm at platform-team by slack #platform since [-\d: ]+UTC: 5 messages are told in one", page)
    folded = await site.json("/api/v1/notifications?state=folded")
    assert {storm["id"] in row["reason"] for row in folded["items"]} == {True}

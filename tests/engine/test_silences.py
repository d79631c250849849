"""Which of Alertmanager's silences end soon."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from alertd.digest import Ending
from alertd.engine.silences import Silences
from alertd.model import DAY, HOUR, Millis

NOW: Millis = 1_800_000_000_000


def silence(id: str, ends: Millis, state: str = "active") -> dict[str, Any]:
    """As `GET /api/v2/silences` has it."""
    def text(at: Millis) -> str:
        return datetime.datetime.fromtimestamp(at / 1000, datetime.UTC).isoformat().replace("+00:00", "Z")

    matcher = {"name": "service", "value": "db", "isRegex": False, "isEqual": True}
    return {"id": id, "status": {"state": state}, "matchers": [matcher], "startsAt": text(NOW - DAY),
            "endsAt": text(ends), "comment": "upgrade", "createdBy": "ann"}


@pytest.fixture
async def ask() -> AsyncIterator[Any]:
    """What two peers with these silences, and somebody who is no Alertmanager, say."""
    listed: list[dict[str, Any]] = []

    async def silences(request: web.Request) -> web.Response:
        return web.Response(text="<html>") if request.path.startswith("/other") else web.json_response(listed)

    app = web.Application()
    app.router.add_get("/{peer}/api/v2/silences", silences)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def answered(*given: dict[str, Any]) -> tuple[list[Ending], list[str]]:
        listed[:] = given
        async with aiohttp.ClientSession() as http:
            found, mute = await Silences([f"{url}/a", f"{url}/b/", f"{url}/other"], http).ending(NOW)
        return found, [address.rpartition("/")[2] for address in mute]

    yield answered
    await runner.cleanup()


async def test_those_that_hold_and_end_within_a_day_are_told_once(ask: Any) -> None:
    """By what they cover, why, and who made them; not what has ended, begins later, or holds on."""
    found, mute = await ask(silence("1", NOW + HOUR), silence("2", NOW + 2 * DAY), silence("3", NOW - HOUR, "expired"),
                            silence("4", NOW + HOUR, "pending"))
    assert found == [Ending('silence of service="db" (upgrade)', NOW + HOUR, "ann")]
    assert mute == ["other"]


async def test_what_is_no_silence_is_no_answer(ask: Any) -> None:
    """It is said that its silences are not known."""
    assert await ask({**silence("1", NOW + HOUR), "endsAt": "soon"}) == ([], ["a", "b", "other"])

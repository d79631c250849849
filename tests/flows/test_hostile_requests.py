"""Requests by the thousand that nobody sane would send, to a daemon whose door is shut: no 500, no secret in an answer,
nothing changed by strangers, and no memory that is not given back."""

from __future__ import annotations

import asyncio
import base64
import collections
import dataclasses
import itertools
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from unittest import mock

import aiohttp
import pytest
import yarl

from alertd.access import digest_of
from alertd.web.app import build
from tests.flows.hostile import Request, anything, described
from tests.flows.processes import House, webhook
from tests.flows.test_flood import memory

CANARY = "canary4711canary4711canary471133"  # as long as a routing key has to be
ROLES = ("viewer", "responder", "sender", "scraper", "admin")  # each its own key
WRONG = ("", "Bearer", "Bearer wrong", f"Bearer {digest_of('admin')}", "Basic", "Basic !!!",
         "Basic " + base64.b64encode(b"admin:admin").decode(), "Digest admin", "Bearer \u00e4dmin")
OPEN = ("/-/healthy", "/-/ready")
SENDERS = 16
TIMELESS = ("chores",)  # tables in which time alone changes something
GROWTH = 96  # MiB


def route(house: House) -> None:
    keys = "".join(f"    - {{name: {role}, role: {role}, sha256: {digest_of(role)}}}\n" for role in ROLES)
    (house.folder / "routing.yaml").write_text(f"""
defaults:
  pagerduty: {{url: {house.pagerduty.url}, routing_key: {CANARY}, webhook_secret: {CANARY}}}
  slack: {{api_url: {house.slack.api_url}, token: xoxb-{CANARY}, signing_secret: {CANARY}, rate: none}}
receivers:
  on-call: {{pagerduty: {{}}, slack: {{channel: "#alerts"}}}}
  nobody: {{webhook: {{url: "http://127.0.0.1:9/{CANARY}", hmac_secret: {CANARY}}}}}
routes: {{critical: on-call, warning: on-call, info: on-call}}
access:
  keys:
{keys}""")


@dataclasses.dataclass
class Answers:
    """What came of the requests: how many by status, those that may not be, and what could not be sent at all."""

    statuses: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    wrong: list[str] = dataclasses.field(default_factory=list)
    unsent: int = 0

    def __str__(self) -> str:
        by_status = dict(sorted(self.statuses.items()))
        return f"{self.statuses.total()} answered {by_status}, {self.unsent} could not be sent"


async def send(house: House, requests: Iterable[Request], visitors: Sequence[str], *, strangers: bool) -> Answers:
    """Each request by the next visitor: an Authorization header, "" for none."""
    found, queue = Answers(), iter(zip(requests, itertools.cycle(visitors), strict=False))

    async def work(session: aiohttp.ClientSession) -> None:
        for request, visitor in queue:
            headers = {**request.headers, **({"Authorization": visitor} if visitor else {})}
            try:
                async with session.request(request.method, yarl.URL(house.url + request.path, encoded=True),
                                           headers=headers, data=request.body or None, allow_redirects=False) as answer:
                    said = f"{answer.headers} {await answer.text(errors='replace')}"
                    status = answer.status
            except (ValueError, aiohttp.ClientError, UnicodeError):
                found.unsent += 1
                continue
            found.statuses[status] += 1
            path = request.path.partition("?")[0]
            if (status >= 500 and status != 503) or CANARY in said or (strangers and status < 400 and path not in OPEN):
                found.wrong.append(f"{status} to {visitor!r}: {request.method} {request.path[:200]} "
                                   f"{dict(request.headers)} {request.body[:200]!r}: {said[:200]}")

    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(),
                                     timeout=aiohttp.ClientTimeout(total=60)) as session:
        await asyncio.gather(*(work(session) for _ in range(SENDERS)))
    return found


def mixed(drawn: list[Request], paths: Sequence[str], ids: Sequence[str], number: int) -> list[Request]:
    """So many: these, and the rest from all that the description does not say."""
    return drawn + anything(paths, ids, number - len(drawn))


def counted(folder: Path) -> dict[str, int]:
    """How many rows each table has."""
    with sqlite3.connect(f"file:{folder / 'alertd.db'}?mode=ro", uri=True) as store:
        names = [name for name, in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: store.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
                for name in names if name not in TIMELESS}


async def hostile(house: House, number: int) -> None:
    """So many requests, one half of them by strangers, the other by who has a key of some role."""
    route(house)
    daemon = await house.start()
    house.session.headers["Authorization"] = "Bearer admin"
    await house.tell(webhook("Broken", alerts=3))
    await house.settled()
    ids = [row["id"] for what in ("incidents", "notifications", "alerts") for row in await house.items(what)]
    description = await house.json("/api/v1/openapi.json")
    paths = [route.resource.canonical for route in build(mock.MagicMock()).router.routes() if route.resource]
    requests = await asyncio.to_thread(
        lambda: mixed([*described(description, number // 4)], paths, ids, number // 2))
    before, idle = counted(house.folder), memory(daemon.pid)["VmRSS"]
    strangers = await send(house, requests, WRONG, strangers=True)
    after, between = counted(house.folder), memory(daemon.pid)["VmRSS"]
    visitors = [f"Bearer {role}" for role in (*ROLES, "admin", "admin")]
    known = await send(house, requests, visitors, strangers=False)
    end = memory(daemon.pid)
    print(f"\n{len(requests)} requests; strangers: {strangers}\nwith a key: {known}\n"
          f"RSS {idle} MiB, {between} after the strangers, {end['VmRSS']} at the end, at most {end['VmHWM']}")
    assert not (wrong := strangers.wrong + known.wrong), f"{len(wrong)} wrong answers:\n" + "\n".join(wrong[:20])
    assert after == before
    assert between < idle + GROWTH
    assert end["VmRSS"] < idle + GROWTH
    assert await house.status("/-/healthy") == 200
    assert CANARY not in daemon.log.read_text()


async def test_some_hundred_hostile_requests(house: House) -> None:
    """As below, in a few seconds."""
    await hostile(house, 600)


@pytest.mark.chaos
@pytest.mark.timeout(0)
async def test_a_hundred_thousand_hostile_requests(house: House) -> None:
    """No 500, no secret, nothing changed by strangers, memory bounded."""
    await hostile(house, 100_000)

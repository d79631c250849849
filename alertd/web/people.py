"""What people and their programs do by the API: acknowledge, retry, drop."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from alertd import escaping
from alertd.access import Visitor, teams_of
from alertd.engine.acts import NAME, Acts, Outcome, Person
from alertd.errors import StoreUnavailable
from alertd.store import reading
from alertd.web.guard import visitor


class _By(msgspec.Struct):
    by: str = ""


class People:
    """Handlers of `POST …/acknowledge`, `…/retry` and `…/drop`; the body may be `{"by": "jane"}`."""

    def __init__(self, acts: Acts, reader: AsyncEngine) -> None:
        self._acts = acts
        self._reader = reader

    async def acknowledge(self, request: web.Request) -> web.Response:
        """Take care of an incident."""
        return await self._do(request, self._acts.acknowledge, "incident")

    async def retry(self, request: web.Request) -> web.Response:
        """Have a dead letter tried again."""
        return await self._do(request, self._acts.retry, "dead letter")

    async def drop(self, request: web.Request) -> web.Response:
        """Drop a dead letter that nobody needs any more."""
        return await self._do(request, self._acts.drop, "dead letter")

    async def _do(self, request: web.Request, act: Any, what: str) -> web.Response:
        body = await request.read()
        try:
            by = msgspec.json.decode(body, type=_By).by if body.strip() else ""
        except msgspec.DecodeError as error:
            return _answer(400, error=f'the body is {{"by": "NAME"}} or empty: {error}')
        id, who = request.match_info["id"], visitor(request)
        if not await theirs(self._reader, id, who, incident=what == "incident"):
            return _answer(403, error=f"{what} {id!r} belongs to other teams than yours")
        person = person_of(who, by)
        try:
            outcome = await act(id, person)
        except StoreUnavailable as error:
            return _answer(503, error=str(error))
        if outcome is Outcome.UNKNOWN:
            return _answer(404, error=f"no {what} {id!r}")
        return _answer(200, id=id, outcome=outcome.value)


async def theirs(reader: AsyncEngine, id: str, who: Visitor, *, incident: bool) -> bool:
    """Whether an incident or a notification is the visitor's to change; what nobody knows is for the act to say."""
    if who.grant is None or who.grant.teams is None:
        return True
    async with reader.connect() as connection:
        labels = await reading.labels_of(connection, id, incident=incident)
    return not labels or who.may_change(teams_of(labels))


def person_of(who: Visitor, said: str) -> Person:
    """Who acts, for the audit: the one that the door let in. A program may act for somebody, and says for whom; only
    where nobody is asked does the request alone say who it is."""
    said = escaping.line(said, NAME)
    if who.via == "open":
        return Person(said or "somebody by the API", "api")
    if who.via == "key" and said and said != who.name:
        return Person(escaping.line(f"{said} through {who.name}", NAME), "api")
    return Person(who.name, "api")


def _answer(status: int, **fields: str) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(fields), content_type="application/json")

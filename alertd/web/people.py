"""What people and their programs do by the API: acknowledge, retry, drop."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from alertd import escaping
from alertd.engine.acts import NAME, Acts, Outcome, Person
from alertd.errors import StoreUnavailable


class _By(msgspec.Struct):
    by: str = ""


class People:
    """Handlers of `POST …/acknowledge`, `…/retry` and `…/drop`; the body may be `{"by": "jane"}`."""

    def __init__(self, acts: Acts) -> None:
        self._acts = acts

    async def acknowledge(self, request: web.Request) -> web.Response:
        return await self._do(request, self._acts.acknowledge, "incident")

    async def retry(self, request: web.Request) -> web.Response:
        return await self._do(request, self._acts.retry, "dead letter")

    async def drop(self, request: web.Request) -> web.Response:
        return await self._do(request, self._acts.drop, "dead letter")

    async def _do(self, request: web.Request, act: Any, what: str) -> web.Response:
        body = await request.read()
        try:
            by = msgspec.json.decode(body, type=_By).by if body.strip() else ""
        except msgspec.DecodeError as error:
            return _answer(400, error=f'the body is {{"by": "NAME"}} or empty: {error}')
        person = Person(escaping.line(by, NAME) or "somebody by the API", "api")
        id = request.match_info["id"]
        try:
            outcome = await act(id, person)
        except StoreUnavailable as error:
            return _answer(503, error=str(error))
        if outcome is Outcome.UNKNOWN:
            return _answer(404, error=f"no {what} {id!r}")
        return _answer(200, id=id, outcome=outcome.value)


def _answer(status: int, **fields: str) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(fields), content_type="application/json")

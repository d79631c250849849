"""Digests by the API: those that went out, what the next would say, and one now."""

from __future__ import annotations

import msgspec
from aiohttp import web

from alertd.config.receivers import Digest as Plan
from alertd.digest import text
from alertd.engine.acts import Outcome
from alertd.errors import StoreUnavailable
from alertd.store import reading
from alertd.web.api import answer
from alertd.web.guard import visitor
from alertd.web.inside import Inside
from alertd.web.people import person_of


class Summaries:
    """Handlers of `/api/v1/digest`."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    async def past(self, request: web.Request) -> web.Response:
        """The digests that were made, the newest first; `?limit=`, `?cursor=`."""
        limit, cursor = request.query.get("limit", "30"), request.query.get("cursor")
        if not limit.isdecimal() or not 1 <= int(limit) <= 1000:
            return answer({"error": "limit is a number from 1 to 1000"}, 400)
        if cursor is not None and not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 19):
            return answer({"error": "cursor is what `next` of the page before said"}, 400)
        async with self._inside.reader.connect() as connection:
            page = await reading.digests(connection, int(limit), cursor)
        return answer({"items": page.items, "next": page.next})

    async def preview(self, request: web.Request) -> web.Response:
        """What the next digest of `?receiver=` would say now; of the first receiver that has one, where none is
        named."""
        plan = self._plan(request.query.get("receiver", ""))
        if plan is None:
            return answer({"error": self._unknown()}, 404)
        inside = self._inside
        async with inside.reader.connect() as connection:
            made = await inside.digests.preview(connection, plan)
        return answer({"receiver": plan.receiver, "digest": made, "text": text.render(made)})

    async def send(self, request: web.Request) -> web.Response:
        """202 once today's digest is on its way; body `{"receiver": "daily-summary", "by": "jane"}`."""
        try:
            fields = msgspec.json.decode(await request.read() or b"{}", type=dict[str, str])
        except msgspec.DecodeError as error:
            return answer({"error": f'the body is {{"receiver": "NAME", "by": "NAME"}}: {error}'}, 400)
        plan = self._plan(fields.get("receiver", ""))
        if plan is None:
            return answer({"error": self._unknown()}, 404)
        try:
            outcome = await self._inside.digests.send(plan.receiver, person_of(visitor(request), fields.get("by", "")))
        except StoreUnavailable as error:
            return answer({"error": str(error)}, 503)
        if outcome is Outcome.UNKNOWN:  # a reload took it away just now
            return answer({"error": self._unknown()}, 404)
        return answer({"receiver": plan.receiver, "outcome": outcome.value}, 202)

    def _plan(self, name: str) -> Plan | None:
        plans = self._inside.current.file.digests
        return plans.get(name) if name else next(iter(plans.values()), None)

    def _unknown(self) -> str:
        known = ", ".join(self._inside.current.file.digests)
        return f"digests have: {known}" if known else "no receiver has a digest"

"""What error budgets leave out, by the API."""

from __future__ import annotations

import msgspec
from aiohttp import web

from alertd.config import excluded
from alertd.config.wished import moment
from alertd.engine.acts import Outcome
from alertd.errors import StoreUnavailable
from alertd.model import DAY
from alertd.store import ledger
from alertd.web.api import answer
from alertd.web.guard import visitor
from alertd.web.inside import Inside
from alertd.web.people import person_of

SHOWN = 90 * DAY  # back from now, unless asked otherwise
AHEAD = 366 * DAY


class Excluded:
    """Handlers of `GET`, `POST /api/v1/exclusions` and `DELETE /api/v1/exclusions/{id}`."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    async def every(self, request: web.Request) -> web.Response:
        """What is taken out, and what was taken back, the oldest first."""
        now = self._inside.clock.now()
        try:
            since = moment(request.query["since"]) if "since" in request.query else now - SHOWN
        except ValueError as error:
            return answer({"error": f"since {error}"}, 400)
        async with self._inside.reader.connect() as connection:
            found = await ledger.exclusions(connection, since, now + AHEAD, undone=True)
        return answer({"items": [ledger.exclusion_view(one) for one in found], "next": None})

    async def add(self, request: web.Request) -> web.Response:
        """201 with the exclusion and what it covers; 400 where it is none."""
        try:
            wish = excluded.read(msgspec.json.decode(await request.read(), type=dict), self._inside.clock.now())
        except (msgspec.DecodeError, ValueError) as error:
            return answer({"error": str(error)}, 400)
        person = person_of(visitor(request), wish.creator)
        try:
            made, covered = await self._inside.budgets.exclude(wish, person)
        except StoreUnavailable as error:
            return answer({"error": str(error)}, 503)
        return answer(ledger.exclusion_view(made) | {"covers": [ledger.name_of(one) for one in covered]}, 201)

    async def undo(self, request: web.Request) -> web.Response:
        """200 once it counts again, now or before; 404 unknown."""
        id, body = request.match_info["id"], await request.read()
        try:
            said = msgspec.json.decode(body, type=dict[str, str]).get("by", "") if body.strip() else ""
        except msgspec.DecodeError as error:
            return answer({"error": f'the body is {{"by": "NAME"}} or empty: {error}'}, 400)
        try:
            outcome = await self._inside.budgets.undo(id, person_of(visitor(request), said))
        except StoreUnavailable as error:
            return answer({"error": str(error)}, 503)
        if outcome is Outcome.UNKNOWN:
            return answer({"error": f"no exclusion {id!r}"}, 404)
        return answer({"id": id, "outcome": outcome.value})

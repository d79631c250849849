"""What people do at the pages: plain forms, each with its token, and an answer that leads back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from alertd.engine.acts import Outcome, Person
from alertd.errors import StoreUnavailable
from alertd.web import frame
from alertd.web.guard import visitor
from alertd.web.inside import Inside
from alertd.web.people import theirs


class Doing:
    """Handlers of the forms about incidents and dead letters."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    async def acknowledge(self, request: web.Request) -> web.Response:
        """Take care of an incident."""
        return await self._do(request, self._inside.acts.acknowledge, "incident",
                              "{name} takes care of {id} now; whoever was told of it hears so.")

    async def retry(self, request: web.Request) -> web.Response:
        """Have a dead letter tried again."""
        return await self._do(request, self._inside.acts.retry, "dead letter", "It is tried again.")

    async def drop(self, request: web.Request) -> web.Response:
        """Drop a dead letter."""
        return await self._do(request, self._inside.acts.drop, "dead letter", "Dropped; the audit keeps by whom.")

    async def remember(self, request: web.Request) -> web.Response:
        """Keep the person's name in this browser."""
        fields = await frame.form(request)
        return frame.back(request, fields, "Your name is kept in this browser." if fields.get("by") else "")

    async def _do(self, request: web.Request, act: Callable[[str, Person], Awaitable[Outcome]], what: str, done: str
                  ) -> web.Response:
        fields, id = await frame.form(request), request.match_info["id"]
        if not await theirs(self._inside.reader, id, visitor(request), incident=what == "incident"):
            return await frame.refused(request, self._inside, f"This {what} belongs to other teams than yours")
        person = frame.person(request, fields)
        try:
            outcome = await act(id, person)
        except StoreUnavailable as error:
            return web.Response(status=503, text=f"Not done: {error}. Go back and try again.\n")
        if outcome is Outcome.UNKNOWN:
            return await frame.lost(request, self._inside, f"No such {what}", "Somebody may have been faster.")
        said = done.format(name=person.name, id=id[:24]) if outcome is Outcome.DONE else (
            "Somebody was faster, or it is over: nothing changed.")
        return frame.back(request, fields, said)

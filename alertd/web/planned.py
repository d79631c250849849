"""Maintenance by the API: what is planned, a window for once, and its end."""

from __future__ import annotations

import msgspec
from aiohttp import web

from alertd.access import TEAM, Permission, Visitor
from alertd.config import wished
from alertd.engine.acts import Outcome
from alertd.engine.clock import Clock
from alertd.engine.maintenance import Maintenance
from alertd.engine.setting import Current
from alertd.errors import StoreUnavailable
from alertd.maintaining import shown
from alertd.matchers import Matcher
from alertd.model import DAY
from alertd.schedule import Mode, Once, Window, Windows
from alertd.web.guard import visitor
from alertd.web.people import person_of

MOST_SHOWN = 100  # occurrences of each window


class Planned:
    """Handlers of `GET`, `POST /api/v1/maintenance` and `DELETE /api/v1/maintenance/{id}`."""

    def __init__(self, maintenance: Maintenance, current: Current, clock: Clock) -> None:
        self._maintenance = maintenance
        self._current = current
        self._clock = clock

    async def list(self, request: web.Request) -> web.Response:
        """Every window of the file, and those people made that are not over; each with its `?next=5` occurrences."""
        routing, now, number = self._current.file.routing, self._clock.now(), request.query.get("next", "5")
        if not number.isdecimal() or not 1 <= int(number) <= MOST_SHOWN:
            return _answer(400, {"error": f"next is a number from 1 to {MOST_SHOWN}"})
        items = [shown(window, routing.file, now, int(number)) for window in routing.windows.every]
        return _answer(200, {"items": [item for item in items if item["state"] != "over" or item["line"]],
                             "next": None})

    async def add(self, request: web.Request) -> web.Response:
        """201 with the window; 400 where it is none, 409 where it covers so much that it needs `confirm`."""
        try:
            fields = msgspec.json.decode(await request.read(), type=dict)
            wish = wished.read(fields, self._clock.now())
        except (msgspec.DecodeError, ValueError) as error:
            return _answer(400, {"error": str(error)})
        if wish.window.mode is Mode.DIGEST and not self._current.file.digests:
            return _answer(400, {"error": "mode: no receiver has a digest that would collect it; say hold"})
        who = visitor(request)
        if no := forbidden(wish.window, who):
            return _answer(403, {"error": no})
        person = person_of(who, wish.by)
        try:
            refusal = None if wish.confirm else await self._maintenance.refusal(wish.window)
            if refusal:
                return _answer(409, {"error": f"not made: {refusal}; say `confirm: true` if that is meant"})
            made = await self._maintenance.add(wish.window, person)
        except StoreUnavailable as error:
            return _answer(503, {"error": str(error)})
        return _answer(201, shown(made, self._current.file.routing.file, self._clock.now()))

    async def end(self, request: web.Request) -> web.Response:
        """200 once it is over, now or before; 404 unknown; 409 for one of the file. The body may be `{"by": "jane"}`,
        or the query `?by=jane`."""
        id, body = request.match_info["id"], await request.read()
        try:
            said = msgspec.json.decode(body, type=dict[str, str]).get("by", "") if body.strip() else ""
        except msgspec.DecodeError as error:
            return _answer(400, {"error": f'the body is {{"by": "NAME"}} or empty: {error}'})
        routing = self._current.file.routing
        if any(shown(one, routing.file, 0)["id"] == id and one.line for one in routing.windows.every):
            return _answer(409, {"error": f"it stands in {routing.file}; take it out there and reload"})
        who = visitor(request)
        if not theirs(id, who, routing.windows):
            return _answer(403, {"error": "it covers other teams than yours"})
        person = person_of(who, said or request.query.get("by", ""))
        try:
            outcome = await self._maintenance.end(id, person)
        except StoreUnavailable as error:
            return _answer(503, {"error": str(error)})
        if outcome is Outcome.UNKNOWN:
            return _answer(404, {"error": f"no maintenance window {id!r}"})
        return _answer(200, {"id": id, "outcome": outcome.value})


def forbidden(window: Window, who: Visitor) -> str | None:
    """Why the visitor may not make this window; None where they may."""
    if not who.may_change(_teams(window.matchers)):
        return "match: it covers other teams than yours; say 'team=\"…\"'"
    if _long(window) and not who.may(Permission.ADMINISTER):
        return "it is longer than a day, which takes the role admin"
    return None


def theirs(id: str, who: Visitor, windows: Windows) -> bool:
    """Whether a window that people made is the visitor's to end."""
    return who.may_change(_teams(next((one.matchers for one in windows.every if one.id == id), ())))


def _teams(matchers: tuple[Matcher, ...]) -> set[str]:
    """The team whose alerts alone these match; none where they may match others' too."""
    return {one.value for one in matchers if one.label == TEAM and one.op == "="}


def _long(window: Window) -> bool:
    return not isinstance(window.when, Once) or window.when.ends - window.when.starts > DAY


def _answer(status: int, value: object) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(value), content_type="application/json")

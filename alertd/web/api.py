"""The JSON API that reads: status, incidents, alerts, notifications, shifts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from alertd import __version__, calendars
from alertd.maintaining import shown
from alertd.model import DAY
from alertd.store import reading, spending, storms
from alertd.web.inside import Inside

ONCALL_AHEAD = 84 * DAY  # of a calendar of shifts; whoever subscribes asks again long before its end
NOTIFICATION_STATES = ("queued", "claimed", "sent", "superseded", "expired", "held", "folded", "dead")


class Api:
    """Handlers of `GET /api/v1/…`."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    async def oncall(self, request: web.Request) -> web.Response:
        """The shifts of all rotas or of one, for a calendar to subscribe to."""
        rotas, name, now = self._inside.current.file.routing.rotas, request.query.get("rota"), self._inside.clock.now()
        if name is not None and name not in rotas:
            return answer({"error": f"no rota {name!r}"}, 404)
        wanted = rotas.values() if name is None else [rotas[name]]
        body = await asyncio.to_thread(calendars.written, wanted, now, now + ONCALL_AHEAD, now)
        return web.Response(body=body, content_type="text/calendar", charset="utf-8")

    async def status(self, _request: web.Request) -> web.Response:
        """Readiness, counts, active maintenance, storms, the newest dead letters and unreadable webhooks."""
        return answer(await status(self._inside))

    async def incidents(self, request: web.Request) -> web.Response:
        """Incidents, the newest first, each with its first twenty alerts."""
        return await self._list(request, reading.incidents, ("open", "acknowledged", "resolved"))

    async def alerts(self, request: web.Request) -> web.Response:
        """Alerts, the newest first."""
        return await self._list(request, reading.alerts, ("firing", "resolved"))

    async def notifications(self, request: web.Request) -> web.Response:
        """Every intended message, the newest first."""
        return await self._list(request, reading.notifications, NOTIFICATION_STATES)

    async def incident(self, request: web.Request) -> web.Response:
        """One incident with its alerts, notifications, attempts and decisions, and what it took of error budgets."""
        async with self._inside.reader.connect() as connection:
            found = await spending.incident(connection, request.match_info["id"], self._inside.clock.now())
        return answer({"error": "no such incident"}, 404) if found is None else answer(found)

    async def notification(self, request: web.Request) -> web.Response:
        """One notification with its attempts."""
        async with self._inside.reader.connect() as connection:
            found = await reading.notification(connection, request.match_info["id"])
        return answer({"error": "no such notification"}, 404) if found is None else answer(found)

    async def _list(self, request: web.Request, question: Callable[..., Awaitable[reading.Page]],
                    states: tuple[str, ...]) -> web.Response:
        state, cursor = request.query.get("state"), request.query.get("cursor")
        limit = request.query.get("limit", "100")
        if state is not None and state not in states:
            return answer({"error": f"state is one of {', '.join(sorted(states))}"}, 400)
        if not limit.isdecimal() or not 1 <= int(limit) <= 1000:
            return answer({"error": "limit is a number from 1 to 1000"}, 400)
        if cursor is not None and not (cursor.isascii() and len(cursor) <= 24 and _cursor_fits(question, cursor)):
            return answer({"error": "cursor is what `next` of the page before said"}, 400)
        async with self._inside.reader.connect() as connection:
            page = await question(connection, state, int(limit), cursor)
        return await asyncio.to_thread(answer, {"items": page.items, "next": page.next})  # megabytes


async def status(inside: Inside) -> dict[str, object]:
    """What `GET /api/v1/status` answers."""
    async with inside.reader.connect() as connection:
        counts = await reading.counts(connection)
        rejected = await reading.rejected(connection, 20)
        dead = await reading.notifications(connection, "dead", 20, None)
        raging = await storms.raging(connection)
    states: dict[str, int] = {}
    for (_, state), number in counts["notifications"].items():
        states[state] = states.get(state, 0) + number
    return {
        "id": "status", "version": __version__, "now": reading.rfc3339(inside.clock.now()),
        "ready": inside.ready, "store_error": inside.writer.failing_since,
        "config_read_at": reading.rfc3339(inside.current.read_at), "config_problem": inside.current.problem,
        "own_heartbeat_problem": inside.current.own_problem,
        "open": counts["open"], "notifications": states, "dead": dead.items, "maintenance": active_windows(inside),
        "storms": raging, "rejected": counts["rejected"], "rejected_newest": rejected,
    }


def active_windows(inside: Inside) -> list[dict[str, object]]:
    """The windows that are active: until when they hold, and why."""
    routing, now = inside.current.file.routing, inside.clock.now()
    return [shown(window, routing.file, now, 1) for window in routing.windows.active(now)]


def answer(value: object, status: int = 200) -> web.Response:
    """A value as JSON."""
    return web.Response(status=status, body=msgspec.json.encode(value), content_type="application/json")


def _cursor_fits(question: Callable[..., Awaitable[reading.Page]], cursor: str) -> bool:
    return cursor.isdecimal() if question is reading.notifications else True

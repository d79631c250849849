"""The HTTP face: intake, health, reload, metrics, the JSON API and one page."""

from __future__ import annotations

import asyncio
import dataclasses
import urllib.parse
from collections.abc import Awaitable, Callable

import msgspec
import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.ext.asyncio import AsyncEngine

from alertd import __version__, calendars
from alertd.engine.acts import Acts
from alertd.engine.clock import Clock
from alertd.engine.intake import Intake
from alertd.engine.maintenance import Maintenance
from alertd.engine.metrics import Metrics
from alertd.engine.setting import Current
from alertd.errors import BadInput
from alertd.maintaining import shown
from alertd.model import DAY
from alertd.store import reading
from alertd.store.writer import Writer
from alertd.web.callbacks import PagerDuty, Slack
from alertd.web.people import People
from alertd.web.planned import Planned
from alertd.web.receive import Receiver

ONCALL_AHEAD = 84 * DAY  # of a calendar of shifts; whoever subscribes asks again long before its end

log = structlog.get_logger()


@dataclasses.dataclass(slots=True)
class Inside:
    """What the HTTP face sees of the daemon. `reload` raises BadInput when the new file is refused."""

    intake: Intake
    writer: Writer
    reader: AsyncEngine
    current: Current
    clock: Clock
    metrics: Metrics
    reload: Callable[[], Awaitable[None]]
    acts: Acts
    maintenance: Maintenance


def build(inside: Inside) -> web.Application:
    """The application; every route it has stands here."""
    # Our own reader caps the intake; everything else takes no body worth reading.
    app = web.Application(client_max_size=64 * 1024, middlewares=[_safe, _same_site])
    face, people = _Face(inside), People(inside.acts)
    planned = Planned(inside.maintenance, inside.current, inside.clock)
    app.router.add_post("/webhook/alertmanager", Receiver(inside.intake, inside.metrics).__call__)
    app.router.add_post("/webhook/slack", Slack(inside.acts, inside.current).__call__)
    app.router.add_post("/webhook/pagerduty", PagerDuty(inside.acts, inside.current).__call__)
    app.router.add_post("/api/v1/incidents/{id}/acknowledge", people.acknowledge)
    app.router.add_post("/api/v1/notifications/{id}/retry", people.retry)
    app.router.add_post("/api/v1/notifications/{id}/drop", people.drop)
    app.router.add_get("/api/v1/maintenance", planned.list)
    app.router.add_post("/api/v1/maintenance", planned.add)
    app.router.add_delete("/api/v1/maintenance/{id}", planned.end)
    app.router.add_get("/-/healthy", face.healthy)
    app.router.add_get("/-/ready", face.ready)
    app.router.add_post("/-/reload", face.reload)
    app.router.add_get("/metrics", face.metrics)
    app.router.add_get("/", face.page)
    app.router.add_get("/incidents/{id}", face.incident_page)
    app.router.add_get("/api/v1/status", face.status)
    app.router.add_get("/api/v1/incidents", face.incidents)
    app.router.add_get("/api/v1/incidents/{id}", face.incident)
    app.router.add_get("/api/v1/alerts", face.alerts)
    app.router.add_get("/api/v1/oncall.ics", face.oncall)
    app.router.add_get("/api/v1/notifications", face.notifications)
    app.router.add_get("/api/v1/notifications/{id}", face.notification)
    return app


@web.middleware
async def _safe(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
                ) -> web.StreamResponse:
    """Browsers are told to run nothing and to frame nothing; a fault of ours shows its kind, never its inside."""
    try:
        response = await handler(request)
    except web.HTTPException:
        raise
    except Exception:
        log.exception("request_failed", path=request.path)
        response = web.Response(status=500, text="internal error; the log has it\n")
    response.headers.setdefault("Content-Security-Policy",
                                "default-src 'none'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    return response


@web.middleware
async def _same_site(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
                     ) -> web.StreamResponse:
    """No other site's page changes anything here: browsers say where a request that changes comes from, programs do
    not."""
    origin = request.headers.get("Origin")
    changes = request.method in ("POST", "DELETE")
    if changes and origin is not None and urllib.parse.urlsplit(origin).netloc != request.host:
        return web.Response(status=403, text="this came from a page of another site\n")
    return await handler(request)


class _Face:
    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    async def oncall(self, request: web.Request) -> web.Response:
        """The shifts of all rotas or of one, for a calendar to subscribe to."""
        rotas, name, now = self._inside.current.file.routing.rotas, request.query.get("rota"), self._inside.clock.now()
        if name is not None and name not in rotas:
            return web.json_response({"error": f"no rota {name!r}"}, status=404)
        wanted = rotas.values() if name is None else [rotas[name]]
        body = await asyncio.to_thread(calendars.written, wanted, now, now + ONCALL_AHEAD, now)
        return web.Response(body=body, content_type="text/calendar", charset="utf-8")

    async def healthy(self, _request: web.Request) -> web.Response:
        """The process answers. Touches nothing: a store that is down must not get the process killed."""
        return web.Response(text="alertd is healthy\n")

    async def ready(self, _request: web.Request) -> web.Response:
        """Webhooks can be taken. A vendor that fails does not show here: it must not stop the intake."""
        inside = self._inside
        if inside.intake.draining:
            return web.Response(status=503, text="shutting down\n")
        if inside.writer.failing_since is not None:
            return web.Response(status=503, text="the last commit failed\n")
        return web.Response(text="alertd is ready\n")

    async def reload(self, _request: web.Request) -> web.Response:
        try:
            await self._inside.reload()
        except BadInput as error:
            return web.Response(status=500, text=f"{error}\n")
        return web.Response(text="reloaded\n")

    async def metrics(self, _request: web.Request) -> web.Response:
        inside, metrics = self._inside, self._inside.metrics
        metrics.store_up.set(inside.writer.failing_since is None)
        metrics.backlog.set(inside.writer.backlog)
        metrics.windows.set(len(inside.current.file.routing.windows.active(inside.clock.now())))
        async with inside.reader.connect() as connection:
            counts = await reading.counts(connection)
        metrics.waiting.clear()
        for (channel, state), number in counts["notifications"].items():
            metrics.waiting.labels(channel, state).set(number)
        metrics.open.clear()
        for severity, number in counts["open"].items():
            metrics.open.labels(severity).set(number)
        oldest = counts["oldest_queued"]
        metrics.oldest.set(max(0, inside.clock.now() - oldest) / 1000 if oldest else 0)
        return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def status(self, _request: web.Request) -> web.Response:
        return _json(await self._status())

    async def _status(self) -> dict[str, object]:
        inside = self._inside
        async with inside.reader.connect() as connection:
            counts = await reading.counts(connection)
            rejected = await reading.rejected(connection, 20)
            dead = await reading.notifications(connection, "dead", 20, None)
        states: dict[str, int] = {}
        for (_, state), number in counts["notifications"].items():
            states[state] = states.get(state, 0) + number
        return {
            "id": "status", "version": __version__, "now": reading.rfc3339(inside.clock.now()),
            "ready": not inside.intake.draining and inside.writer.failing_since is None,
            "store_error": inside.writer.failing_since,
            "config_read_at": reading.rfc3339(inside.current.read_at), "config_problem": inside.current.problem,
            "open": counts["open"], "notifications": states, "dead": dead.items, "maintenance": self._maintenance(),
            "rejected": counts["rejected"], "rejected_newest": rejected,
        }

    def _maintenance(self) -> list[dict[str, object]]:
        """The windows that are active: until when they hold, and why."""
        routing, now = self._inside.current.file.routing, self._inside.clock.now()
        return [shown(window, routing.file, now, 1) for window in routing.windows.active(now)]

    async def incidents(self, request: web.Request) -> web.Response:
        return await self._list(request, reading.incidents, {"open", "acknowledged", "resolved"})

    async def alerts(self, request: web.Request) -> web.Response:
        return await self._list(request, reading.alerts, {"firing", "resolved"})

    async def notifications(self, request: web.Request) -> web.Response:
        states = {"queued", "claimed", "sent", "superseded", "expired", "held", "folded", "dead"}
        return await self._list(request, reading.notifications, states)

    async def incident(self, request: web.Request) -> web.Response:
        async with self._inside.reader.connect() as connection:
            found = await reading.incident(connection, request.match_info["id"])
        if found is None:
            return _json({"error": "no such incident"}, 404)
        return _json(found)

    async def notification(self, request: web.Request) -> web.Response:
        async with self._inside.reader.connect() as connection:
            found = await reading.notification(connection, request.match_info["id"])
        if found is None:
            return _json({"error": "no such notification"}, 404)
        return _json(found)

    async def _list(self, request: web.Request, question: Callable[..., Awaitable[reading.Page]], states: set[str]
                    ) -> web.Response:
        state, cursor = request.query.get("state"), request.query.get("cursor")
        limit = request.query.get("limit", "100")
        if state is not None and state not in states:
            return _json({"error": f"state is one of {', '.join(sorted(states))}"}, 400)
        if not limit.isdecimal() or not 1 <= int(limit) <= 1000:
            return _json({"error": "limit is a number from 1 to 1000"}, 400)
        if cursor is not None and not (cursor.isascii() and len(cursor) <= 24 and _cursor_fits(question, cursor)):
            return _json({"error": "cursor is what `next` of the page before said"}, 400)
        async with self._inside.reader.connect() as connection:
            page = await question(connection, state, int(limit), cursor)
        return _json({"items": page.items, "next": page.next})

    async def page(self, _request: web.Request) -> web.Response:
        from alertd.web import pages

        async with self._inside.reader.connect() as connection:
            burning = [row for state in ("open", "acknowledged")
                       for row in (await reading.incidents(connection, state, 100, None)).items]
        return _html(pages.front(await self._status(), burning))

    async def incident_page(self, request: web.Request) -> web.Response:
        from alertd.web import pages

        async with self._inside.reader.connect() as connection:
            found = await reading.incident(connection, request.match_info["id"])
        return _html(pages.incident(found), 200 if found else 404)


def _cursor_fits(question: Callable[..., Awaitable[reading.Page]], cursor: str) -> bool:
    return cursor.isdecimal() if question is reading.notifications else True


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(value), content_type="application/json")


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/html")

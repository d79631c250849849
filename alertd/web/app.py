"""The HTTP face put together: every route, and what holds for all of them."""

from __future__ import annotations

import urllib.parse
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from alertd.access import Permission
from alertd.web import static
from alertd.web.api import Api
from alertd.web.callbacks import PagerDuty, Slack
from alertd.web.doing import Doing
from alertd.web.guard import Guard, Handler
from alertd.web.inside import Inside
from alertd.web.operations import Operations
from alertd.web.pages import Pages
from alertd.web.people import People
from alertd.web.planned import Planned
from alertd.web.plans import Plans
from alertd.web.receive import Receiver
from alertd.web.slos import Slos

# Pages load what the package brings and run nothing that stands in them.
POLICY = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
    "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"))

log = structlog.get_logger()


def build(inside: Inside) -> web.Application:
    """The application; every route it has stands here, with what its visitor must be allowed."""
    asked: dict[web.AbstractResource, dict[str, Permission]] = {}
    guard = Guard(inside.door, asked, inside.clock, inside.metrics)
    # Our own reader caps the intake; everything else takes no body worth reading.
    app = web.Application(client_max_size=64 * 1024, middlewares=[_safe, guard.middleware, _same_site])

    def route(method: str, path: str, handler: Handler, permission: Permission) -> None:
        added = app.router.add_route(method, path, handler)
        assert added.resource is not None  # a route that was added has one
        asked.setdefault(added.resource, {})[method] = permission

    def get(path: str, handler: Handler, permission: Permission = Permission.READ) -> None:
        route("GET", path, handler, permission)
        route("HEAD", path, handler, permission)

    def post(path: str, handler: Handler, permission: Permission) -> None:
        route("POST", path, handler, permission)

    operations, api, pages, people = Operations(inside), Api(inside), Pages(inside), People(inside.acts, inside.reader)
    planned, slos = Planned(inside.maintenance, inside.current, inside.clock), Slos(inside)
    doing, plans = Doing(inside), Plans(inside)
    post("/webhook/alertmanager", Receiver(inside.intake, inside.metrics).__call__, Permission.SEND)
    post("/webhook/slack", Slack(inside.acts, inside.current).__call__, Permission.SIGNED)
    post("/webhook/pagerduty", PagerDuty(inside.acts, inside.current).__call__, Permission.SIGNED)
    get("/-/healthy", operations.healthy, Permission.OPEN)
    get("/-/ready", operations.ready, Permission.OPEN)
    post("/-/reload", operations.reload, Permission.ADMINISTER)
    get("/metrics", operations.metrics, Permission.SCRAPE)
    get("/", pages.front)
    get("/incidents", pages.incidents)
    get("/incidents/{id}", pages.incident)
    post("/incidents/{id}/acknowledge", doing.acknowledge, Permission.RESPOND)
    post("/notifications/{id}/retry", doing.retry, Permission.ADMINISTER)
    post("/notifications/{id}/drop", doing.drop, Permission.ADMINISTER)
    get("/maintenance", plans.maintenance)
    post("/maintenance", plans.add, Permission.RESPOND)
    get("/maintenance/new", plans.new)
    post("/maintenance/{id}/end", plans.end, Permission.RESPOND)
    get("/rota", plans.rota)
    post("/me", doing.remember, Permission.READ)
    get("/static/{name}", static.serve)
    get("/api/v1/status", api.status)
    get("/api/v1/incidents", api.incidents)
    get("/api/v1/incidents/{id}", api.incident)
    post("/api/v1/incidents/{id}/acknowledge", people.acknowledge, Permission.RESPOND)
    get("/api/v1/alerts", api.alerts)
    get("/api/v1/notifications", api.notifications)
    get("/api/v1/notifications/{id}", api.notification)
    post("/api/v1/notifications/{id}/retry", people.retry, Permission.ADMINISTER)
    post("/api/v1/notifications/{id}/drop", people.drop, Permission.ADMINISTER)
    get("/api/v1/maintenance", planned.list)
    post("/api/v1/maintenance", planned.add, Permission.RESPOND)
    route("DELETE", "/api/v1/maintenance/{id}", planned.end, Permission.RESPOND)
    get("/api/v1/oncall.ics", api.oncall)
    get("/api/v1/slos", slos.every)
    get("/api/v1/slos/{id}", slos.one)
    return app


@web.middleware
async def _safe(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
                ) -> web.StreamResponse:
    """Browsers are told to run nothing but ours and to frame nothing; a fault shows its kind, never its inside."""
    try:
        response = await handler(request)
    except web.HTTPException as answer:
        _headed(answer)
        raise
    except Exception:
        log.exception("request_failed", path=request.path)
        response = web.Response(status=500, text="internal error; the log has it\n")
    return _headed(response)


def _headed(response: web.StreamResponse) -> web.StreamResponse:
    response.headers.setdefault("Content-Security-Policy", POLICY)
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

"""The HTTP face put together: every route, and what holds for all of them."""

from __future__ import annotations

import urllib.parse
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from alertd.web.api import Api
from alertd.web.callbacks import PagerDuty, Slack
from alertd.web.inside import Inside
from alertd.web.operations import Operations
from alertd.web.pages import Pages
from alertd.web.people import People
from alertd.web.planned import Planned
from alertd.web.receive import Receiver

log = structlog.get_logger()


def build(inside: Inside) -> web.Application:
    """The application; every route it has stands here."""
    # Our own reader caps the intake; everything else takes no body worth reading.
    app = web.Application(client_max_size=64 * 1024, middlewares=[_safe, _same_site])
    operations, api, pages, people = Operations(inside), Api(inside), Pages(inside), People(inside.acts)
    planned = Planned(inside.maintenance, inside.current, inside.clock)
    get, post = app.router.add_get, app.router.add_post
    post("/webhook/alertmanager", Receiver(inside.intake, inside.metrics).__call__)
    post("/webhook/slack", Slack(inside.acts, inside.current).__call__)
    post("/webhook/pagerduty", PagerDuty(inside.acts, inside.current).__call__)
    get("/-/healthy", operations.healthy)
    get("/-/ready", operations.ready)
    post("/-/reload", operations.reload)
    get("/metrics", operations.metrics)
    get("/", pages.front)
    get("/incidents/{id}", pages.incident)
    get("/api/v1/status", api.status)
    get("/api/v1/incidents", api.incidents)
    get("/api/v1/incidents/{id}", api.incident)
    post("/api/v1/incidents/{id}/acknowledge", people.acknowledge)
    get("/api/v1/alerts", api.alerts)
    get("/api/v1/notifications", api.notifications)
    get("/api/v1/notifications/{id}", api.notification)
    post("/api/v1/notifications/{id}/retry", people.retry)
    post("/api/v1/notifications/{id}/drop", people.drop)
    get("/api/v1/maintenance", planned.list)
    post("/api/v1/maintenance", planned.add)
    app.router.add_delete("/api/v1/maintenance/{id}", planned.end)
    get("/api/v1/oncall.ics", api.oncall)
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

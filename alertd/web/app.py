"""The HTTP face put together: every route, and what holds for all of them."""

from __future__ import annotations

import urllib.parse

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from alertd.web.guard import Guard, Handler
from alertd.web.inside import Inside
from alertd.web.openapi import Described
from alertd.web.routes import Asked, Routes, machines, people, programs

# Pages load what the package brings and run nothing that stands in them.
POLICY = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
    "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"))

log = structlog.get_logger()


def build(inside: Inside) -> web.Application:
    """The application; its routes stand in `routes`, with what each asks of its visitor."""
    asked: Asked = {}
    guard = Guard(inside.door, asked, inside.clock, inside.metrics)
    # Our own reader caps the intake; everything else takes no body worth reading.
    app = web.Application(client_max_size=64 * 1024, middlewares=[_front(guard)])
    routes = Routes(app.router, asked)
    machines(routes, inside)
    programs(routes, inside)
    people(routes, inside)
    described = Described()
    routes.get("/api/v1/openapi.json", described.__call__)
    described.read(asked, app.router)
    return app


def _front(guard: Guard) -> Middleware:
    """Who comes in, and what every answer carries. One middleware for all of it, since every webhook passes each."""
    @web.middleware
    async def front(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            refused = await guard.refuse(request) or _from_elsewhere(request)
            response = refused or await handler(request)
        except web.HTTPException as answer:
            _headed(answer, guard)
            raise
        except Exception:
            log.exception("request_failed", path=request.path)
            response = web.Response(status=500, text="internal error; the log has it\n")
        _headed(response, guard)
        return response

    return front


def _headed(response: web.StreamResponse, guard: Guard) -> None:
    """Browsers are told to run nothing but ours and to frame nothing."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    # other sites learn nothing of ours; with no-referrer a browser would not say either that a form is from our page
    headers.setdefault("Referrer-Policy", "same-origin")
    if more := guard.headers:
        headers.update(more)


def _from_elsewhere(request: web.Request) -> web.Response | None:
    """No other site's page changes anything here: browsers say where a request that changes comes from, programs do
    not."""
    origin = request.headers.get("Origin")
    if origin is None or request.method not in ("POST", "DELETE"):
        return None
    if urllib.parse.urlsplit(origin).netloc == request.host:
        return None
    return web.Response(status=403, text="this came from a page of another site\n")

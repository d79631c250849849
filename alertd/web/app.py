"""The HTTP face put together: every route, and what holds for all of them."""

from __future__ import annotations

import urllib.parse
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from alertd.web.guard import Guard
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
    app = web.Application(client_max_size=64 * 1024, middlewares=[_safe, guard.middleware, _same_site])
    routes = Routes(app.router, asked)
    machines(routes, inside)
    programs(routes, inside)
    people(routes, inside)
    described = Described()
    routes.get("/api/v1/openapi.json", described.__call__)
    described.read(asked, app.router)
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
    # other sites learn nothing of ours; with no-referrer a browser would not say either that a form is from our page
    response.headers.setdefault("Referrer-Policy", "same-origin")
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

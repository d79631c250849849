"""What watches and steers the daemon: health, readiness, reload, metrics."""

from __future__ import annotations

import asyncio

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from alertd.errors import BadInput
from alertd.store import reading
from alertd.web.inside import Inside


class Operations:
    """Handlers of `/-/…` and `/metrics`."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    async def healthy(self, _request: web.Request) -> web.Response:
        """The process answers. Touches nothing: a store that is down must not get the process killed."""
        return web.Response(text="alertd is healthy\n")

    async def ready(self, _request: web.Request) -> web.Response:
        """Webhooks can be taken."""
        if self._inside.ready:
            return web.Response(text="alertd is ready\n")
        reason = "shutting down" if self._inside.intake.draining else "the last commit failed"
        return web.Response(status=503, text=f"{reason}\n")

    async def reload(self, _request: web.Request) -> web.Response:
        """Put the routing.yaml on disk in force; a bad one changes nothing."""
        try:
            await self._inside.reload()
        except BadInput as error:
            return web.Response(status=500, text=f"{error}\n")
        return web.Response(text="reloaded\n")

    async def metrics(self, _request: web.Request) -> web.Response:
        """alertd's own metrics."""
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
        metrics.budgets.statuses = await inside.budgets.statuses()
        body = await asyncio.to_thread(generate_latest, metrics.registry)  # a thousand objectives take a while
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

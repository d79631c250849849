"""`POST /webhook/alertmanager`. The status code decides whether Alertmanager sends again: it repeats after 5xx and
gives a message up after 4xx, 429 included (notify/util.go of https://github.com/prometheus/alertmanager). So what
another try can heal is answered 503, and 4xx only what none can."""

from __future__ import annotations

import asyncio

import structlog
from aiohttp import web

from alertd.alertmanager import NotWebhook
from alertd.engine.intake import Intake
from alertd.engine.metrics import Metrics
from alertd.errors import StoreUnavailable

MOST_BYTES = 4 * 1024 * 1024
SLOWEST_BODY = 30.0  # seconds
RETRY_AFTER = "5"

log = structlog.get_logger()


class Receiver:
    """The handler, bound to the intake."""

    def __init__(self, intake: Intake, metrics: Metrics) -> None:
        self._intake = intake
        self._webhooks = metrics.webhooks

    async def __call__(self, request: web.Request) -> web.Response:
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            return self._no(415, "compressed", "send the body uncompressed")
        try:
            body = await _read(request)
        except TimeoutError:
            self._webhooks.labels("slow").inc()
            if request.transport:
                request.transport.abort()  # no answer: the sender tries again
            return web.Response(status=503)
        if body is None:
            return self._no(413, "too_large", f"over {MOST_BYTES} bytes; set max_alerts in Alertmanager")
        try:
            await self._intake.accept(body)
        except NotWebhook as error:
            return self._no(400, "rejected", str(error))
        except StoreUnavailable as error:
            log.warning("webhook_refused", reason=str(error))
            return self._no(503, "refused", str(error), {"Retry-After": RETRY_AFTER})
        return web.Response(text="ok\n")

    def _no(self, status: int, result: str, reason: str, headers: dict[str, str] | None = None) -> web.Response:
        self._webhooks.labels(result).inc()
        return web.Response(status=status, text=reason[:300] + "\n", headers=headers)


async def _read(request: web.Request) -> bytes | None:
    """The body, or None once it is larger than allowed: it is never held beyond that. Raises TimeoutError."""
    if (request.content_length or 0) > MOST_BYTES:
        return None
    if request.content.is_eof():  # came with its head, as most do
        whole = request.content.read_nowait()
        return whole if len(whole) <= MOST_BYTES else None
    body = bytearray()
    async with asyncio.timeout(SLOWEST_BODY):
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > MOST_BYTES:
                return None
    return bytes(body)

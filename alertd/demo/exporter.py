"""A service and its machine, as Prometheus would see them: what /metrics says follows from what is set to be wrong.

Counters grow with time alone, so that nothing has to send requests.
"""

from __future__ import annotations

import dataclasses
import time

from aiohttp import web

REQUESTS = 50.0  # a second
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
USUAL_TIME = 0.04  # seconds a request takes
MEMORY = 16 * 2**30  # bytes the machine has


@dataclasses.dataclass(slots=True)
class Condition:
    """How the service and its machine are, each a share from 0 to 1."""

    failing: float = 0.0
    memory_used: float = 0.4
    cpu_used: float = 0.2


class Exporter:
    """Serves /metrics (the service) and /node/metrics (its machine) on the loopback address. Change `now` to make
    something break or recover."""

    def __init__(self) -> None:
        self.now = Condition()
        self.port = 0
        self._good = self._failed = self._busy = self._idle = 0.0
        self._counted_at = time.monotonic()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/metrics", self._service)
        app.router.add_get("/node/metrics", self._node)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def set(self, **shares: float) -> None:
        """From this moment on; what was until now is counted as it was."""
        self._count()
        self.now = dataclasses.replace(self.now, **shares)

    def _count(self) -> None:
        elapsed = time.monotonic() - self._counted_at
        self._counted_at += elapsed
        self._failed += elapsed * REQUESTS * self.now.failing
        self._good += elapsed * REQUESTS * (1 - self.now.failing)
        self._busy += elapsed * self.now.cpu_used
        self._idle += elapsed * (1 - self.now.cpu_used)

    async def _service(self, _request: web.Request) -> web.Response:
        self._count()
        good, failed = int(self._good), int(self._failed)
        total = good + failed
        lines = [
            "# TYPE http_requests_total counter",
            f'http_requests_total{{code="200"}} {good}',
            f'http_requests_total{{code="500"}} {failed}',
            "# TYPE http_request_duration_seconds histogram",
            *(f'http_request_duration_seconds_bucket{{le="{bound:g}"}} {total if bound >= USUAL_TIME else 0}'
              for bound in BUCKETS),
            f'http_request_duration_seconds_bucket{{le="+Inf"}} {total}',
            f"http_request_duration_seconds_sum {total * USUAL_TIME:.3f}",
            f"http_request_duration_seconds_count {total}",
        ]
        return web.Response(text="\n".join(lines) + "\n")

    async def _node(self, _request: web.Request) -> web.Response:
        self._count()
        available = int(MEMORY * (1 - self.now.memory_used))
        lines = [
            "# TYPE node_cpu_seconds_total counter",
            f'node_cpu_seconds_total{{cpu="0",mode="idle"}} {self._idle:.3f}',
            f'node_cpu_seconds_total{{cpu="0",mode="user"}} {self._busy:.3f}',
            "# TYPE node_memory_MemTotal_bytes gauge",
            f"node_memory_MemTotal_bytes {MEMORY}",
            "# TYPE node_memory_MemAvailable_bytes gauge",
            f"node_memory_MemAvailable_bytes {available}",
        ]
        return web.Response(text="\n".join(lines) + "\n")

"""What nobody needs any more goes, once a day, in batches so small that no webhook waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from alertd.engine.clock import Clock, first_id
from alertd.engine.metrics import Metrics
from alertd.engine.setting import Current
from alertd.model import DAY
from alertd.store import cleaning, tallies
from alertd.store.writer import Writer

PAUSE = 0.05  # seconds between batches
log = structlog.get_logger()


class Cleanup:
    """`tick` is called every few seconds; where there are several replicas, one of them does it."""

    def __init__(self, writer: Writer, current: Current, clock: Clock, metrics: Metrics) -> None:
        self._writer = writer
        self._current = current
        self._clock = clock
        self._metrics = metrics

    async def tick(self) -> None:
        now = self._clock.now()
        if not await self._writer.submit(cleaning.claim, (now, DAY)):
            return
        before = now - self._current.file.retention
        id = first_id(before)
        gone = {name: await self._all(work, item) for name, work, item in (
            ("tallies", tallies.before, before),  # first: none outlives what it was counted of
            ("incidents", cleaning.incidents, (id, before)), ("webhooks", cleaning.webhooks, id),
            ("rest", cleaning.rest, before))}
        await self._writer.submit(cleaning.done, now + DAY)
        if any(gone.values()):
            log.info("cleaned_up", **gone)

    async def _all(self, work: Callable[..., Any], item: Any) -> int:
        found = 0
        while rows := await self._writer.submit(work, item):
            found += rows
            self._metrics.cleaned.inc(rows)
            await asyncio.sleep(PAUSE)
        return found

"""The audit's head goes into the log, where who changes the store does not reach it; and the record is proved."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from alertd.audit import Head, fault
from alertd.engine.clock import Clock
from alertd.engine.metrics import Metrics
from alertd.model import DAY, Millis
from alertd.store import audit

log = structlog.get_logger()


class Anchor:
    """`tick` says a new head; at the start and once a day it proves the whole record."""

    def __init__(self, reader: AsyncEngine, clock: Clock, metrics: Metrics) -> None:
        self._reader = reader
        self._clock = clock
        self._metrics = metrics
        self._said: list[Head] = []  # the newest: what was logged must still be so
        self._proved_at: Millis | None = None

    async def tick(self) -> None:
        now = self._clock.now()
        async with self._reader.connect() as connection:
            head = await audit.head(connection)
            due = self._proved_at is None or now - self._proved_at >= DAY or now < self._proved_at
            links = (await audit.whole(connection))[0] if due else None
        if links is not None:
            problem = await asyncio.to_thread(fault, links, [head, *self._said])
            self._metrics.audit_whole.set(problem is None)
            self._proved_at = now
            if problem:
                log.error("audit_broken", problem=problem)
        if [head] != self._said:
            log.info("audit_head", row=head.seq, hash=head.hash)
            self._said = [head]

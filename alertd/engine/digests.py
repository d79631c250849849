"""Digests go out at their hour: what was held is folded into one text, which then travels the ordinary way."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from alertd import digest
from alertd.config.receivers import Digest
from alertd.engine.clock import Clock
from alertd.engine.metrics import Metrics
from alertd.engine.setting import Current
from alertd.model import Kind, Millis, Notification, NotificationId, Outlet, Severity, State
from alertd.store import digests as store
from alertd.store.writer import Writer
from alertd.telling import fingerprint_of

log = structlog.get_logger()


class Digests:
    """`tick` makes every digest that is due; call it often, it does each once."""

    def __init__(self, writer: Writer, reader: AsyncEngine, current: Current, clock: Clock, metrics: Metrics,
                 wake: Callable[[Iterable[Outlet]], None]) -> None:
        self._writer = writer
        self._reader = reader
        self._current = current
        self._clock = clock
        self._metrics = metrics
        self._wake = wake

    async def tick(self) -> None:
        now = self._clock.now()
        for receiver, plan in self._current.file.digests.items():
            date = digest.due(plan.at, plan.timezone, now)
            async with self._reader.connect() as connection:
                newest = await store.made(connection, receiver)
            if newest is None:  # a new installation owes no digest of a day before it existed
                await self._writer.submit(store.begin, (receiver, date.isoformat(), now))
            elif newest < date.isoformat():
                await self._make(receiver, plan, date, now)

    async def _make(self, receiver: str, plan: Digest, date: datetime.date, now: Millis) -> None:
        id = fingerprint_of(receiver, date.isoformat())
        messages = tuple(_message(id, outlet, now) for outlet in plan.outlets)
        write = partial(digest.compose, receiver, date, plan.timezone)
        if await self._writer.submit(store.fold, store.Fold(receiver, date.isoformat(), id, now, write, messages)):
            log.info("digest_made", receiver=receiver, date=date.isoformat())
            self._metrics.digests.labels(receiver).inc()
            self._wake(plan.outlets)


def _message(digest_id: str, outlet: Outlet, now: Millis) -> Notification:
    key = fingerprint_of(digest_id, outlet.channel, outlet.target)
    return Notification(NotificationId(key), key, None, Kind.DIGEST, Severity.INFO, 1, outlet, "responder",
                        State.QUEUED, "", now, now, digest=digest_id)

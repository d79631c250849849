"""Storms in time: the one message that stands for many is kept current, until nothing of it burns."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from alertd.engine.clock import Clock
from alertd.engine.metrics import Metrics
from alertd.engine.setting import Current
from alertd.folding import Phase, is_due, phase_of, said, told
from alertd.model import MINUTE, Millis, Outlet
from alertd.store import storms as store
from alertd.store.storms import Telling
from alertd.store.writer import Writer
from alertd.storm import Gauge, Storm

LOOK = MINUTE  # at a calm storm of which nothing new is known: what rose is told, and ends, on its own

log = structlog.get_logger()


class Storms:
    """`tick` is called every second; `wake` with the outlets that have new messages, after the commit."""

    def __init__(self, writer: Writer, reader: AsyncEngine, current: Current, clock: Clock, metrics: Metrics,
                 wake: Callable[[Iterable[Outlet]], None]) -> None:
        self._writer = writer
        self._reader = reader
        self._current = current
        self._clock = clock
        self._metrics = metrics
        self._wake = wake
        self._looked: dict[str, Millis] = {}

    async def tick(self) -> None:
        async with self._reader.connect() as connection:
            found = await store.live(connection)
        self._metrics.storms.clear()
        for storm, gauge in found:
            if storm.calm_at is None:
                self._metrics.storms.labels(storm.outlet.receiver, storm.outlet.channel).inc()
            await self._look(storm, gauge)
        self._looked = {storm.id: self._looked.get(storm.id, 0) for storm, _ in found}

    async def _look(self, storm: Storm, gauge: Gauge) -> None:
        now, routing = self._clock.now(), self._current.file.routing
        limits, edits = routing.storm, storm.outlet.channel in routing.edits
        known = self._current.file.settings_for(storm.outlet) is not None
        if self._quiet(storm, now):
            return
        phase = phase_of(storm, gauge, 1, limits, known, now)  # as long as something burns
        if phase is Phase.CALM:
            async with self._reader.connect() as connection:
                phase = phase_of(storm, gauge, await store.burning(connection, storm), limits, known, now)
            self._looked[storm.id] = now
        if not is_due(storm, phase, edits, limits, now):
            return
        async with self._reader.connect() as connection:
            carried = await store.carried(connection, storm)
        after, row = told(storm, phase, now)
        text = said(after, phase, carried, limits, now)
        if await self._writer.submit(store.tell, Telling(storm, after, row if known else None, text, now)):
            if storm.told == 0 or after.calm_at != storm.calm_at or after.over_at != storm.over_at:
                log.warning("storm", id=storm.id, outlet=str(storm.outlet), phase=phase.value,
                            incidents=carried.incidents, burning=carried.burns)
            self._wake([storm.outlet])

    def _quiet(self, storm: Storm, now: Millis) -> bool:
        """Whether nothing can have changed: it is calm, all it carries was told, and it was looked at lately."""
        return (storm.calm_at is not None and storm.revision <= storm.told
                and now - self._looked.get(storm.id, 0) < LOOK)

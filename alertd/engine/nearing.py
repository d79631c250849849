"""Watches for a clock that is set back, and then brings nearer what would be due too late."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
from sqlalchemy import Connection

from alertd.engine.clock import Clock
from alertd.engine.setting import Current
from alertd.incidents import Changes
from alertd.maintaining import held_until
from alertd.model import SECOND, Millis
from alertd.nearing import longest_wait, nearer
from alertd.store import intake, maintenance
from alertd.store import nearing as store
from alertd.store.writer import Writer

SLACK: Millis = SECOND  # clocks are corrected by less than this all the time

log = structlog.get_logger()


class Nearing:
    """`tick` is called every second; `wake` after something was brought nearer."""

    def __init__(self, writer: Writer, current: Current, clock: Clock, wake: Callable[[], None]) -> None:
        self._writer = writer
        self._current = current
        self._clock = clock
        self._wake = wake
        self._latest: Millis | None = None  # nothing seen: the clock may have been set while alertd was away

    async def tick(self) -> None:
        now, before = self._clock.now(), self._latest
        self._latest = now
        if before is None or now < before - SLACK:
            if before:
                log.warning("clock_set_back", seconds=round((before - now) / 1000))
            await self._writer.submit(self._bring_nearer, before is not None)
            self._wake()

    def _bring_nearer(self, connection: Connection, seen: Sequence[bool]) -> Sequence[None]:
        """A handler of the writer, in its thread. `seen`: the step, that is; after a start there was hardly one."""
        now, routing, batch = self._clock.now(), self._current.file.routing, intake.Batch()
        if store.cut(connection, longest_wait(routing), now) or any(seen):
            store.hasten(connection, now)
        incidents = store.due_later(connection, now)
        alerts = maintenance.firing(connection, [one.id for one in incidents]) if routing.windows.active(now) else {}
        for incident in incidents:
            after = nearer(incident, routing, now)
            if after != incident and not held_until(alerts.get(incident.id, ()), routing, now):
                batch.take(Changes((), (after,)))
        intake.save(connection, batch, now)
        return [None] * len(seen)

"""What time itself changes in the queue: leases of dead workers end, updates grow old, outlets leave the file."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from alertd.delivery import UPDATES_LAST
from alertd.engine.clock import Clock
from alertd.engine.deliver import outlets_of
from alertd.engine.metrics import Metrics
from alertd.engine.setting import Current
from alertd.model import Millis, Outlet
from alertd.store import outbox, swings
from alertd.store.writer import Writer

FOREVER: Millis = 2**62

log = structlog.get_logger()


class Upkeep:
    """`tick` is called every few seconds; `wake` after it found work to give back. `elsewhere` says where other
    processes can send to, None where this one has the store for itself."""

    def __init__(self, writer: Writer, current: Current, clock: Clock, metrics: Metrics, wake: Callable[[], None],
                 elsewhere: Callable[[], frozenset[Outlet]] | None = None) -> None:
        self._writer = writer
        self._current = current
        self._clock = clock
        self._metrics = metrics
        self._wake = wake
        self._elsewhere = elsewhere

    async def start(self) -> None:
        """Give back every claim where this process has the store for itself, so that whoever made them is gone."""
        if not await self._give_back(self._clock.now() if self._elsewhere else FOREVER):
            await self.bury()

    async def tick(self) -> None:
        now = self._clock.now()
        await self._give_back(now)
        await self._writer.submit(outbox.expire, (now - UPDATES_LAST, now))
        await self._writer.submit(swings.forget, now - swings.LONGEST)

    async def bury(self) -> None:
        """End as dead, visibly, what waits for an outlet that is no longer in the file, here or elsewhere."""
        known = frozenset(outlets_of(self._current)) | (self._elsewhere() if self._elsewhere else frozenset())
        if gone := await self._writer.submit(outbox.bury, (known, self._clock.now())):
            log.error("outlets_gone", outlets=gone)

    async def _give_back(self, cutoff: Millis) -> int:
        lost = await self._writer.submit(outbox.give_back, cutoff)
        if lost:
            log.warning("leases_lost", notifications=lost)
            self._metrics.leases_lost.inc(lost)
            await self.bury()
            self._wake()
        return lost

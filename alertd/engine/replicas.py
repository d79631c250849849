"""Several alertd on one store: they know of each other, share what a vendor takes, and wake each other.

Nobody leads. What is due is a row that whoever comes first claims; this only spares a neighbour from finding it late.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

import structlog

from alertd import __version__
from alertd.engine.clock import Clock
from alertd.engine.deliver import Couriers, outlets_of
from alertd.engine.metrics import Metrics
from alertd.engine.setting import Current
from alertd.model import Outlet
from alertd.store import outbox, replicas
from alertd.store.bell import Bell
from alertd.store.database import Database
from alertd.store.replicas import Beat, Replica
from alertd.store.writer import Writer

log = structlog.get_logger()


class Replicas:
    """`tick` is called every few seconds. Where a store has one process, that is all there is."""

    def __init__(self, db: Database, config: Path, writer: Writer, current: Current, clock: Clock,
                 couriers: Couriers, metrics: Metrics) -> None:
        self._config = config
        self._writer = writer
        self._reader = db.reader
        self._current = current
        self._clock = clock
        self._couriers = couriers
        self._metrics = metrics
        self._bell = Bell(db.url, self._hear) if db.shared else None
        self._here: list[Replica] = []
        self._read: tuple[int, str] = (-1, "")
        self._number: int | None = None

    async def start(self) -> int:
        """Be here; the number that tells this process from all others."""
        number = await self._beat()
        if self._bell:
            self._bell.start()
        return number

    async def stop(self) -> None:
        if self._bell:
            await self._bell.stop()

    async def tick(self) -> None:
        """Say that this one is here, hear who else is, and look for what nobody rang for."""
        if not self._bell:
            return
        await self._beat()
        async with self._reader.connect() as connection:
            waits = await outbox.throttled(connection, self._clock.now())
        self._couriers.share(len(self._here), waits)
        self._couriers.wake_all()

    def wake(self, outlets: Iterable[Outlet]) -> None:
        """Something may be due there: here at once, soon elsewhere."""
        wanted = list(outlets)
        self._couriers.wake(wanted)
        if wanted and self._bell:
            self._bell.ring(wanted)

    @property
    def elsewhere(self) -> Callable[[], frozenset[Outlet]] | None:
        """Where other processes can send to; None where there are none."""
        return self._outlets if self._bell else None

    def _outlets(self) -> frozenset[Outlet]:
        # they may have read different files while one is rolled out
        return frozenset(outlet for one in self._here for outlet in one.outlets)

    def _hear(self, outlets: Iterable[Outlet] | None) -> None:
        if outlets is None:
            self._couriers.wake_all()
        else:
            self._couriers.wake(outlets)

    async def _beat(self) -> int:
        read_at = self._current.read_at
        if self._read[0] != read_at:
            self._read = read_at, await asyncio.to_thread(_hash, self._config)
        me = Replica(socket.gethostname(), os.getpid(), __version__, self._read[1], tuple(outlets_of(self._current)))
        before = len(self._here)
        number, self._here = await self._writer.submit(replicas.beat, Beat(me, self._clock.now(), self._number))
        self._number = number
        if len(self._here) != before:
            log.info("replicas", here=len(self._here))
        self._metrics.replicas.set(len(self._here))
        self._metrics.replicas_disagree.set(len({(one.config, one.version) for one in self._here}) > 1)
        return number


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

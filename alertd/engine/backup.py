"""Backups on a schedule: a proved copy every few minutes, and what is no longer needed taken away."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import structlog

from alertd import backups
from alertd.engine.clock import Clock
from alertd.engine.metrics import Metrics
from alertd.errors import BadBackup
from alertd.model import Millis
from alertd.store import backup as store

log = structlog.get_logger()


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """Where backups go, how often, and (None: as they are) for whose key they are encrypted."""

    folder: Path
    every: Millis
    recipient: str | None = None


class Backups:
    """`tick` makes one when it is due; the store goes on meanwhile."""

    def __init__(self, path: Path, plan: Plan | None, clock: Clock, metrics: Metrics) -> None:
        self._path = path
        self._plan = plan
        self._clock = clock
        self._metrics = metrics
        self._next: Millis | None = None

    async def tick(self) -> None:
        if self._plan is None:
            return
        now = self._clock.now()
        if self._next is None:
            self._next = await asyncio.to_thread(self._due, self._plan)
        if now < self._next <= now + self._plan.every:  # later than that only where the clock was put back
            return
        self._next = now + self._plan.every
        try:
            proof = await asyncio.to_thread(self._make, self._plan, now)
        except BadBackup as error:
            self._metrics.backups_failed.inc()
            log.error("backup_failed", problem=str(error))
            return
        self._metrics.backup_time.set(now / 1000)
        self._metrics.backup_bytes.set(proof.size)

    def _due(self, plan: Plan) -> Millis:
        """When the next is due, given those there are."""
        made = [at for file in plan.folder.glob("*") if (at := backups.made_at(file.name)) is not None]
        if made:
            self._metrics.backup_time.set(max(made) / 1000)
        return max(made) + plan.every if made else 0

    def _make(self, plan: Plan, now: Millis) -> store.Proof:
        name = backups.name(now, encrypted=plan.recipient is not None)
        proof = store.make(self._path, plan.folder / name, plan.recipient)
        for old in backups.superfluous(file.name for file in plan.folder.glob("*")):
            (plan.folder / old).unlink(missing_ok=True)
        return proof

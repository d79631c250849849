"""What is over is counted by the hour and the day, so that statistics and digests of a long history are quick."""

from __future__ import annotations

import asyncio
import secrets

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from alertd.engine.clock import Clock
from alertd.engine.setting import Current
from alertd.model import Millis
from alertd.store import tallies
from alertd.store.tallies import Claim
from alertd.store.writer import Writer

PAUSE = 0.05  # seconds between two; after an upgrade there are two thousand
log = structlog.get_logger()


class Tallying:
    """`tick` counts whatever is due; where there are several replicas, each hour is counted by one of them."""

    def __init__(self, writer: Writer, reader: AsyncEngine, current: Current, clock: Clock, pause: float = PAUSE
                 ) -> None:
        self._writer = writer
        self._reader = reader
        self._current = current
        self._clock = clock
        self._pause = pause

    async def tick(self) -> None:
        if changed := await self._writer.submit(tallies.after, self._clock.now()):
            log.warning("clock_went_back", hours_to_count_again=changed)
        number = 0
        while due := await self._due():  # days come once their hours are there
            counted = [await self._count(*one) for one in due]
            number += sum(counted)
            if not any(counted):  # by another replica, now
                break
        if number:
            log.info("counted_hours", number=number)

    async def _due(self) -> list[tuple[Millis, Millis]]:
        now = self._clock.now()
        async with self._reader.connect() as connection:
            # what the cleanup may take now is not counted any more
            return await tallies.due(connection, now - self._current.file.retention, now)

    async def _count(self, length: Millis, begins: Millis) -> bool:
        claim = Claim(length, begins, secrets.token_hex(8), self._clock.now())
        if not await self._writer.submit(tallies.claim, claim):
            return False
        async with self._reader.connect() as connection:
            found = await tallies.count(connection, claim)
        kept: bool = await self._writer.submit(tallies.keep, found)
        await asyncio.sleep(self._pause)
        return kept

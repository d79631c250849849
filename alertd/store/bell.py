"""LISTEN and NOTIFY: replicas tell each other that messages wait. What is not heard is found by looking all the same.

A connection of its own sends and hears, outside of every transaction: PostgreSQL has transactions that notify commit
one after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import structlog

from alertd.errors import StoreUnavailable
from alertd.model import Outlet
from alertd.store import postgres

CHANNEL = "alertd"
GATHER = 0.2  # seconds; the replica that has the messages is woken at once, this is for its neighbours
LONGEST = 7_000  # bytes; PostgreSQL takes 8,000
PAUSE = 1.0  # seconds before connecting again
CHECK = 10.0  # seconds between looks at a line on which nothing was said

log = structlog.get_logger()

_names = msgspec.json.Decoder(list[tuple[str, str, str]])


class Bell:
    """`hear` is called with outlets where messages wait; with None where that may be anywhere."""

    def __init__(self, url: str, hear: Callable[[Iterable[Outlet] | None], None]) -> None:
        self._url = url
        self._hear = hear
        self._ringing: set[Outlet] = set()
        self._awake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="bell")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def ring(self, outlets: Iterable[Outlet]) -> None:
        """Tell the neighbours soon."""
        self._ringing.update(outlets)
        self._awake.set()

    async def _run(self) -> None:
        faults: tuple[type[BaseException], ...] = (OSError, StoreUnavailable, *postgres.faults())
        while True:
            try:
                await self._talk()
            except faults as error:
                log.info("bell_lost", reason=str(error) or type(error).__name__)
            await asyncio.sleep(PAUSE)

    async def _talk(self) -> None:
        connection = await postgres.connect(self._url)
        try:
            await connection.add_listener(CHANNEL, self._heard)
            self._hear(None)  # what was rung meanwhile was not heard
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CHECK):
                        await self._awake.wait()
                await asyncio.sleep(GATHER)
                self._awake.clear()
                ringing, self._ringing = self._ringing, set()
                await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, _written(ringing))
        finally:
            connection.terminate()

    def _heard(self, connection: Any, pid: int, _channel: str, payload: object) -> None:
        if pid != connection.get_server_pid():
            outlets = _read(payload)
            if outlets != []:
                self._hear(outlets)


def _written(outlets: Iterable[Outlet]) -> str:
    """[] says that nothing waits: somebody looked whether the line is well."""
    text = msgspec.json.encode([(one.receiver, one.channel, one.target) for one in outlets]).decode()
    return text if len(text.encode()) < LONGEST else "*"


def _read(payload: object) -> list[Outlet] | None:
    try:
        return [Outlet(*names) for names in _names.decode(str(payload))]
    except msgspec.DecodeError:
        return None

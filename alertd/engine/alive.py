"""alertd's own heartbeat goes out only after an alert has travelled the whole chain: in, decided, committed, claimed,
sent, settled. Whoever listens outside learns from its silence that alertd tells nobody of anything any more."""

from __future__ import annotations

import asyncio
import contextlib

import aiohttp
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from alertd import alive
from alertd.config.alive import Beat
from alertd.engine.clock import Clock, Ids
from alertd.engine.intake import Intake
from alertd.engine.metrics import Metrics
from alertd.engine.setting import Current
from alertd.errors import StoreUnavailable
from alertd.model import Kind, Millis, WebhookId
from alertd.store import alive as store
from alertd.store.writer import Writer

LOOK = 0.2  # seconds between looks at whether it has arrived

log = structlog.get_logger()


class _Refused(aiohttp.ClientError):
    """The address answered, and not with a yes."""


class Alive:
    """`tick` is called every second, and ends once the beat went out or could not; it does not overlap itself."""

    def __init__(self, intake: Intake, writer: Writer, reader: AsyncEngine, current: Current, clock: Clock, ids: Ids,
                 metrics: Metrics, http: aiohttp.ClientSession) -> None:
        self._intake = intake
        self._writer = writer
        self._reader = reader
        self._current = current
        self._clock = clock
        self._ids = ids
        self._metrics = metrics
        self._http = http
        self._next: Millis | None = None
        self._begun = 0
        self._at = ""  # where it is, for whoever asks why it does not arrive

    async def tick(self) -> None:
        beat, now = self._current.file.beat, self._clock.now()
        if beat is None or self._intake.draining:
            self._next = self._current.own_problem = None
            self._begun = 0
            return
        if self._next is not None and now < self._next <= now + beat.every:  # later only if the clock was set back
            return
        self._next = now + beat.every
        if self._begun < 2:  # what an earlier life left, and is too old by now to be on its way from another replica
            self._begun += 1
            await self._sweep(now - beat.every)
        try:
            async with asyncio.timeout(beat.every / 1000):
                await self._travel(now)
                self._metrics.own_beat_travel.set((self._clock.now() - now) / 1000)
                await self._go_out(beat)
        except (TimeoutError, StoreUnavailable, aiohttp.ClientError, OSError) as error:
            self._fail(error)
        else:
            self._metrics.own_beat_time.set(self._clock.now() / 1000)
            if self._current.own_problem:
                log.info("own_heartbeat_goes_out_again")
            self._current.own_problem = None

    async def _travel(self, now: Millis) -> None:
        incident = self._ids.next(now)
        try:
            for id, kind in ((incident, Kind.FIRING), (self._ids.next(now), Kind.RESOLVED)):
                self._at = f"its {kind} is not stored"
                firing = kind is Kind.FIRING
                told = alive.webhook(WebhookId(id), incident, now, self._clock.now(), firing=firing)
                await self._intake.accept_own(told, alive.ROUTING)
                self._at = f"its {kind} is stored, and not delivered"
                while not await self._arrived(incident, kind):  # noqa: ASYNC110  on disk, where no event tells
                    await asyncio.sleep(LOOK)
        finally:
            await asyncio.shield(self._forget(incident))

    async def _arrived(self, incident: str, kind: Kind) -> bool:
        async with self._reader.connect() as connection:
            return await store.arrived(connection, incident, kind)

    async def _go_out(self, beat: Beat) -> None:
        self._at = "its alert arrived, and its address does not take the beat"
        async with self._http.request(beat.method, beat.address.reveal(), allow_redirects=False) as answer:
            if not 200 <= answer.status < 300:
                raise _Refused(f"it answered {answer.status}")

    async def _sweep(self, before: Millis) -> None:
        with contextlib.suppress(StoreUnavailable):
            await self._writer.submit(store.sweep, before)

    async def _forget(self, incident: str) -> None:
        with contextlib.suppress(StoreUnavailable):  # what stays now is found at the next start
            await self._writer.submit(store.forget, incident)

    def _fail(self, error: BaseException) -> None:
        """Whoever listens hears nothing; here it is said why. An address is a secret, and errors like to quote it."""
        reason = self._at if isinstance(error, TimeoutError) else f"{self._at} ({_said(error)})"
        self._metrics.own_beat_failures.inc()
        self._current.own_problem = reason
        log.error("own_heartbeat_stays_in", reason=reason)


def _said(error: BaseException) -> str:
    return str(error) if isinstance(error, (StoreUnavailable, _Refused)) else type(error).__name__

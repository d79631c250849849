"""The rotas' calendars are read again and again: a good copy is kept, a bad one changes nothing."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import aiohttp
import structlog

from alertd.calendars import Heard, heard
from alertd.channels import Net
from alertd.config.rotas import Calendar
from alertd.config.routing_file import RoutingFile
from alertd.engine.clock import Clock
from alertd.engine.metrics import Metrics
from alertd.engine.setting import Current
from alertd.model import DAY, MINUTE, Millis
from alertd.rotas import StandIn

EVERY: Millis = 5 * MINUTE
BEFORE: Millis = DAY
AHEAD: Millis = 400 * DAY
LARGEST = 2 * 1024 * 1024  # bytes; ten years of weekly turns are a tenth of it

log = structlog.get_logger()


class OnCall:
    """`tick` is called every few seconds; `merged` gives a file what its calendars said last."""

    def __init__(self, current: Current, clock: Clock, net: Net, metrics: Metrics) -> None:
        self._current = current
        self._clock = clock
        self._net = net
        self._metrics = metrics
        self._said: dict[tuple[str, Calendar], tuple[StandIn, ...]] = {}
        self._good_at: dict[str, Millis] = {}
        self._due = 0
        self._empty: set[str] = set()

    async def tick(self) -> None:
        now = self._clock.now()
        if now >= self._due:
            self._due = now + EVERY
            await self.read()
        self._show(now)

    async def read(self) -> None:
        """Read every calendar once, and put what they say in force."""
        file = self._current.file
        await asyncio.gather(*(self._read(file, name, calendar) for name, calendar in file.calendars.items()))
        self._current.file = self.merged(self._current.file)

    def merged(self, file: RoutingFile) -> RoutingFile:
        """The file, its rotas with what their calendars said last."""
        rotas = {name: dataclasses.replace(rota, calendar=self._said.get((name, file.calendars[name]), ()))
                 if name in file.calendars else rota for name, rota in file.routing.rotas.items()}
        return dataclasses.replace(file, routing=dataclasses.replace(file.routing, rotas=rotas))

    async def _read(self, file: RoutingFile, name: str, calendar: Calendar) -> None:
        try:
            body = await _body(calendar, file.folder, self._net)
            now = self._clock.now()
            found: Heard = await asyncio.to_thread(heard, body, file.people, file.routing.rotas[name].timezone,
                                                   now - BEFORE, now + AHEAD)
        except (ValueError, OSError, aiohttp.ClientError) as error:  # a timeout is an OSError
            log.warning("calendar_unread", rota=name, error=str(error) or type(error).__name__,
                        kept=(name, calendar) in self._said)
            return
        if self._said.get((name, calendar)) != found.stand_ins:
            log.info("calendar_read", rota=name, stand_ins=len(found.stand_ins), naming_nobody=list(found.unknown[:5]))
        self._said[name, calendar] = found.stand_ins
        self._good_at[name] = now

    def _show(self, now: Millis) -> None:
        """What the metrics say of every rota, and a line in the log when one has nobody from now on."""
        file, metrics = self._current.file, self._metrics
        metrics.covered.clear()
        metrics.calendar_age.clear()
        empty = {name for name, rota in file.routing.rotas.items() if rota.on_call(now) is None}
        for name in file.routing.rotas:
            metrics.covered.labels(name).set(name not in empty)
        for name in file.calendars:
            metrics.calendar_age.labels(name).set((now - self._good_at.get(name, 0)) / 1000)
        for name in empty - self._empty:
            log.warning("nobody_on_call", rota=name)
        self._empty = empty


async def _body(calendar: Calendar, folder: Path, net: Net) -> bytes:
    if calendar.url is None:
        return await asyncio.to_thread(_file, folder / (calendar.file or ""))
    async with net.http.get(calendar.url.reveal(), allow_redirects=False) as answer:
        if answer.status != 200:
            raise ValueError(f"answered {answer.status}")
        body = await answer.content.read(LARGEST + 1)
        while len(body) <= LARGEST and (more := await answer.content.read(LARGEST)):
            body += more
    if len(body) > LARGEST:
        raise ValueError(f"is larger than {LARGEST // 1024 // 1024} MiB")
    return body


def _file(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(LARGEST)

"""The daemon put together: what is built from what, which signals it hears, and how it ends.

The one place that wires everything. Start: lock, migrate, give back old claims, then take webhooks. End: refuse
webhooks, let attempts finish, write what waits, close.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
import errno
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import structlog
from aiohttp import web
from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from alertd import alive, channels, reach
from alertd.channels import Net
from alertd.config import routing_file
from alertd.engine.acts import Acts
from alertd.engine.alive import Alive
from alertd.engine.anchor import Anchor
from alertd.engine.backup import Backups, Plan
from alertd.engine.budgets import Budgets, keeping
from alertd.engine.cleanup import Cleanup
from alertd.engine.clock import Clock, Ids, SystemClock
from alertd.engine.deliver import Couriers, Outgoing
from alertd.engine.digests import Digests
from alertd.engine.emergency import Emergency
from alertd.engine.heartbeat import Heartbeats
from alertd.engine.inhibition import Inhibition
from alertd.engine.intake import Intake
from alertd.engine.late import Late
from alertd.engine.maintenance import Maintenance
from alertd.engine.metrics import Metrics
from alertd.engine.nearing import Nearing
from alertd.engine.offers import Offers
from alertd.engine.oncall import OnCall
from alertd.engine.process import collect_rarely, expect_files, set_up_logs, share_memory, share_often
from alertd.engine.reconcile import Reconcile
from alertd.engine.replicas import Replicas
from alertd.engine.room import Room
from alertd.engine.setting import Current
from alertd.engine.silences import Silences
from alertd.engine.sockets import Sockets
from alertd.engine.storms import Storms
from alertd.engine.systemd import Systemd
from alertd.engine.tallying import Tallying
from alertd.engine.upkeep import Upkeep
from alertd.errors import BadInput, NoDoor
from alertd.model import SECOND
from alertd.reconciling import EVERY
from alertd.store import database
from alertd.store.database import Database
from alertd.store.writer import Writer
from alertd.web.app import build
from alertd.web.guard import Door
from alertd.web.inside import Inside

GRACE = 15.0  # seconds for attempts under way when stopping; above one attempt's own limit
CLOSING = 5.0  # seconds for requests under way after that; with GRACE below the 30 s that Kubernetes waits
ACCEPTED = 16  # connections in one go; each takes about 0.1 ms
WAITING = 1024  # connections that may wait to be accepted
ANCHOR = 60  # seconds between looks at the audit's head
CHORES = 300  # seconds between looks at what is done once a day
TICK = 5  # seconds between looks at what time alone changes
FIRST = 1  # second after the start, the first of them

log = structlog.get_logger()


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """What the command line said. `guarded`: visitors must show who they are, or it does not start."""

    config: Path
    rules: Path
    store: str
    host: str
    port: int
    external_url: str | None = None
    json_logs: bool = False
    alertmanagers: tuple[str, ...] = ()
    web_config: Path | None = None
    guarded: bool = False
    backup: Plan | None = None
    connections: int = database.CONNECTIONS
    prometheus: str | None = None


def run(options: Options) -> None:
    """Serve until SIGTERM or SIGINT."""
    set_up_logs(options.json_logs)
    share_memory()
    expect_files()
    asyncio.run(_serve(options))


async def _serve(options: Options) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with serving(options, SystemClock()) as daemon, daemon.systemd.watched():
        collect_rarely()
        share_often()
        loop.add_signal_handler(signal.SIGHUP, daemon.reload_soon)
        daemon.systemd.ready(daemon.standing)
        await stop.wait()
        daemon.systemd.stopping()
        log.info("stopping")


class Daemon:
    """A running daemon, as its signals and the HTTP face see it."""

    def __init__(self, options: Options, current: Current, couriers: Couriers, upkeep: Upkeep, net: Net,
                 metrics: Metrics, clock: Clock, oncall: OnCall, maintenance: Maintenance, inhibition: Inhibition,
                 sockets: Sockets, budgets: Budgets, systemd: Systemd) -> None:
        self.address = ""
        self.systemd = systemd
        self._options = options
        self._current = current
        self._couriers = couriers
        self._upkeep = upkeep
        self._net = net
        self._metrics = metrics
        self._clock = clock
        self._oncall = oncall
        self._maintenance = maintenance
        self._inhibition = inhibition
        self._sockets = sockets
        self._budgets = budgets
        self._tasks: set[asyncio.Task[None]] = set()
        self.note_success()

    def reload_soon(self) -> None:
        """What SIGHUP does; the outcome is in the log and the metrics."""
        async def attempt() -> None:
            with contextlib.suppress(BadInput):
                await self.reload()

        self._spawn(attempt())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def reload(self) -> None:
        """Put the files on disk in force, as a whole; BadInput leaves everything as it was."""
        self.systemd.reloading()
        try:
            await self._put_in_force()
        finally:
            self.systemd.ready(self.standing)

    @property
    def standing(self) -> str:
        """A line for `systemctl status`."""
        if self._current.problem is None:
            return f"serving at {self.address}"
        return f"serving at {self.address} by the file before; the newest is refused: {self._current.problem}"

    async def _put_in_force(self) -> None:
        try:
            file = self._oncall.merged(await asyncio.to_thread(_load, self._options.config))
            said = await self._budgets.read(self._options.rules)
            self._current.file = self._maintenance.merged(file)
        except BadInput as error:
            self._current.problem = str(error)
            self._metrics.reload_ok.set(0)
            log.error("reload_refused", problem=str(error))
            raise
        self._current.problem = None
        self._current.read_at = self._clock.now()
        self.note_success()
        self._net.clients.clear()
        await self._upkeep.bury()
        self._couriers.refresh()
        await self._maintenance.tick()  # what a window held that is gone from the file is told now
        await self._inhibition.tick()
        self._sockets.refresh()
        await self._budgets.declare(said)
        self._spawn(self._oncall.read())  # a calendar that is new in the file; a slow one holds no reload up
        log.info("reloaded")

    def note_success(self) -> None:
        """Show that the newest file is in force."""
        self._metrics.reload_ok.set(1)
        self._metrics.reload_time.set(self._current.read_at / 1000)


@contextlib.asynccontextmanager
async def serving(options: Options, clock: Clock) -> AsyncIterator[Daemon]:
    """The daemon, running inside the block; leaving it is the orderly end."""
    current = Current(await asyncio.to_thread(_load, options.config), clock.now())
    door = await asyncio.to_thread(Door, options.web_config, lambda: current.file.access)
    if options.guarded and not door.shut:
        raise NoDoor(address=f"{options.host}:{options.port}")
    with database.locked(options.store):
        async with contextlib.AsyncExitStack() as stack:
            db, writer = await stack.enter_async_context(_store(options))
            metrics = Metrics()
            net = await stack.enter_async_context(_net(current))
            couriers = Couriers(Outgoing(writer, db.reader, current, clock, net, metrics, options.external_url,
                                         offers := Offers(db.shared)))
            replicas = Replicas(db, options.config, writer, current, clock, couriers, metrics)
            wake, ids = replicas.wake, Ids(await replicas.start())
            stack.push_async_callback(replicas.stop)
            emergency = Emergency(current, clock, net, metrics)
            stack.push_async_callback(emergency.stop)
            acts = Acts(writer, current, clock, wake)
            upkeep = Upkeep(writer, current, clock, metrics, couriers.wake_all, replicas.elsewhere)
            intake = Intake(writer, current, clock, ids, metrics, wake, emergency, offers)
            reconcile = Reconcile(options.alertmanagers, writer, db.reader, current, clock, ids, metrics,
                                  wake, net.http)
            heartbeats = Heartbeats(writer, current, clock, ids, wake)
            digests = Digests(writer, db.reader, current, clock, metrics, wake, options.rules,
                              Silences(options.alertmanagers, net.http))
            oncall = OnCall(current, clock, net, metrics)
            maintenance = Maintenance(writer, db.reader, current, clock, ids, wake, shared=db.shared)
            inhibition = Inhibition(writer, current, clock, wake)
            backups = Backups(database.file_of(options.store), options.backup, clock, metrics)
            anchor = Anchor(db.reader, clock, metrics)
            sockets = Sockets(acts, current, metrics, net.http)
            budgets = await stack.enter_async_context(
                keeping(options.rules, options.prometheus, writer, db.reader, current, clock, ids, metrics))
            daemon = Daemon(options, current, couriers, upkeep, net, metrics, clock, oncall, maintenance, inhibition,
                            sockets, budgets, Systemd(os.environ, writer.stuck))
            await anchor.tick()
            await oncall.tick()  # before the first webhook: who stands in is known from the start
            await maintenance.start()  # what people planned holds from the start too
            await inhibition.tick()
            await upkeep.start()
            await couriers.start()
            stack.push_async_callback(couriers.stop, GRACE)
            stack.push_async_callback(sockets.stop)
            sockets.refresh()
            own = Alive(intake, writer, db.reader, current, clock, ids, metrics, net.http)
            stack.enter_context(_timed({upkeep.tick: TICK, digests.tick: TICK, acts.tick: TICK, oncall.tick: TICK,
                                        inhibition.tick: TICK, maintenance.tick: 1, heartbeats.tick: 1, own.tick: 1,
                                        Late(writer, current, clock, couriers.wake).tick: TICK,
                                        Nearing(writer, current, clock, couriers.wake_all).tick: 1,
                                        Storms(writer, db.reader, current, clock, metrics, couriers.wake).tick: 1,
                                        reconcile.tick: EVERY // SECOND, door.tick: TICK, anchor.tick: ANCHOR,
                                        backups.tick: TICK, replicas.tick: TICK, budgets.tick: TICK,
                                        Room(database.file_of(options.store), metrics).tick: ANCHOR,
                                        Cleanup(writer, current, clock, metrics).tick: CHORES,
                                        Tallying(writer, db.reader, current, clock).tick: CHORES}))
            app = build(Inside(intake, writer, db.reader, current, clock, metrics, daemon.reload, acts,
                               maintenance, door, budgets, digests, clock.now(), options.external_url))
            daemon.address = await stack.enter_async_context(_listening(app, options, door.tls))
            log.info("serving", address=daemon.address, store=database.shown(options.store), config=str(options.config))
            try:
                yield daemon
            finally:
                # Senders and balancers are told 503 while attempts end; then the listener goes, then the store.
                intake.draining = True
                await couriers.stop(GRACE)


def read_routing(path: Path, *, read_secrets: bool = True) -> routing_file.RoutingFile:
    """The file, with what its channels can do."""
    file = routing_file.load(path, channels.settings_types(), read_secrets=read_secrets)
    return dataclasses.replace(file, routing=dataclasses.replace(
        file.routing, edits=channels.editing(), pages=channels.paging(), follows=channels.following(),
        folds=channels.folding()))


def _load(path: Path) -> routing_file.RoutingFile:
    file = read_routing(path)
    for remark in file.remarks:
        log.warning("routing_file", remark=str(remark))
    return _with_own_receiver(file) if file.beat else file


def _with_own_receiver(file: routing_file.RoutingFile) -> routing_file.RoutingFile:
    """The file, and where alertd's own heartbeat arrives."""
    own = alive.RECEIVER
    settings = {(own.name, outlet.channel): channels.load(outlet.channel).Settings() for outlet in own.outlets}
    return dataclasses.replace(file, settings={**file.settings, **settings}, routing=dataclasses.replace(
        file.routing, receivers={**file.routing.receivers, own.name: own}))


@contextlib.asynccontextmanager
async def _store(options: Options) -> AsyncIterator[tuple[Database, Writer]]:
    db = database.connect(options.store, options.connections)
    try:
        await database.migrate(db)
        writer = Writer(db.writer)
        writer.start()
        try:
            yield db, writer
        finally:
            await writer.stop()
    finally:
        await db.close()


def _reaching(current: Current, address: tuple[Any, ...]) -> socket.socket:
    """A socket for an address that was looked up; OSError where nothing is sent to it."""
    family, kind, protocol, _, place = address
    if why := reach.refusal(str(place[0]), private=current.file.private_addresses):
        raise OSError(errno.EACCES, why)
    return socket.socket(family, kind, protocol)


def _staying() -> aiohttp.TraceConfig:
    """Redirects end a request that did not say by its `trace_request_ctx` that it follows them: most are told not to,
    but the opening of a websocket cannot be."""
    async def ended(_session: aiohttp.ClientSession, context: Any, _to: aiohttp.TraceRequestRedirectParams) -> None:
        if not context.trace_request_ctx:
            raise aiohttp.ClientError("the answer is a redirect, and none is followed")

    staying = aiohttp.TraceConfig()
    staying.on_request_redirect.append(ended)
    return staying


@contextlib.asynccontextmanager
async def _net(current: Current) -> AsyncIterator[Net]:
    # aiohttp's own limit of 100 connections would let one endpoint wait for another; slots are counted per endpoint
    connector = aiohttp.TCPConnector(limit=0, socket_factory=partial(_reaching, current))
    session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=channels.TIMEOUT),
                                    trace_configs=[_staying()])
    async with session:
        yield Net(session)


@contextlib.contextmanager
def _timed(ticks: Mapping[Callable[[], Awaitable[None]], int]) -> Iterator[None]:
    """Call each after so many seconds, and again."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    start = datetime.datetime.now(datetime.UTC)
    scheduler.add_listener(_tick_failed, EVENT_JOB_ERROR)
    for (tick, seconds), moment in zip(ticks.items(), _moments(list(ticks.values())), strict=True):
        # None: a tick that is late because the loop was busy still runs; the default drops it after a second
        scheduler.add_job(tick, "interval", seconds=seconds, next_run_time=start + datetime.timedelta(seconds=moment),
                          misfire_grace_time=None, coalesce=True)
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=False)


def _moments(intervals: Sequence[int]) -> list[float]:
    """When each of these is looked at first, in seconds after the start. What is looked at often, after FIRST: replicas
    that end again and again within a TICK would else never come to a digest or an escalation. Spread over a second, and
    so from then on: all at once would keep a webhook waiting for all of them."""
    return [(FIRST if interval <= TICK else interval) + index / len(intervals)
            for index, interval in enumerate(intervals)]


def _tick_failed(event: JobExecutionEvent) -> None:
    log.error("tick_failed", error=str(event.exception))


@contextlib.asynccontextmanager
async def _listening(app: web.Application, options: Options, tls: ssl.SSLContext | None) -> AsyncIterator[str]:
    # auto_decompress off: a compressed body is refused by its header, and must not be unpacked before that
    runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=CLOSING)
    await runner.setup()
    listener = await asyncio.to_thread(_bind, options.host, options.port)
    # asyncio accepts as many connections in one go as may wait: few, or a burst of them holds everything else up.
    await web.SockSite(runner, listener, backlog=ACCEPTED, ssl_context=tls).start()
    listener.listen(WAITING)
    host, port = listener.getsockname()[:2]
    try:
        yield f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
    finally:
        await runner.cleanup()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    return socket.create_server((host, port), family=family)

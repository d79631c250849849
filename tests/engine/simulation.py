"""alertd's engine as a machine that a property test drives: the real intake, couriers, timed work and SQLite store.
Time, vendors and Alertmanager are simulated, and nothing is left to chance, so that what failed once fails again.

The event loop's own time stands still while anything can run, and else jumps to the next timer. The wall clock is that
time and a skew. A crash drops the loop with everything in it at a chosen turn: no `finally`, no goodbye; only the file
stays.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import datetime
import enum
import functools
import itertools
import json
import selectors
import shutil
import tempfile
import zlib
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

from sqlalchemy import create_engine, event

from alertd import channels
from alertd.channels import Receipt
from alertd.config.receivers import Digest
from alertd.config.routing_file import RoutingFile
from alertd.engine import commits
from alertd.engine.acts import Acts
from alertd.engine.clock import Ids
from alertd.engine.deliver import Couriers, Outgoing
from alertd.engine.digests import Digests
from alertd.engine.heartbeat import Heartbeats
from alertd.engine.inhibition import Inhibition
from alertd.engine.intake import Intake
from alertd.engine.late import Late
from alertd.engine.maintenance import Maintenance
from alertd.engine.metrics import Metrics
from alertd.engine.nearing import Nearing
from alertd.engine.offers import Offers
from alertd.engine.reconcile import Reconcile
from alertd.engine.setting import Current
from alertd.engine.storms import Storms
from alertd.engine.upkeep import Upkeep
from alertd.errors import Rejected, TryLater
from alertd.matchers import parse
from alertd.model import DAY, HOUR, MINUTE, Delivery, Kind, Millis, Outlet, Severity
from alertd.reconciling import Listed, Look
from alertd.routing import Heartbeat, Step
from alertd.routing import Inhibition as Rule
from alertd.store import database
from alertd.store import writer as writing
from alertd.store.writer import Writer
from alertd.storm import Limits
from tests.engine.conftest import Told, file_for, receiver
from tests.reports import T0

SOURCE = "http://alertmanager"


class Dropped(BaseException):
    """The engine was killed here."""


class _Skipping(selectors.DefaultSelector):
    """Waits for no time to pass, and lets it pass instead. `turns` are left before the engine is killed."""

    time = 0.0
    turns: int | None = None

    def select(self, timeout: float | None = None) -> list[Any]:
        if self.turns is not None:
            self.turns -= 1
            if self.turns < 0:
                raise Dropped
        assert timeout is not None, "nothing will ever happen again"
        self.time += max(timeout, 0.0)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that is never late."""

    def __init__(self, time: float) -> None:
        self.skipping = _Skipping()
        self.skipping.time = time
        super().__init__(self.skipping)
        self.set_default_executor(_Here(1))

    def time(self) -> float:
        return self.skipping.time


class _Here(concurrent.futures.ThreadPoolExecutor):
    """A thread, without one: work is done when it is handed over."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **named: Any) -> concurrent.futures.Future[Any]:
        answer: concurrent.futures.Future[Any] = concurrent.futures.Future()
        try:
            answer.set_result(work(*args, **named))
        except Exception as error:
            answer.set_exception(error)
        return answer


class _Beside(_Here):
    """A thread indeed, and a loop of its own in which time passes: who hands work over waits until it is done. What
    speaks to a server needs both."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **named: Any) -> concurrent.futures.Future[Any]:
        answer = super(_Here, self).submit(work, *args, **named)
        concurrent.futures.wait([answer])
        return answer

    def run(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        return self.submit(lambda: self._runner().run(work())).result()

    @functools.cache  # noqa: B019  as many as there are lives
    def _runner(self) -> asyncio.Runner:
        return asyncio.Runner()

    def close(self) -> None:
        self.submit(lambda: self._runner().close())
        self.shutdown()


class _Writing:
    """The writer's thread. After `left` more transactions the engine is killed before the next begins, which on disk is
    the same as within it."""

    def __init__(self, selector: _Skipping, thread: _Here) -> None:
        self.left: int | None = None
        self.thread = thread
        self._selector = selector

    def submit(self, work: Callable[..., Any], /, *args: Any, **named: Any) -> concurrent.futures.Future[Any]:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self._selector.turns = 0
                return concurrent.futures.Future()
        return self.thread.submit(work, *args, **named)

    def shutdown(self) -> None:
        self.thread.shutdown()


class _Reader:
    """The reading engine, without a thread."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)

    @contextlib.asynccontextmanager
    async def connect(self) -> Any:
        with self.plainly() as connection:
            yield _Asked(connection)

    @contextlib.contextmanager
    def plainly(self) -> Iterator[Any]:
        with self._engine.connect() as connection:
            yield connection

    def close(self) -> None:
        self._engine.dispose()


@dataclasses.dataclass
class _Asked:
    connection: Any

    async def execute(self, *asked: Any) -> Any:
        return self.connection.execute(*asked)

    async def run_sync(self, work: Callable[..., Any], *more: Any) -> Any:
        if isinstance(self.connection, _Far):
            return self.connection.run_sync(work, *more)
        return work(self.connection, *more)


class _FarReader(_Reader):
    """The reading engine of a server."""

    def __init__(self, url: str) -> None:
        self._beside = _Beside(1)
        self._far = database.connect(url).reader

    @contextlib.contextmanager
    def plainly(self) -> Iterator[Any]:
        async def connected() -> Any:
            return await self._far.connect()

        connection = self._beside.run(connected)
        try:
            yield _Far(connection, self._beside)
        finally:
            self._beside.run(connection.close)

    def close(self) -> None:
        self._beside.run(self._far.dispose)
        self._beside.close()


@dataclasses.dataclass
class _Far:
    """A connection to a server, as if it were here."""

    connection: Any
    beside: _Beside

    def execute(self, *asked: Any) -> Any:
        return self.beside.run(lambda: self.connection.execute(*asked))

    def run_sync(self, work: Callable[..., Any], *more: Any) -> Any:
        return self.beside.run(lambda: self.connection.run_sync(work, *more))


class Fault(enum.Enum):
    """What a vendor does with an attempt."""

    NONE = "takes it"
    THROTTLE = "429, Retry-After 30"
    RESET = "refuses the connection"
    DOUBT = "breaks off before it took it, and nobody can tell"
    TAKEN = "breaks off after it took it, and nobody can tell"
    HANG = "never answers, and took it"
    REJECT = "will never take it (400, ok:false)"


@dataclasses.dataclass(frozen=True)
class Effect:
    """A message that a vendor took; `doubt` says that alertd told the channel that it may have come before."""

    id: str
    seq: int
    incident: str | None
    kind: Kind
    outlet: Outlet
    epoch: int
    epochs: tuple[int, ...]
    doubt: bool


class Vendors:
    """Every channel's other end. It lives on when the engine is killed."""

    Settings = Told
    ALERTS = 50
    EDITS = False

    def __init__(self) -> None:
        self.effects: list[Effect] = []
        self.faults: dict[str, Fault] = {}  # by channel; what is not here takes all

    async def send(self, delivery: Delivery, settings: Any, net: Any) -> Receipt:
        row = delivery.notification
        fault = self.faults.get(row.outlet.channel, Fault.NONE)
        await asyncio.sleep(0.05)
        if fault is Fault.REJECT:
            raise Rejected("400: will never do")
        if fault is Fault.THROTTLE:
            raise TryLater("429", after=30, throttled=True)
        if fault is Fault.RESET:
            raise TryLater("connection refused")
        if fault is not Fault.DOUBT:
            self.effects.append(Effect(row.id, row.seq, row.incident, row.kind, row.outlet, row.epoch, delivery.epochs,
                                       row.ambiguous))
        if fault is Fault.HANG:
            await asyncio.sleep(3600)
        if fault in (Fault.DOUBT, Fault.TAKEN):
            raise TryLater("connection reset", ambiguous=True)
        await asyncio.sleep(0.05)
        return Receipt("taken", {"ts": "1"})


@dataclasses.dataclass(frozen=True, order=True)
class Name:
    """An alert of the simulated Prometheus; its group is its alertname, as in most people's Alertmanager."""

    alertname: str
    instance: str
    severity: str

    @property
    def labels(self) -> dict[str, str]:
        return {"alertname": self.alertname, "instance": self.instance, "severity": self.severity}

    @property
    def fingerprint(self) -> str:
        return zlib.crc32(repr(self.labels).encode()).to_bytes(8, "big").hex()


class Alertmanager:
    """What fires in truth, and what is said of it; by a clock of its own, which is never wrong."""

    def __init__(self) -> None:
        self.firing: dict[Name, Millis] = {}
        self.ended: dict[Name, tuple[Millis, Millis]] = {}
        self.silenced: set[Name] = set()

    def fire(self, name: Name, now: Millis) -> None:
        self.ended.pop(name, None)
        self.firing.setdefault(name, now)

    def end(self, name: Name, now: Millis) -> None:
        if (start := self.firing.pop(name, None)) is not None:
            self.ended[name] = start, max(now, start + 1)
            self.silenced.discard(name)

    def body(self, alertname: str) -> bytes:
        """The group as a webhook says it: what fires, and what ended since it was last whole."""
        alerts = [_said(name, start, None) for name, start in sorted(self.firing.items())
                  if name.alertname == alertname and name not in self.silenced]
        alerts += [_said(name, start, end) for name, (start, end) in sorted(self.ended.items())
                   if name.alertname == alertname]
        group = {"alertname": alertname}
        return json.dumps({
            "version": "4", "groupKey": f"{{}}:{group}", "truncatedAlerts": 0, "receiver": "alertd",
            "status": "firing" if any(alert["status"] == "firing" for alert in alerts) else "resolved",
            "groupLabels": group, "commonLabels": group, "commonAnnotations": {}, "externalURL": SOURCE,
            "alerts": alerts}).encode()

    def look(self) -> Look:
        return Look(SOURCE, {name.fingerprint: Listed(start, "silence 1" if name in self.silenced else None)
                             for name, start in self.firing.items()}, T0 - DAY)


def _said(name: Name, start: Millis, end: Millis | None) -> dict[str, Any]:
    return {"status": "resolved" if end else "firing", "labels": name.labels,
            "annotations": {"summary": f"{name.alertname} on {name.instance}"}, "startsAt": _rfc3339(start),
            "endsAt": _rfc3339(end) if end else "0001-01-01T00:00:00Z", "generatorURL": "http://prometheus",
            "fingerprint": name.fingerprint}


def _rfc3339(at: Millis) -> str:
    return datetime.datetime.fromtimestamp(at / 1000, datetime.UTC).isoformat().replace("+00:00", "Z")


def routing_file(*, escalates: bool = True, storms: bool = False) -> RoutingFile:
    """The production environment's table, with everything that time and people can do to it; a storm is when two
    incidents begin within ten minutes."""
    file = file_for(
        receiver("on-call", "pagerduty", fallback="platform-team"),
        receiver("management", "email:boss@example.com", style="management", hold=2 * MINUTE),
        receiver("platform-team", "slack:#platform"),
        pages=frozenset({"pagerduty"}), follows=frozenset({"pagerduty", "slack"}),
        acknowledge={Severity.CRITICAL: HOUR, Severity.WARNING: 8 * HOUR},
        escalation={Severity.CRITICAL: (Step(5 * MINUTE, ("on-call",)), Step(15 * MINUTE, ("platform-team",)))}
        if escalates else {},
        inhibitions=(Rule((parse('alertname="NodeDown"'),), (parse('severity="warning"'),), ("instance",), 31),),
        heartbeats=(Heartbeat((parse('alertname="Watchdog"'),), 2 * MINUTE, ("on-call",), 32),),
        storm=Limits(over=1, within=10 * MINUTE) if storms else None, folds=frozenset({"slack", "email"}))
    carrier = Outlet("daily-summary", "mail", "sre@example.com")
    plan = Digest("daily-summary", datetime.time(8), ZoneInfo("UTC"), (carrier,), {"mail": Told(name="mail")})
    return dataclasses.replace(file, digests={"daily-summary": plan})


@dataclasses.dataclass
class Engine:
    """One life of the daemon, wired as `alertd.daemon` does."""

    loop: _Loop
    thread: _Writing
    writer: Writer
    db: database.Database
    reader: _Reader
    intake: Intake
    acts: Acts
    couriers: Couriers
    maintenance: Maintenance
    ticks: tuple[Callable[[], Coroutine[Any, Any, None]], ...]

    def close(self) -> None:
        """What the system does when a process is gone: its handles are closed."""
        for task in asyncio.all_tasks(self.loop):
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # it was killed, not forgotten
            task.get_coro().close()  # type: ignore[union-attr]  # now, not when the garbage is collected
        for lane in self.writer._lanes:
            self.thread.thread.submit(lane.session.close)
        if isinstance(self.thread.thread, _Beside):
            self.thread.thread.close()
        else:
            self.db.writer.dispose()  # type: ignore[union-attr]  # of SQLite
        self.reader.close()
        self.loop.close()


class Simulation:
    """A store, the vendors and Alertmanager, and one engine after the other. `url` is of an empty store; without it, it
    is a file."""

    _template: tempfile.TemporaryDirectory[str] | None = None  # goes with the process

    def __init__(self, file: RoutingFile, url: str | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="alertd-simulation-"))
        self.url = url or f"sqlite:///{self.folder / 'alertd.db'}"
        if url is None:
            shutil.copy(self._empty(), self.folder / "alertd.db")
        self.vendors, self.alertmanager = Vendors(), Alertmanager()
        self._patched = contextlib.ExitStack()
        self._patched.enter_context(mock.patch.object(channels, "load", return_value=self.vendors))
        self._patched.enter_context(mock.patch.object(commits, "since", return_value=None))  # a process of its own
        self.file = file
        self.skew: Millis = 0
        self._numbers = itertools.count(1)
        self.engine: Engine
        self._born(0.0)

    @classmethod
    def _empty(cls) -> Path:
        """A store without rows, made once."""
        if cls._template is None:
            cls._template = tempfile.TemporaryDirectory(prefix="alertd-simulation-")
            db = database.connect(f"sqlite:///{cls._template.name}/empty.db")
            database._migrate(db.writer)
            db.writer.dispose()
        return Path(cls._template.name) / "empty.db"

    # The clock that engines see

    def truth(self) -> Millis:
        return T0 + int(self._loop.time() * 1000)

    def now(self) -> Millis:
        return self.truth() + self.skew

    async def sleep_until(self, event: asyncio.Event, wake_at: Millis | None) -> None:
        """As the machine's clock does: how long is settled when it begins, whatever the clock is set to meanwhile."""
        if wake_at is None:
            await event.wait()
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, (wake_at - self.now()) / 1000)):
                await event.wait()

    # Lives

    def _born(self, time: float) -> None:
        self._loop = loop = _Loop(time)
        db = database.connect(self.url)
        if db.shared:
            reader, thread = _FarReader(self.url), _Writing(loop.skipping, _Beside(1))
        else:
            reader, thread = _Reader(self.url), _Writing(loop.skipping, _Here(1))
            event.listen(db.writer, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
        with mock.patch.object(writing, "ThreadPoolExecutor", return_value=thread):
            writer = Writer(db.writer)
        current, metrics, ids = Current(self.file, T0), Metrics(), Ids(next(self._numbers))
        offers = Offers(db.shared)
        couriers = Couriers(Outgoing(writer, reader, current, self, None, metrics, offers=offers))  # type: ignore[arg-type]  # as above
        wake = couriers.wake
        elsewhere = frozenset if db.shared else None  # whose claims these are, nobody knows
        upkeep = Upkeep(writer, current, self, metrics, couriers.wake_all, elsewhere)
        maintenance = Maintenance(writer, reader, current, self, ids, wake, shared=db.shared)  # type: ignore[arg-type]
        acts, inhibition = Acts(writer, current, self, wake), Inhibition(writer, current, self, wake)
        reconcile = Reconcile([SOURCE], writer, reader, current, self, ids, metrics, wake, None)  # type: ignore[arg-type]  # as above

        async def look(address: str) -> Look:
            return self.alertmanager.look()

        reconcile._look = look  # type: ignore[method-assign]  # as above

        async def start() -> None:
            writer.start()
            await maintenance.start()
            await inhibition.tick()
            await upkeep.start()
            await couriers.start()

        intake = Intake(writer, current, self, ids, metrics, wake, offers=offers)
        self.engine = Engine(loop, thread, writer, db, reader, intake, acts,
                             couriers, maintenance, (
                                 Nearing(writer, current, self, couriers.wake_all).tick, upkeep.tick, acts.tick,
                                 Late(writer, current, self, wake).tick,
                                 Digests(writer, reader, current, self, metrics, wake).tick,  # type: ignore[arg-type]
                                 inhibition.tick, maintenance.tick, reconcile.tick,
                                 Storms(writer, reader, current, self, metrics, wake).tick,  # type: ignore[arg-type]
                                 Heartbeats(writer, current, self, ids, wake).tick))
        loop.run_until_complete(start())

    def crash(self) -> None:
        """Kill the engine and start the next one on the same file."""
        time = self.engine.loop.time()
        self.engine.close()
        self._born(time)

    def do(self, work: Coroutine[Any, Any, Any], *, turns: int | None = None, commits: int | None = None) -> Any:
        """Run it to its end and give the answer; or kill the engine after so many turns of the loop, or before one of
        the commits that follow, if it has not ended by then: then Dropped is raised, and the next engine lives."""
        engine = self.engine
        engine.loop.skipping.turns, engine.thread.left = turns, commits
        try:
            answer = engine.loop.run_until_complete(work)
        except Dropped:
            self.crash()
            raise
        if engine.thread.left is not None and engine.thread.left < 0:  # killed in the very turn of the answer
            self.crash()
        else:
            engine.loop.skipping.turns = engine.thread.left = None
        return answer

    def run(self, seconds: float, watch: Callable[[], None], *, turns: int | None = None, commits: int | None = None
            ) -> None:
        """Let time pass, with all that is done every few seconds, and look between."""
        pieces = max(1, min(12, int(seconds / 5)))
        for _ in range(pieces):
            self.do(self._pass(seconds / pieces), turns=turns, commits=commits)
            turns = commits = None
            watch()

    async def _pass(self, seconds: float) -> None:
        for tick in self.engine.ticks:
            await tick()
        await asyncio.sleep(seconds)

    def close(self) -> None:
        self._patched.close()
        self.engine.close()
        shutil.rmtree(self.folder)

    @contextlib.contextmanager
    def reading(self) -> Iterator[Any]:
        with self.engine.reader.plainly() as connection:
            yield connection

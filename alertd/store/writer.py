"""Group commit: whoever has something to write waits for one shared transaction, and is answered after it.

A commit costs a sync of the disk whether it carries one row or a thousand, and a transaction costs its statements
whether they write one row or many. While one is under way the next ones gather, so the batches grow with the load by
themselves. None begins while still more comes in: what is read meanwhile would fight with the writer's thread for the
interpreter, and both lose a quarter of their time to it.

A transaction runs as a whole in the writer's own thread: one change of threads for all of its statements, and what
is decided within it never holds the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import structlog
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from alertd.errors import StoreUnavailable
from alertd.store import sessions
from alertd.store.postgres import LANES
from alertd.store.sessions import Lost

Item = TypeVar("Item")
Result = TypeVar("Result")
Handler = Callable[[Connection, Sequence[Item]], Sequence[Result]]

MOST_ITEMS = 128  # in one transaction: enough to make the sync cheap, few enough that nobody waits long
CALM = 8  # turns of the event loop without anything new; what has arrived needs four from the socket to here

_AFTERWARDS = "afterwards"

log = structlog.get_logger()


@dataclasses.dataclass(slots=True)
class _Afterwards:
    """What is called on the event loop once a transaction is on disk."""

    urgent: list[Callable[[], None]] = dataclasses.field(default_factory=list)
    other: list[Callable[[], None]] = dataclasses.field(default_factory=list)


def afterwards(connection: Connection, call: Callable[[], None], *, urgent: bool = False) -> None:
    """From a handler: have this called on the event loop once the transaction is on disk, before those who are answered
    go on; never if it is undone. What is urgent is called before anything else is begun."""
    calls: _Afterwards = connection.info[_AFTERWARDS]
    (calls.urgent if urgent else calls.other).append(call)


@dataclasses.dataclass(slots=True)
class _Waiting:
    handler: Handler[Any, Any]
    item: Any
    answer: asyncio.Future[Any]
    result: Any = None  # the handler's; it is answered when it is on disk


class _Lane:
    """One connection, and the thread that it belongs to."""

    def __init__(self, engine: Engine | AsyncEngine) -> None:
        self.session = sessions.of(engine)
        self.since: float | None = None  # on the monotonic clock: the beginning of the transaction under way
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store writer")

    async def commit(self, batch: list[_Waiting], written: Callable[[list[_Waiting], _Afterwards], None]) -> None:
        """One transaction; once it is on disk, `written` is called on the event loop."""
        loop = asyncio.get_running_loop()
        self.since = time.monotonic()
        try:
            # told from there: by what the thread returns it would be two turns of the loop later
            await loop.run_in_executor(self._thread, self._commit, batch,
                                       lambda calls: loop.call_soon_threadsafe(written, batch, calls))
        finally:
            self.since = None

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self.session.close)
        self._thread.shutdown()

    def _commit(self, batch: list[_Waiting], written: Callable[[_Afterwards], object]) -> None:
        parts, calls = _by_handler(batch), _Afterwards()

        def work(connection: Connection) -> None:
            nonlocal calls
            connection.info[_AFTERWARDS] = calls = _Afterwards()  # what an earlier try of this asked for is undone
            for part in parts:
                results = part[0].handler(connection, [waiting.item for waiting in part])
                for waiting, result in zip(part, results, strict=True):
                    waiting.result = result

        self.session.run(work)
        written(calls)


class Writer:
    """The only way into the store. `submit` returns once the item's effects are on disk, or raises.

    Handlers are called in the writer's threads: one on SQLite, LANES on PostgreSQL, where most of a transaction is
    waiting for the server. Items of one handler are handed to it together, in the order they came. When a transaction
    fails, each of its items is tried alone, so that one that cannot be written costs only itself.
    """

    def __init__(self, engine: Engine | AsyncEngine) -> None:
        self._lanes = [_Lane(engine) for _ in range(LANES if isinstance(engine, AsyncEngine) else 1)]
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._another = asyncio.Event()  # something came in
        self._running: list[Handler[Any, Any]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._crowd: dict[Handler[Any, Any], int] = {}  # how many were written or waited when the last one ended
        self.failing_since: str | None = None  # the reason of the last failed commit; None after a good one

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._run(lane), name="store writer") for lane in self._lanes]

    async def stop(self) -> None:
        """Write what waits, then end."""
        self._stopping = True
        self._wake.set()
        if self._tasks:
            await asyncio.gather(*self._tasks)
            self._tasks = []
            for lane in self._lanes:
                await lane.close()

    @property
    def backlog(self) -> int:
        return len(self._waiting)

    def stuck(self, seconds: float) -> bool:
        """Whether a transaction has been under way for longer than that, or nobody is there to begin one. A store that
        refuses is no such thing: what it refuses comes back."""
        now = time.monotonic()
        return any(lane.since is not None and now - lane.since > seconds for lane in self._lanes) \
            or any(task.done() for task in self._tasks)

    async def submit(self, handler: Handler[Item, Result], item: Item) -> Result:
        """The handler's result for this item, after the commit; StoreUnavailable when it could not be written."""
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(handler, item, answer))
        self._wake.set()
        self._another.set()
        return await answer

    async def passed(self) -> None:
        """Return once what was under way or waited is over, written or not."""
        with contextlib.suppress(StoreUnavailable):
            await self.submit(_nothing, None)

    async def _run(self, lane: _Lane) -> None:
        while not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            while handler := self._next():
                self._running.append(handler)
                try:
                    await self._calm(lane, handler)
                    batch = self._take(handler if lane.session.apart else None)
                    await self._write(lane, batch)
                finally:
                    self._running.remove(handler)
                    self._wake.set()  # what came meanwhile for this handler may be another lane's

    def _next(self) -> Handler[Any, Any] | None:
        """Of what waits the first handler that no other lane is at."""
        return next((one.handler for one in self._waiting if one.handler not in self._running), None)

    async def _calm(self, lane: _Lane, handler: Handler[Any, Any]) -> None:
        """Return once nothing more comes in, or there is enough. Where a transaction costs as much as several items:
        once as many wait as at the last one; those answered then may need a little longer to send again."""
        crowd = min(self._crowd.get(handler, 0), MOST_ITEMS)
        if crowd > 1 and lane.session.patience:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(lane.session.patience):
                    while self._number(handler) < crowd:
                        self._another.clear()
                        await self._another.wait()
            return
        turns = 0
        while turns < CALM and (waiting := len(self._waiting)) < MOST_ITEMS:
            await asyncio.sleep(0)
            turns = turns + 1 if len(self._waiting) == waiting else 0

    def _number(self, handler: Handler[Any, Any]) -> int:
        return sum(one.handler == handler for one in self._waiting)

    def _take(self, handler: Handler[Any, Any] | None) -> list[_Waiting]:
        """What is written next, in one transaction: all there is, or of one handler, so that what comes for it
        meanwhile gathers."""
        if handler is None:
            return [self._waiting.popleft() for _ in range(min(MOST_ITEMS, len(self._waiting)))]
        batch = [waiting for waiting in self._waiting if waiting.handler == handler][:MOST_ITEMS]
        taken = set(map(id, batch))
        self._waiting = deque(waiting for waiting in self._waiting if id(waiting) not in taken)
        return batch

    async def _write(self, lane: _Lane, batch: list[_Waiting]) -> None:
        try:
            await lane.commit(batch, self._written)
        except Lost as error:  # one after the other would only wait longer
            for waiting in batch:
                self._refuse(lane, waiting, error)
            return
        except Exception as error:
            if len(batch) > 1:
                log.warning("transaction_failed", items=len(batch), error=str(error))
                for waiting in batch:
                    await self._write(lane, [waiting])
                return
            self._refuse(lane, batch[0], error)

    def _written(self, batch: list[_Waiting], calls: _Afterwards) -> None:
        """Do what is urgent, then answer and do the rest. An attempt that is begun here writes to its socket in the
        loop's next turn (before Python 3.12 aiohttp writes a body in a task of its own), and all that began in the
        same one would come before that: 0.6 ms for a page beside which Slack is told."""
        self.failing_since = None
        handler = batch[0].handler
        self._crowd[handler] = len(batch) + self._number(handler)  # before those who are answered send again
        if not calls.urgent:
            _answer(batch, calls.other)
            return
        try:
            for call in calls.urgent:
                call()
        finally:  # whatever comes of it, what is written is answered
            asyncio.get_running_loop().call_soon(_answer, batch, calls.other)

    def _refuse(self, lane: _Lane, waiting: _Waiting, error: Exception) -> None:
        if isinstance(error, Lost):
            self.failing_since = str(error)
        elif isinstance(error, lane.session.faults):
            reason = str(getattr(error, "orig", None) or error)
            self.failing_since = reason
            error = StoreUnavailable(reason=reason)
        log.error("not_written", handler=waiting.handler.__name__, error=str(error))
        if not waiting.answer.done():
            waiting.answer.set_exception(error)


def _answer(batch: Sequence[_Waiting], then: Iterable[Callable[[], None]]) -> None:
    for waiting in batch:
        if not waiting.answer.done():  # its caller may have gone away; what it wrote stays written
            waiting.answer.set_result(waiting.result)
    for call in then:
        call()


def _nothing(_connection: Connection, items: Sequence[None]) -> Sequence[None]:
    return items


def _by_handler(batch: list[_Waiting]) -> list[list[_Waiting]]:
    """The items of each handler together, in the order they came."""
    parts: dict[Handler[Any, Any], list[_Waiting]] = {}
    for waiting in batch:
        parts.setdefault(waiting.handler, []).append(waiting)
    return list(parts.values())

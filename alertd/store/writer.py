"""Group commit: whoever has something to write waits for one shared transaction, and is answered after it.

A commit costs a sync of the disk whether it carries one row or a thousand. While one is under way the next ones
gather, so the batches grow with the load by themselves.

A transaction runs as a whole in the writer's own thread: one change of threads for all of its statements, and what
is decided within it never holds the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import structlog
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from alertd.errors import StoreUnavailable

Item = TypeVar("Item")
Result = TypeVar("Result")
Handler = Callable[[Connection, Sequence[Item]], Sequence[Result]]

MOST_ITEMS = 128  # in one transaction: enough to make the sync cheap, few enough that nobody waits long

log = structlog.get_logger()


@dataclasses.dataclass(slots=True)
class _Waiting:
    handler: Handler[Any, Any]
    item: Any
    answer: asyncio.Future[Any]


class Writer:
    """The only way into the store. `submit` returns once the item's effects are on disk, or raises.

    Handlers are called in the writer's thread. Items of one handler are handed to it together, in the order they
    came. When a transaction fails, each of its items is tried alone, so that one that cannot be written costs only
    itself.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None  # kept: taking it from the pool anew costs as much as ten webhooks
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store writer")
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self.failing_since: str | None = None  # the reason of the last failed commit; None after a good one

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="store writer")

    async def stop(self) -> None:
        """Write what waits, then end."""
        self._stopping = True
        self._wake.set()
        if self._task:
            await self._task
            self._task = None
            await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
            self._thread.shutdown()

    @property
    def backlog(self) -> int:
        return len(self._waiting)

    async def submit(self, handler: Handler[Item, Result], item: Item) -> Result:
        """The handler's result for this item, after the commit; StoreUnavailable when it could not be written."""
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(handler, item, answer))
        self._wake.set()
        return await answer

    async def _run(self) -> None:
        while not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(MOST_ITEMS, len(self._waiting)))]
                await self._write(batch)

    async def _write(self, batch: list[_Waiting]) -> None:
        try:
            answers = await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, batch)
        except Exception as error:
            if len(batch) > 1:
                log.warning("transaction_failed", items=len(batch), error=str(error))
                for waiting in batch:
                    await self._write([waiting])
                return
            self._refuse(batch[0], error)
            return
        self.failing_since = None
        for waiting, answer in zip(batch, answers, strict=True):
            if not waiting.answer.done():  # its caller may have gone away; what it wrote stays written
                waiting.answer.set_result(answer)

    def _commit(self, batch: list[_Waiting]) -> list[Any]:
        by_handler: dict[Handler[Any, Any], list[int]] = {}
        for index, waiting in enumerate(batch):
            by_handler.setdefault(waiting.handler, []).append(index)
        answers: list[Any] = [None] * len(batch)
        with self._transaction() as connection:
            for handler, indexes in by_handler.items():
                results = handler(connection, [batch[index].item for index in indexes])
                for index, result in zip(indexes, results, strict=True):
                    answers[index] = result
        return answers

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Connection]:
        if self._connection is None:
            self._connection = self._engine.connect()
        try:
            with self._connection.begin():
                yield self._connection
        except BaseException:
            self._disconnect()  # whatever state the failure left it in, the next transaction begins afresh
            raise

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _refuse(self, waiting: _Waiting, error: Exception) -> None:
        if isinstance(error, (SQLAlchemyError, OSError, self._engine.dialect.loaded_dbapi.Error)):
            reason = str(getattr(error, "orig", None) or error)
            self.failing_since = reason
            error = StoreUnavailable(reason=reason)
        log.error("not_written", handler=waiting.handler.__name__, error=str(error))
        if not waiting.answer.done():
            waiting.answer.set_exception(error)

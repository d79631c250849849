"""The writer's one connection, as its thread uses it: a piece of work is one transaction, committed when it returns.

On SQLite the connection belongs to the thread itself. asyncpg needs an event loop, so on PostgreSQL the thread runs
one of its own: what is decided within a transaction never holds the loop that answers people.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alertd.errors import StoreUnavailable
from alertd.store import postgres, wire
from alertd.store.checkpoints import Checkpoints

T = TypeVar("T")

TRIES = 6  # of a transaction that another one got in the way of
PATIENCE = 0.005  # seconds; a transaction takes as long, and costs as much as four webhooks in it
PAUSE = 0.02  # seconds before the second try; doubled before each further one
# https://www.postgresql.org/docs/current/errcodes-appendix.html
IN_THE_WAY = frozenset({"40001", "40P01", "23505"})  # serialization failure, deadlock, a unique row made meanwhile
AWAY = ("08", "57P", "53")  # connection, operator's intervention, too few resources

log = structlog.get_logger()


class Session(Protocol):
    """`apart`: the items of different handlers get transactions of their own, since each takes its locks in an order
    of its own. `patience` is for how long (seconds) a transaction is put off at most, until as many write as last time.
    `faults` are what it raises when the store is at fault."""

    apart: bool
    patience: float
    faults: tuple[type[BaseException], ...]

    def run(self, work: Callable[[Connection], T]) -> T: ...

    def close(self) -> None: ...


class Lost(StoreUnavailable):
    """the store does not answer: {reason}"""  # nothing can be written, whoever asks


def of(engine: Engine | AsyncEngine) -> Session:
    """The session for a database's `writer`."""
    return Remote(engine) if isinstance(engine, AsyncEngine) else Local(engine)


class Local:
    """SQLite's."""

    apart = False
    patience = 0.0

    def __init__(self, engine: Engine) -> None:
        self.faults: tuple[type[BaseException], ...] = (SQLAlchemyError, OSError, engine.dialect.loaded_dbapi.Error)
        self._engine = engine
        self._connection: Connection | None = None  # kept: taking it from the pool anew costs as much as ten webhooks
        self._checkpoints = Checkpoints(engine.url.database or "")

    def run(self, work: Callable[[Connection], T]) -> T:
        if self._connection is None:
            self._connection = self._engine.connect()
        try:
            with self._connection.begin():
                result = work(self._connection)
        except BaseException:
            self._drop()  # whatever state the failure left it in, the next transaction begins afresh
            raise
        self._checkpoints.committed()
        return result

    def close(self) -> None:
        self._checkpoints.close()
        self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Remote:
    """PostgreSQL's. Work that another transaction got in the way of is done again, so it may run several times."""

    apart = True
    patience = PATIENCE

    def __init__(self, engine: AsyncEngine) -> None:
        self.faults: tuple[type[BaseException], ...] = (SQLAlchemyError, OSError, *postgres.faults())
        self._engine = engine
        self._runner = asyncio.Runner()
        self._connection: AsyncConnection | None = None
        self._committing = False

    def run(self, work: Callable[[Connection], T]) -> T:
        for tried in range(1, TRIES + 1):
            kept = self._connection is not None
            try:
                return self._runner.run(self._transaction(work))
            except self.faults as error:
                state = _state(error)
                if state in IN_THE_WAY and tried < TRIES:
                    log.info("transaction_repeated", because=state)
                    time.sleep(random.random() * PAUSE * 2**tried)  # noqa: S311  spreads replicas, guards nothing
                elif not _away(error, state):
                    raise
                elif not kept or self._committing:  # what was lost while it was committed may be there
                    raise Lost(reason=str(getattr(error, "orig", None) or error) or type(error).__name__) from error
        raise AssertionError("the last try returns or raises")

    async def _transaction(self, work: Callable[[Connection], T]) -> T:
        self._committing = False
        if self._connection is None:
            self._connection = await self._engine.connect()
        try:
            return await self._connection.run_sync(self._within, work)
        except BaseException as error:
            if _away(error, _state(error)) or not isinstance(error, self.faults):
                await self._drop()
            raise

    def _within(self, connection: Connection, work: Callable[[Connection], T]) -> T:
        with connection.begin():  # for Core, which sends nothing
            try:
                answer = work(connection)
                self._committing = True
                wire.commit(connection)
            except self.faults:  # after any other the connection goes, and the transaction with it
                wire.roll_back(connection)
                raise
            return answer

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):  # it is broken: that is why it goes
                await connection.invalidate()
            with contextlib.suppress(Exception):
                await connection.close()

    def close(self) -> None:
        self._runner.run(self._drop())
        self._runner.close()


def _state(error: BaseException) -> str:
    """The error's SQLSTATE; "" where it has none."""
    return str(getattr(getattr(error, "orig", error), "sqlstate", None) or "")


def _away(error: BaseException, state: str) -> bool:
    """Whether the server, or the way to it, is at fault and not what was asked."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or state.startswith(AWAY)
    return isinstance(error, OSError) or state.startswith(AWAY) or not state

"""Transactions on PostgreSQL as the driver sends them. A turn between process and server costs both as much as a
webhook does, so a transaction begins in the same turn as the locks it takes first, and what every webhook asks and
writes goes to the driver directly: the way by Core takes the writer's thread as long as the answer takes the server.

Engines for this say no BEGIN and COMMIT of their own (AUTOCOMMIT, to Core); `begin` comes before whatever is asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlalchemy import AdaptedConnection, Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine

from alertd.errors import StoreUnavailable

if TYPE_CHECKING:
    import asyncpg

T = TypeVar("T")

_WAITS = "the statement that waits"


def begins(engine: AsyncEngine) -> AsyncEngine:
    """The engine, whose connections begin a transaction before the first thing that is asked by way of Core."""
    event.listen(engine.sync_engine, "before_cursor_execute", _before)
    return engine


def begin(connection: Connection, first: str = "") -> None:
    """Begin the transaction unless it has begun, and ask `first` in the same turn. That is a statement without
    parameters, whose answer nobody wants."""
    begun = _driver(connection).is_in_transaction()
    if text := first if begun else f"BEGIN; {first}":
        _wait(connection, lambda driver: driver.execute(text))
    if not begun:
        _tell_what_waits(connection)


def ask(connection: Connection, text: str, values: Sequence[Any]) -> Sequence[Any]:
    """The one row that answers."""
    begin(connection)
    row: Sequence[Any] = _wait(connection, lambda driver: driver.fetchrow(text, *values))
    return row


def look(connection: Connection, text: str, values: Sequence[Any]) -> Sequence[Any]:
    """The rows that answer, as they are before the transaction: it has not begun, and holds none of them."""
    rows: Sequence[Any] = _wait(connection, lambda driver: driver.fetch(text, *values))
    return rows


def tell(connection: Connection, text: str, values: Sequence[Any]) -> None:
    """Write, without an answer. What is written first of all waits for what comes next: where that is the commit, one
    turn is enough, since the server makes a transaction of a single statement by itself."""
    if not _driver(connection).is_in_transaction():
        if _WAITS not in connection.info:
            connection.info[_WAITS] = text, values
            return
        begin(connection)
    _wait(connection, lambda driver: driver.execute(text, *values))


def copy(connection: Connection, table: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Add rows to a table, each in the order of `names`; one that is there already is an error."""
    begin(connection)
    _wait(connection, lambda driver: driver.copy_records_to_table(table, records=rows, columns=names))


def commit(connection: Connection) -> None:
    """Commit what was begun. The server does not call it an error to commit what has failed, and undoes it."""
    _tell_what_waits(connection)
    if _driver(connection).is_in_transaction() and (said := _end(connection, "COMMIT")) != "COMMIT":
        raise StoreUnavailable(reason=f"the server answered {said} to COMMIT")


def roll_back(connection: Connection) -> None:
    """Undo what was begun; the server has done so already where the connection is lost."""
    if not connection.invalidated:
        connection.info.pop(_WAITS, None)
        if _driver(connection).is_in_transaction():
            _end(connection, "ROLLBACK")


def _tell_what_waits(connection: Connection) -> None:
    if waits := connection.info.pop(_WAITS, None):
        text, values = waits
        _wait(connection, lambda driver: driver.execute(text, *values))


def _end(connection: Connection, word: str) -> str:
    return str(_wait(connection, lambda driver: driver.execute(word)))


def _before(connection: Connection, *_: object) -> None:
    begin(connection)


def _driver(connection: Connection) -> asyncpg.Connection[Any]:
    driver: asyncpg.Connection[Any] = connection.connection.driver_connection
    return driver


def _wait(connection: Connection, of: Callable[[asyncpg.Connection[Any]], Awaitable[T]]) -> T:
    answer: T = cast(AdaptedConnection, connection.connection.dbapi_connection).run_async(of)
    return answer

"""Opening a store: its engines, whoever may have it, and the migrations."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from alertd.errors import StoreUnavailable
from alertd.store import migrating, postgres, sessions, sqlite

REVISION = "0027"  # the newest file in migrations/versions; a test compares
CONNECTIONS = 5  # of one process to PostgreSQL: two write, one listens, the others read


@dataclasses.dataclass(frozen=True, slots=True)
class Database:
    """The two engines of one store. `writer` is for the writer's threads, which keep a connection of it each (on
    SQLite there is one, whose transactions hold the write lock from their first statement); `reader` sees the last
    commit and never blocks the writer. `shared`: other processes may write as well."""

    url: str
    writer: Engine | AsyncEngine
    reader: AsyncEngine

    @property
    def shared(self) -> bool:
        return isinstance(self.writer, AsyncEngine)

    async def close(self) -> None:
        if isinstance(self.writer, Engine):
            self.writer.dispose()
        await self.reader.dispose()


def is_shared(url: str) -> bool:
    """Whether several daemons may have this store at once."""
    return url.startswith(postgres.SCHEMES)


def sqlite_path(url: str) -> Path:
    """The file of a `sqlite:///file` address; raises StoreUnavailable for any other."""
    if is_shared(url):
        raise StoreUnavailable(reason=f"this works on a SQLite file, not on {shown(url)}; PostgreSQL has its own ways, "
                                      "which docs/running.md shows")
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreUnavailable(reason="--store takes sqlite:///FILE or postgresql://…") from None
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        said = parsed.render_as_string(hide_password=True)
        raise StoreUnavailable(reason=f"--store takes sqlite:///FILE or postgresql://…, not {said}")
    return Path(parsed.database)


def file_of(url: str) -> Path:
    """The file of a store that is one; else a path that is none."""
    return Path() if is_shared(url) else sqlite_path(url)


def exists(url: str) -> bool:
    """Whether there is something to look at; a server is asked only when it is used."""
    return is_shared(url) or sqlite_path(url).exists()


def shown(url: str) -> str:
    """The address as it may be logged: without a password."""
    return postgres.shown(url)


def faults(url: str) -> tuple[type[BaseException], ...]:
    """What reading raises when the store is at fault."""
    return (SQLAlchemyError, OSError, *(postgres.faults() if is_shared(url) else ()))


def connect(url: str, connections: int = CONNECTIONS) -> Database:
    """Engines for a store. On PostgreSQL this process takes at most so many `connections`, four at least."""
    if is_shared(url):
        return Database(url, *postgres.engines(url, connections))
    return Database(url, *sqlite.engines(url, sqlite_path(url)))


def locked(url: str) -> AbstractContextManager[None]:
    """Holds a store that only one daemon may have; raises StoreLocked when another has it."""
    return contextlib.nullcontext() if is_shared(url) else sqlite.locked(sqlite_path(url))


async def migrate(database: Database) -> None:
    """Bring the tables to this version; quick where they are."""
    engine = postgres.patient(database.url) if database.shared else database.writer
    await asyncio.to_thread(_migrate, engine)


def _migrate(engine: Engine | AsyncEngine) -> None:
    session = sessions.of(engine)

    def work(connection: Connection) -> None:
        migrating.to(connection, REVISION)

    try:
        session.run(work)
    except session.faults as error:
        raise StoreUnavailable(reason=str(getattr(error, "orig", None) or error)) from error
    finally:
        session.close()

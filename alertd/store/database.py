"""Opening a store: engines, SQLite's settings, the lock that keeps a second daemon out, and the migrations."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event, inspect, make_url
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from alertd.errors import StoreLocked, StoreUnavailable
from alertd.store import live

REVISION = "0012"  # the newest file in migrations/versions; a test compares
READERS = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Database:
    """The two engines of one store. `writer` has one connection, for the writer's thread; its transactions hold the
    write lock from their first statement. `reader` sees the last commit and never blocks the writer."""

    url: str
    writer: Engine
    reader: AsyncEngine

    async def close(self) -> None:
        self.writer.dispose()
        await self.reader.dispose()


def sqlite_path(url: str) -> Path:
    """The file of a `sqlite:///file` address; raises StoreUnavailable for what this version cannot open."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        shown = parsed.render_as_string(hide_password=True)
        raise StoreUnavailable(reason=f"--store takes sqlite:///FILE in this version, not {shown}")
    return Path(parsed.database)


def connect(url: str) -> Database:
    """Engines for `sqlite:///file`. The file is made, readable by its owner only, when it is missing."""
    path = sqlite_path(url)
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise StoreUnavailable(reason=f"{path} cannot be made: {error.strerror}") from error
    address = make_url(url)
    # one connection, used by one thread at a time: the one that migrates and closes, then the writer's
    writer = create_engine(address, pool_size=1, max_overflow=0, connect_args={"check_same_thread": False})
    reader = create_async_engine(address.set(drivername="sqlite+aiosqlite"), pool_size=READERS, max_overflow=0)
    event.listen(writer, "connect", _set_up_writer)
    event.listen(writer, "begin", _begin_immediate)
    event.listen(writer, "rollback", live.forget)
    event.listen(reader.sync_engine, "connect", _set_up_reader)
    event.listen(reader.sync_engine, "begin", _begin)
    return Database(url, writer, reader)


def _set_up_writer(connection: Any, _record: object) -> None:
    # Without isolation_level None the driver sends BEGIN late, and two transactions that read first lose an update.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "busy_timeout = 5000",
        "page_size = 8192",  # of a new file: half the pages to write, each of which costs two calls of the system
        "journal_mode = WAL",
        "synchronous = FULL",  # a commit is on disk before it is answered; NORMAL may lose the last ones
        "wal_autocheckpoint = 2000",
        "journal_size_limit = 67108864",
        "foreign_keys = ON",
        "temp_store = MEMORY",
        "cache_size = -65536",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _set_up_reader(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 5000")
    cursor.execute("PRAGMA query_only = ON")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


@contextlib.contextmanager
def locked(url: str) -> Iterator[None]:
    """Holds the store for this process; raises StoreLocked when another daemon has it.

    The lock is the kernel's (flock on FILE.lock), so that it falls with the process, however that dies.
    """
    path = sqlite_path(url)
    lock = path.with_name(path.name + ".lock")
    try:
        handle = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise StoreUnavailable(reason=f"{lock} cannot be made: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
            raise StoreLocked(path=path, pid=owner) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


async def migrate(database: Database) -> None:
    """Bring the tables to this version; quick where they are."""
    await asyncio.to_thread(_migrate, database.writer)


def _migrate(engine: Engine) -> None:
    with engine.begin() as connection:
        if _revision(connection) != REVISION:
            _upgrade(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    return str(row[0]) if row else None


def _upgrade(connection: Connection) -> None:
    # alembic takes a third of a second to import: only here, where there is something to migrate
    from alembic import command, util
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except util.CommandError as error:
        raise StoreUnavailable(reason=f"its tables are of another version of alertd: {error}") from error

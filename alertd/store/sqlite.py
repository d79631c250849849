"""SQLite: one file, one connection that writes, and the lock that keeps a second daemon out."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event, make_url
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from alertd.errors import StoreLocked, StoreUnavailable
from alertd.store import live

READERS = 2

# A NULL stays what it is. Without an adapter the driver looks in three places for one, for every NULL that is written,
# and makes an error's text each time: a tenth of the time it takes to write a webhook.
sqlite3.register_adapter(type(None), {}.get)  # type: ignore[arg-type]  # typeshed thinks only of other types


def engines(url: str, path: Path) -> tuple[Engine, AsyncEngine]:
    """The writer's and the readers'. The file is made, readable by its owner only, when it is missing."""
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
    return writer, reader


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
def locked(path: Path) -> Iterator[None]:
    """Holds the store for this process; raises StoreLocked when another daemon has it.

    The lock is the kernel's (flock on FILE.lock), so that it falls with the process, however that dies.
    """
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

"""PostgreSQL, for several replicas: how connections are made, and what is asked of the server for each.

Addresses are libpq's, read by asyncpg: several hosts (`postgresql://u@a,b/alertd`; the one that takes writes is
found), `sslmode`, `passfile`, and the variables PGPASSWORD and PGPASSFILE. `password_file` in an address is ours: a
file with the password alone, as every secret of alertd may have one. Kubernetes mounts secrets readable by a group,
and those of PGPASSFILE must not be.
"""

from __future__ import annotations

import functools
import re
import urllib.parse
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from alertd.errors import StoreUnavailable
from alertd.store import wire

if TYPE_CHECKING:
    import asyncpg

SCHEMES = ("postgresql://", "postgres://")
LANES = 2  # connections that write, each with its transaction: most of one is waiting for the server
CONNECT = 5.0  # seconds until a server that says nothing counts as away
COMMAND = 20.0  # seconds for one statement; above the server's own limits below, so that it says why
MIGRATION = 3600.0  # seconds for one statement that changes tables
OURS = "password_file="  # what an address says to alertd alone
SETTINGS = {
    "application_name": "alertd",
    # a replica that is stopped in the middle of a transaction must not hold the others up for longer than this
    "idle_in_transaction_session_timeout": "10s",
    "lock_timeout": "10s",
    "statement_timeout": "15s",
    # a machine that vanished is noticed within half a minute, and its locks fall
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}

# Of a connection that writes: a few statements again and again, all by keys. Each is planned once, when tables may
# still be small enough to be read as a whole; that plan would be kept while they grow.
WRITING = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "jit": "off"}


def engines(url: str, connections: int) -> tuple[AsyncEngine, AsyncEngine]:
    """The writer's, which keeps a connection in the loop of each of its threads, and the readers', which share the
    rest of `connections` but one, for `bell`."""
    _driver()  # said now, and not at the first query
    writer = _writing(functools.partial(connect, url, COMMAND, **WRITING))
    reader = create_async_engine(
        "postgresql+asyncpg://", async_creator=functools.partial(connect, url, default_transaction_read_only="on"),
        pool_size=max(1, connections - LANES - 1), max_overflow=0, pool_pre_ping=True)
    return writer, reader


def patient(url: str) -> AsyncEngine:
    """For what changes the tables: a large one takes longer than anybody may wait who only reads and writes."""
    return _writing(functools.partial(
        connect, url, MIGRATION, statement_timeout="0", idle_in_transaction_session_timeout="10min"))


def _writing(connect: Callable[[], Awaitable[Any]]) -> AsyncEngine:
    return wire.begins(create_async_engine("postgresql+asyncpg://", poolclass=NullPool, async_creator=connect,
                                           isolation_level="AUTOCOMMIT"))


async def connect(url: str, command: float = COMMAND, **settings: str) -> asyncpg.Connection[Any]:
    """A connection to the server that takes writes."""
    driver = _driver()
    plain, words = _apart(url)
    if "target_session_attrs" not in url:
        words["target_session_attrs"] = "primary"
    try:
        connection = await driver.connect(plain, timeout=CONNECT, command_timeout=command,
                                          server_settings=SETTINGS | settings, **words)
    except (ValueError, driver.InterfaceError) as error:  # which may repeat a part of the password
        if isinstance(error, OSError) or not isinstance(error, (ValueError, driver.ClientConfigurationError)):
            raise
        raise StoreUnavailable(reason=f"{shown(url)} is no address of PostgreSQL that can be read") from None
    # a 2xx means that it is on disk, whatever the server does by default; `remote_apply` and the like stay
    await connection.execute("SELECT set_config('synchronous_commit', 'on', false) "
                             "WHERE current_setting('synchronous_commit') = 'off'")
    return connection


def _apart(url: str) -> tuple[str, dict[str, Any]]:
    """The address as the driver takes it, and the words for what it does not know. The file is read for each
    connection, so that a new password needs no restart; OSError when it cannot be."""
    base, _, query = url.partition("?")
    known = [word for word in query.split("&") if not word.startswith(OURS)]
    files = [urllib.parse.unquote(word.removeprefix(OURS)) for word in query.split("&") if word not in known]
    words = {"password": functools.partial(_password, Path(files[-1]))} if files else {}
    return base + ("?" if "".join(known) else "") + "&".join(known), words


def _password(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip()


def faults() -> tuple[type[BaseException], ...]:
    """The driver's own errors, which connecting raises as they are. The last is what it says of a line on which the
    server took its leave between two statements (https://github.com/MagicStack/asyncpg/issues/1069)."""
    driver = _driver()
    return driver.PostgresError, driver.InterfaceError, driver.InternalClientError


def shown(url: str) -> str:
    """The address as it may be logged: without a password."""
    hidden = re.sub(r"(?<=://)([^:/@]*):[^/]*@", r"\1:***@", url)
    return re.sub(r"(?<=[?&]password=)[^&]*", "***", hidden)


def _driver() -> Any:
    try:
        import asyncpg
    except ImportError as error:
        raise StoreUnavailable(reason="PostgreSQL needs asyncpg: pip install 'alertd[postgres]'") from error
    return asyncpg

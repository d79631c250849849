"""Bringing tables to a version, within one transaction."""

from __future__ import annotations

from pathlib import Path

import structlog
from sqlalchemy import inspect, select
from sqlalchemy.engine import Connection

from alertd.errors import StoreUnavailable
from alertd.store import schema
from alertd.store.dialect import lock

log = structlog.get_logger()


def to(connection: Connection, revision: str) -> None:
    """Upgrade to the newest revision where the tables are of an older one; of replicas that start at once, one does.

    Tables of a newer alertd are served from as they are, unless they lack something by now: they only grow, and a
    migration that takes something away raises the floor. So replicas are replaced one by one."""
    lock(connection, ["migrations"])
    here = found(connection)
    if here is not None and here > revision:
        _check_floor(connection, here, revision)
    elif here != revision:
        _upgrade(connection)


def found(connection: Connection) -> str | None:
    """The revision that the tables are of; None where there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    return str(row[0]) if row else None


def _check_floor(connection: Connection, here: str, revision: str) -> None:
    floor = connection.execute(select(schema.floors.c.revision)).scalar()
    if floor is None or floor > revision:
        raise StoreUnavailable(reason=f"its tables are of revision {here} and need alertd with revision "
                                      f"{floor or here} or newer; this one has {revision}")
    log.info("tables_are_newer", tables=here, own=revision)


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

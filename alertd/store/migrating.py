"""Bringing tables to a version, within one transaction."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from alertd.errors import StoreUnavailable
from alertd.store.dialect import lock


def to(connection: Connection, revision: str) -> None:
    """Upgrade to the newest revision where the tables are of another; of replicas that start at once, one does."""
    lock(connection, ["migrations"])
    if found(connection) != revision:
        _upgrade(connection)


def found(connection: Connection) -> str | None:
    """The revision that the tables are of; None where there are none."""
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

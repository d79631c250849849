"""From version to version: the tables only grow, so that replicas are replaced one by one."""

import asyncio
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import event, text

from alertd.errors import StoreUnavailable
from alertd.store import database, migrating
from alertd.store.database import REVISION
from tests.postgres import name_of_new
from tests.reports import reported, webhook
from tests.stores import within

SINCE = "0013"  # the first that several versions may serve from
FOLDER = Path(database.__file__).parent / "migrations"
SQUAWK = shutil.which("squawk", path=str(Path(sys.executable).parent))
# what squawk would have otherwise, and why not: lengths and 32 bits are alike on SQLite, and bound what a key holds; an
# index is made within the one transaction that makes a version whole or not at all
EXCLUDED = ("prefer-text-field,prefer-bigint-over-int,prefer-robust-stmts,prefer-identity,"
            "require-concurrent-index-creation,require-timeout-settings,identifier-too-long")


async def written(url):
    """The statements that take an empty database from SINCE to the newest."""
    db = database.connect(url)
    said = []

    def work(connection):
        config = Config()
        config.set_main_option("script_location", str(FOLDER))
        config.attributes["connection"] = connection
        command.upgrade(config, SINCE)
        event.listen(connection, "before_cursor_execute", lambda *args: said.append(args[2]))
        command.upgrade(config, "head")

    await within(db, work)
    await db.close()
    return [one for one in said if re.match(r"\s*(CREATE|ALTER|DROP|UPDATE floors)", one)]


@pytest.fixture
async def sql(postgres):
    """What PostgreSQL is told from SINCE on, in its order."""
    name = name_of_new()
    postgres.ask(f"CREATE DATABASE {name}")
    return await written(postgres.url(name))


async def test_tables_only_grow(sql):
    """What an older alertd writes still fits: no column goes or is renamed, and a new one may be left out. A migration
    that must take something away raises the floor, one version after the last that needed it."""
    found = "\n".join(sql)
    if "UPDATE floors" not in found:
        assert not re.search(r"DROP (TABLE|COLUMN)|RENAME|ALTER COLUMN|SET NOT NULL", found)
    for column in re.findall(r"ADD COLUMN ([^\n;]*)", found):
        assert "NOT NULL" not in column or "DEFAULT" in column, column


@pytest.mark.skipif(SQUAWK is None, reason="squawk is missing")
async def test_squawk_finds_nothing(sql, tmp_path):
    """It knows which statements hold up a server that is in use."""
    file = tmp_path / "migrations.sql"
    file.write_text(";\n".join(sql) + ";\n")
    words = [SQUAWK, f"--exclude={EXCLUDED}", "--assume-in-transaction", str(file)]
    done = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def grown(floor):
    """The tables of a version to come."""
    def work(connection):
        connection.execute(text("ALTER TABLE incidents ADD COLUMN later TEXT"))
        connection.execute(text("CREATE TABLE later (id TEXT PRIMARY KEY)"))
        connection.execute(text("UPDATE alembic_version SET version_num = '9000'"))
        connection.execute(text("UPDATE floors SET revision = :floor"), {"floor": floor})

    return work


async def test_the_version_before_serves_from_newer_tables(db, take, claim):
    """It starts on them, takes webhooks and sends."""
    await within(db, grown(REVISION))
    await database.migrate(db)
    await take(webhook(reported("a")))
    assert len((await claim()).rows) == 1
    async with db.reader.connect() as connection:
        assert await connection.run_sync(migrating.found) == "9000"


async def test_tables_that_took_something_away_are_refused(db):
    """In words that say what to do."""
    await within(db, grown("8999"))
    with pytest.raises(StoreUnavailable, match="need alertd with revision 8999 or newer"):
        await database.migrate(db)

"""Opening a store."""

import os
import stat
import subprocess
import sys

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from alertd.errors import StoreLocked, StoreUnavailable
from alertd.store import acts, database, intake, live, reading, schema
from tests.stores import within


async def test_the_migrations_make_the_tables_of_the_schema(db):
    """The one description and the history of migrations agree."""
    def differences(connection):
        def here(thing, _name, kind, _found, _other):
            condition = getattr(thing, "_ddl_if", None)  # an index of the other database
            return kind != "index" or condition is None or condition.dialect == connection.dialect.name

        return compare_metadata(MigrationContext.configure(connection, opts={"include_object": here}), schema.metadata)

    found = await within(db, differences)
    # what neither can say of an index on an expression
    assert [difference for difference in found if "notifications_due" not in str(difference)] == []


def test_the_newest_migration_is_the_revision_that_is_asked_for():
    """Otherwise every start would migrate."""
    folder = os.path.join(os.path.dirname(database.__file__), "migrations")
    assert ScriptDirectory(folder).get_current_head() == database.REVISION


async def test_a_commit_is_synced_to_disk(lite):
    """WAL and synchronous=FULL: what is answered with 2xx survives a power cut."""
    with lite.writer.begin() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar()
    assert (mode, synchronous) == ("wal", 2)


def test_the_file_is_readable_by_its_owner_only(tmp_path):
    """Alerts are nobody else's business."""
    database.connect(f"sqlite:///{tmp_path}/new.db")
    assert stat.S_IMODE((tmp_path / "new.db").stat().st_mode) == 0o600


def test_a_second_daemon_is_refused_and_named(tmp_path):
    """One SQLite file serves one daemon; the message says who has it."""
    url = f"sqlite:///{tmp_path}/a.db"
    with database.locked(url), pytest.raises(StoreLocked, match=f"process {os.getpid()}"), database.locked(url):
        pass


def test_the_lock_falls_with_its_process(tmp_path):
    """kill -9 leaves no lock behind."""
    url = f"sqlite:///{tmp_path}/a.db"
    code = (f"import os, signal\nfrom alertd.store import database\n"
            f"with database.locked({url!r}):\n    os.kill(os.getpid(), signal.SIGKILL)")
    subprocess.run([sys.executable, "-c", code], check=False)
    with database.locked(url):
        pass


@pytest.mark.parametrize("url", ["alertd.db", "sqlite://", "mysql://x/y"])
def test_what_is_no_store_is_said(url):
    """A clear sentence instead of a driver's traceback."""
    with pytest.raises(StoreUnavailable, match="--store takes sqlite:///FILE"):
        database.connect(url)


@pytest.mark.parametrize("url", [
    "postgresql://u:hunter2@db/alertd", "postgresql://u:hunter2@a:1,b:2/alertd", "postgresql://u:hun@ter2@db/alertd",
    "postgresql://db/alertd?user=u&password=hunter2", "mysql://u:hunter2@db/x"])
def test_a_password_in_the_address_is_not_shown(url):
    """Addresses end up in logs, with errors."""
    assert "ter2" not in database.shown(url)
    if url.startswith("mysql"):
        with pytest.raises(StoreUnavailable) as error:
            database.connect(url)
        assert "hunter2" not in str(error.value)


async def test_a_file_of_an_older_version_is_brought_up_with_what_it_holds(tmp_path):
    """What fired before the upgrade is known after it, and its incident has the new columns."""
    db = database.connect(f"sqlite:///{tmp_path}/a.db")
    with db.writer.begin() as connection:
        config = Config()
        config.set_main_option("script_location", os.path.join(os.path.dirname(database.__file__), "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO incidents (id, key, source, labels, severity, epoch, revision, state, opened_at, firing, "
            "alerts) VALUES ('i', 'k', 'am', '{}', 'critical', 1, 1, 'open', 1, 1, 1)")
        connection.exec_driver_sql(
            "INSERT INTO alerts (id, source, fingerprint, incident, severity, labels, annotations, starts_at, "
            "newest_start, generator_url) VALUES ('a', 'am', 'f', 'i', 'critical', '{}', '{}', 1, 1, '')")
    await database.migrate(db)
    with db.writer.begin() as connection:
        assert live.of(connection, 2).find(["f"], 2) == ["a"]
        incident = acts.load(connection, ["i"]).incidents["i"]
    assert (incident.escalated, incident.escalate_at, incident.acknowledged_by) == (0, None, None)
    await db.close()


@pytest.mark.parametrize("statement", [live._BY_ID, live.INCIDENTS_BY_ID, intake._NOTIFICATIONS,
                                       reading._INCIDENTS, reading._ROOTS, reading._TOLD])
async def test_what_a_list_asks_for_is_found_by_an_index(lite, statement):
    """However large the table is."""
    with lite.writer.begin() as connection:
        text = str(statement.compile(dialect=connection.dialect))
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", tuple("0" * text.count("?")))
        steps = [row[3] for row in plan]
    assert steps[0].startswith("SEARCH ")


async def test_a_migration_may_take_its_time(postgres_url, monkeypatch):
    """The limits of those who wait for an answer are not its limits; that of a lock is, since others wait behind it."""
    limits = []

    def look(connection, _revision):
        limits.extend(connection.exec_driver_sql(f"SHOW {name}_timeout").scalar()
                      for name in ("statement", "idle_in_transaction_session", "lock"))

    monkeypatch.setattr(database.migrating, "to", look)
    db = database.connect(postgres_url)
    await database.migrate(db)
    assert limits == ["0", "10min", "10s"]
    await db.close()

"""Commands that change state, on a store that no daemon has."""

import asyncio

import pytest
from click.testing import CliRunner

from alertd.cli.group import group
from alertd.store import database
from alertd.store.writer import Writer
from tests.bodies import body
from tests.engine.conftest import VirtualClock, file_for

ROUTING = "receivers: {ops: {log: {}}}\nroutes: {critical: ops, warning: ops, info: ops}\n"


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store with one open incident; its address and the incident's id."""
    from alertd.engine.clock import Ids
    from alertd.engine.intake import Intake
    from alertd.engine.metrics import Metrics
    from alertd.engine.setting import Current

    async def fill():
        db = database.connect(url)
        await database.migrate(db)
        writer = Writer(db.writer)
        writer.start()
        clock = VirtualClock()
        intake = Intake(writer, Current(file_for(), clock.now()), clock, Ids(1), Metrics(), lambda _: None)
        changes = await intake.accept(body("a"))
        await writer.stop()
        await db.close()
        return changes.incidents[0].id

    url = f"sqlite:///{tmp_path}/a.db"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "routing.yaml").write_text(ROUTING)
    return url, asyncio.run(fill())


def run(*words):
    return CliRunner().invoke(group, words)


def test_an_incident_is_acknowledged_and_the_record_is_whole(store):
    """From the command to the audit."""
    url, incident = store
    done = run("incidents", "ack", incident, "--store", url, "--by", "jane")
    assert (done.exit_code, done.stderr) == (0, "acknowledged\n")
    assert "acknowledged" in run("incidents", "list", "--store", url).stdout
    verified = run("audit", "verify", "--store", url)
    assert (verified.exit_code, len(verified.stdout.strip())) == (0, len("1:") + 64)
    assert '"actor": "jane"' in run("audit", "export", "--store", url).stdout


def test_what_does_not_exist_is_said(store):
    """With exit code 1, and where to look."""
    url, _ = store
    for words in (("incidents", "ack"), *(("notifications", word) for word in ("retry", "drop", "show"))):
        done = run(*words, "nothing", "--store", url)
        assert (done.exit_code, "no " in done.stderr, "list" in done.stderr) == (1, True, True), words


def test_a_store_that_a_daemon_has_is_not_written(store):
    """The daemon is to be asked."""
    url, incident = store
    with database.locked(url):
        done = run("incidents", "ack", incident, "--store", url)
    assert (done.exit_code, "--url" in done.stderr) == (3, True)


def test_a_row_of_the_audit_that_was_cut_off_is_named(store):
    """Exit code 1, and nobody has to have kept the head."""
    url, incident = store
    run("incidents", "ack", incident, "--store", url, "--by", "jane")
    db = database.connect(url)
    with db.writer.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_no_delete")
        connection.exec_driver_sql("DELETE FROM audit")
    db.writer.dispose()
    done = run("audit", "verify", "--store", url)
    assert (done.exit_code, "row 1: it is missing" in done.stderr) == (1, True)


def test_an_edited_row_of_the_audit_is_named(store):
    """Exit code 1."""
    url, incident = store
    run("incidents", "ack", incident, "--store", url, "--by", "jane")
    db = database.connect(url)
    with db.writer.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_no_update")
        connection.exec_driver_sql("UPDATE audit SET actor = 'joe'")
    db.writer.dispose()
    done = run("audit", "verify", "--store", url)
    assert (done.exit_code, "row 1: it was edited" in done.stderr) == (1, True)


def test_the_draft_of_a_review_is_printed(store):
    """From a store that no daemon has, with the routing file's maintenance."""
    url, incident = store
    done = run("incidents", "review", incident, "--store", url)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("# Review: a is broken\n")
    assert "| Acknowledged | by nobody |" in done.stdout
    assert run("incidents", "review", "none", "--store", url).exit_code == 1
    without = run("incidents", "review", incident, "--store", url, "--config", "missing.yaml")
    assert "Maintenance: unknown" in without.stdout
    assert "not in the draft" in without.stderr


@pytest.mark.parametrize(("form", "begins"), [("text", "WEEK FROM"), ("json", '{"id": "statistics"'),
                                              ("csv", "of,name,week,figure,value")])
def test_the_last_weeks_are_printed(store, form, begins):
    """For people, programs and spreadsheets."""
    done = run("incidents", "stats", "--store", store[0], "-o", form)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(begins)
    assert run("incidents", "stats", "--store", store[0], "--weeks", "99").exit_code == 2

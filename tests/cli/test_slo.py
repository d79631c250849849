"""`alertd slo`, on a store that no daemon has."""

import asyncio
import json
import time

import pytest
from click.testing import CliRunner

from alertd.cli.group import group
from alertd.model import DAY, HOUR
from alertd.store import counting, database
from alertd.store.counting import Counted, Declared, Named, Promise, Reading
from tests.store.test_ledger import even

ROUTING = "receivers: {a: {log: {}}}\nroutes: {critical: a, warning: a, info: a}\n"


@pytest.fixture
def told(tmp_path):
    """Runs a command on a store with a month of one objective: a tenth of its budget went ten hours ago."""
    url = f"sqlite:///{tmp_path}/a.db"
    (tmp_path / "routing.yaml").write_text(ROUTING)
    now = time.time_ns() // 1_000_000
    this = now // HOUR * HOUR
    db = database.connect(url)
    asyncio.run(database.migrate(db))
    hours = [even(this - ago * HOUR, bad=72.0 if ago == 10 else 0.0) for ago in range(720, -1, -1)]
    with db.writer.begin() as connection:
        counting.declare(connection, [Declared((Promise("shop", "up", "0.999", 30 * DAY),), now)])
        name = Named("shop", "up", "{}")
        [ids] = counting.identify(connection, [[name]])
        counted = [Counted(ids[name], hour, 0.999, "rows") for hour in hours]
        counting.save(connection, [Reading(counted, {ids[name]: now}, (), now)])
    db.writer.dispose()

    def run(*words):
        where = ["--store", url] + (["--config", str(tmp_path / "routing.yaml")] if words[1] in ("exclude", "undo")
                                    else [])
        return CliRunner().invoke(group, [*words, *where])

    return run


def test_the_status_in_words_and_for_programs(told):
    """What is asked, what is left, how fast it goes."""
    shown = told("slo", "status")
    assert "99.9% of 30d" in shown.stdout
    assert "90.0%" in shown.stdout
    [item] = json.loads(told("slo", "status", "-o", "json").stdout)["items"]
    assert (item["state"], item["id"], item["burn_rate"]) == ("ok", "shop:up", 0)


def test_another_window_on_demand(told):
    """A month of the calendar, or some days."""
    [item] = json.loads(told("slo", "status", "--window", "7d", "-o", "json").stdout)["items"]
    assert item["budget_remaining"] == pytest.approx(1 - 72 / 168, abs=0.01)
    assert told("slo", "status", "--window", "fortnight").exit_code == 2


def test_taken_out_listed_and_taken_back(told):
    """With who and why, in the audit too."""
    ago = time.strftime("%Y-%m-%dT%H:00", time.localtime(time.time() - 11 * 3600))
    made = told("slo", "exclude", "shop:up", "--from", ago, "--for", "3h", "--reason", "upgrade", "--by", "ann")
    assert (made.exit_code, "taken out of shop:up" in made.stderr) == (0, True)
    [item] = json.loads(told("slo", "status", "-o", "json").stdout)["items"]
    assert item["budget_remaining"] == 1
    assert "upgrade" in told("slo", "exclusions").stdout
    assert told("slo", "undo", made.stdout.strip()).exit_code == 0
    [item] = json.loads(told("slo", "status", "-o", "json").stdout)["items"]
    assert item["budget_remaining"] == pytest.approx(0.9, abs=0.01)
    assert '"action": "exclude"' in told("audit", "export").stdout


def test_what_covers_nothing_is_said(told):
    """Status 1: somebody misspelt a service."""
    done = told("slo", "exclude", "shpo", "--from", "2026-11-01T10:00", "--for", "1h", "--reason", "x")
    assert (done.exit_code, "covers no objective" in done.stderr) == (1, True)

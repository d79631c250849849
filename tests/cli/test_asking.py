"""Commands that look at state: in a store, or at a daemon."""

import asyncio
import json

import pytest
from click.testing import CliRunner

from alertd.cli import healthcheck, incidents, notifications
from tests.bodies import body
from tests.web.conftest import logs, site

__all__ = ["logs", "site"]


async def call(command, *words):
    """The command in a thread, since it blocks and the daemon answers from here."""
    return await asyncio.to_thread(CliRunner().invoke, command, words)


def store_of(site):
    return f"sqlite:///{site.config.parent}/a.db"


@pytest.mark.parametrize("where", ["--store", "--url"])
async def test_incidents_and_their_story(site, where):
    """The same from a store beside its running daemon and from the daemon."""
    await site.post(body("a"))
    place = (where, store_of(site) if where == "--store" else site.url)
    listed = await call(incidents.command, "list", *place)
    id = listed.stdout.splitlines()[1].split()[0]
    story = (await call(incidents.command, "show", id, *place)).stdout
    assert "a is broken" in story
    assert "routing.yaml:7 critical → on-call" in story


@pytest.mark.parametrize("where", ["--store", "--url"])
async def test_notifications_say_their_reason(site, where):
    """For people and for programs."""
    await site.post(body("a"))
    place = (where, store_of(site) if where == "--store" else site.url)
    rows = json.loads((await call(notifications.command, "list", "-o", "json", *place)).stdout)["items"]
    assert [row["receiver"] for row in rows] == ["on-call"]
    assert "on-call log" in (await call(notifications.command, "list", *place)).stdout


async def test_what_is_not_there_is_said(tmp_path, site):
    """No traceback, an exit code that a script can use."""
    missing = await call(incidents.command, "list", "--store", f"sqlite:///{tmp_path}/no.db")
    assert (missing.exit_code, "no such store" in missing.stderr) == (3, True)
    unknown = await call(incidents.command, "show", "nope", "--store", store_of(site))
    assert (unknown.exit_code, "no incident 'nope'" in unknown.stderr) == (1, True)
    away = await call(incidents.command, "list", "--url", "http://127.0.0.1:9")
    assert (away.exit_code, "does not answer" in away.stderr) == (3, True)


async def test_looking_makes_no_store(tmp_path):
    """A question must not leave an empty file behind."""
    await call(notifications.command, "list", "--store", f"sqlite:///{tmp_path}/no.db")
    assert list(tmp_path.iterdir()) == []


async def test_healthcheck_asks_readiness(site):
    """0 when webhooks can be taken, 1 when not."""
    assert (await call(healthcheck.command, "--url", site.url)).exit_code == 0
    assert (await call(healthcheck.command, "--url", "http://127.0.0.1:9")).exit_code == 1


async def test_a_server_that_is_away_is_said():
    """In one line, without the password."""
    answer = await call(incidents.command, "list", "--store", "postgresql://alertd:hunter2@127.0.0.1:1/alertd")
    assert answer.exit_code == 3
    assert answer.output.startswith("postgresql://alertd:***@127.0.0.1:1/alertd cannot be read: ")
    assert "hunter2" not in answer.output

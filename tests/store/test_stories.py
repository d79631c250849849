"""An incident's whole story, its review, and the statistics, read from either database."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import Connection, insert, update

from alertd import statistics
from alertd.audit import Act
from alertd.model import DAY, HOUR, MINUTE, Event
from alertd.schedule import Windows
from alertd.store import audit, measuring, reviewing, schema, stories
from bench.crowd import crowd

NOW = time.time_ns() // 1_000_000
ID = "i00000000003"  # opened three minutes ago


@pytest.fixture
async def store(db: Any, writer: Any) -> Any:
    """Six incidents; of one an attempt and an acknowledgement are kept too, and one before was of the same group."""

    def fill(connection: Connection) -> None:
        crowd(connection, 6, 0, hours=0)
        connection.execute(insert(schema.attempts), [{
            "notification": "n0000030", "started_at": NOW, "finished_at": NOW + 9, "event": "accept", "detail": "ok"}])
        audit.append(connection, [Act(NOW + MINUTE, "jane", "page", "acknowledge", f"incident {ID}", {})])
        rows = schema.incidents
        connection.execute(update(rows).where(rows.c.id == "i00000000005").values(
            key=ID, state="resolved", opened_at=NOW - DAY, resolved_at=NOW - DAY + HOUR))
        connection.execute(update(schema.alerts).where(schema.alerts.c.incident == "i00000000005").values(
            ends_at=NOW - DAY + HOUR, closed_at=NOW - DAY + HOUR))

    await writer.submit(lambda connection, items: [fill(connection) for _ in items], None)
    return db


async def test_a_story_holds_all_that_is_kept(store: Any) -> None:
    """Alerts, messages, attempts, decisions, acts; of what is not there, nothing."""
    async with store.reader.connect() as connection:
        story = await stories.tell(connection, ID)
        assert await stories.tell(connection, "none") is None
        similar = await stories.similar(connection, story.incident, NOW - 30 * DAY, 20)
    assert (len(story.alerts), len(story.notifications), len(story.decisions)) == (3, 2, 1)
    assert [one.event for one in story.attempts] == [Event.ACCEPT]
    assert [act.actor for act in story.acts] == ["jane"]
    assert [one.id for one in similar] == ["i00000000005"]


async def test_a_review_is_drafted_from_it(store: Any) -> None:
    """With who came, and the same before."""
    async with store.reader.connect() as connection:
        draft = await reviewing.draft(connection, ID, Windows().every, NOW)
        assert await reviewing.draft(connection, "none", None, NOW) is None
    assert "by jane (page)" in draft
    assert "The same before: `i00000000005`" in draft
    assert "no ledger is kept here" in draft


async def test_the_statistics_count_what_is_kept(store: Any) -> None:
    """Each incident once, the first who came, and by name every alert that ended."""
    asked = statistics.ask("2", "UTC", statistics.OFFICE, NOW + HOUR)
    async with store.reader.connect() as connection:
        found = await measuring.measured(connection, asked, frozenset({"log"}), {})
    assert sum(week.incidents or 0 for week in found.weeks) == 6
    assert sum(week.acknowledged or 0 for week in found.weeks) == 1
    assert sum(noise.episodes for noise in found.noise) == 3
    assert [(load.receiver, sum(one or 0 for one in load.calls)) for load in found.loads] == [("on-call", 2)]

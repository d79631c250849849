"""What pages ask the store: against incidents of every severity and state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, insert, update

from alertd.model import DAY, MINUTE
from alertd.store import schema, showing
from alertd.store.showing import Wanted
from bench.crowd import crowd


@pytest.fixture
async def store(db: Any, writer: Any) -> Any:
    """Twelve open incidents, of every severity in turn."""
    await write(writer, lambda connection: crowd(connection, 12, 0, hours=0))
    return db


async def write(writer: Any, change: Callable[[Connection], object]) -> None:
    """Change something, in the store's own way."""
    await writer.submit(lambda connection, items: [change(connection) for _ in items], None)


async def test_the_worst_come_first_and_then_the_oldest(store: Any, writer: Any) -> None:
    """Those of severity none concern nobody."""
    incidents = schema.incidents
    await write(writer, lambda connection: connection.execute(
        update(incidents).where(incidents.c.id == "i00000000000").values(severity="none")))
    async with store.reader.connect() as connection:
        rows = await showing.worst(connection, "open", 5)
    assert [row.incident.severity.value for row in rows] == ["critical"] * 3 + ["warning"] * 2
    assert [row.incident.opened_at for row in rows[:3]] == sorted(row.incident.opened_at for row in rows[:3])
    assert all(row.told and row.why and len(row.alerts) == 3 for row in rows)


@pytest.mark.parametrize(("words", "number"), [("service-3", 1), ("SERVICE-3 eu-1", 1), ("node-2:9100", 12), ("%", 0),
                                               ('"', 0), ("service_3", 0), ("i00000000004", 1), ("", 12)])
async def test_words_are_looked_for_in_labels(store: Any, words: str, number: int) -> None:
    """Of the incident and of its alerts, in any case; signs that SQL knows are signs like others."""
    async with store.reader.connect() as connection:
        found = await showing.listed(connection, Wanted(words=words), 50, None)
    assert len(found.rows) == number


async def test_each_receiver_is_reached_or_not(store: Any, writer: Any) -> None:
    """What was sent, what is held, what is dead; the troubled first."""
    rows = schema.notifications
    await write(writer, lambda connection: connection.execute(
        update(rows).where(rows.c.id == "n0000001").values(state="dead")))
    async with store.reader.connect() as connection:
        first, second = await showing.reach(connection, 0)
    assert (first.receiver, first.dead, first.held) == ("platform-team", 1, 11)
    assert (second.receiver, second.sent, second.dead) == ("on-call", 12, 0)
    assert second.sent_at is not None


async def test_what_ended_lately_is_found_by_the_ends_of_its_alerts(store: Any, writer: Any) -> None:
    """An end of longer ago is not."""
    incidents, alerts = schema.incidents, schema.alerts
    now = 2_000_000_000_000

    def end(connection: Connection) -> None:
        for number, at in ((1, now - MINUTE), (2, now - 2 * DAY)):
            id = f"i{number:011}"
            connection.execute(update(incidents).where(incidents.c.id == id).values(state="resolved", resolved_at=at))
            connection.execute(update(alerts).where(alerts.c.incident == id).values(closed_at=at, ends_at=at))

    await write(writer, end)
    async with store.reader.connect() as connection:
        number, rows = await showing.ended(connection, now - DAY, 10)
    assert (number, [row.incident.id for row in rows]) == (1, ["i00000000001"])


async def test_digests_come_in_pages(store: Any, writer: Any) -> None:
    """The newest first, those of one moment each once; a day without a message is none."""
    await write(writer, lambda connection: connection.execute(insert(schema.digests), [
        {"receiver": f"r{number}", "date": "2026-11-25", "id": f"d{number}", "made_at": 5 - number // 2,
         "subject": "" if number == 4 else "quiet", "text": ""} for number in range(5)]))
    seen: list[str] = []
    cursor: str | None = None
    async with store.reader.connect() as connection:
        while True:
            rows, cursor = await showing.digests(connection, 1, cursor)
            seen += [row.id for row in rows]
            if cursor is None:
                break
    assert seen == ["d0", "d1", "d2", "d3"]

"""A transaction and the server it is on."""

import asyncio

import pytest
from sqlalchemy import insert, text

from alertd.store import database, schema, wire
from alertd.store.writer import Writer
from tests.store.lines import held_open

ROW = {"receiver": "a", "date": "2027-01-01", "id": "a", "made_at": 0, "subject": "", "text": ""}


@pytest.fixture
async def held(postgres_url):
    """A writer over a line that is held open."""
    async with held_open(postgres_url) as url:
        opened = database.connect(url)
        writer = Writer(opened.writer)
        writer.start()
        yield writer
        await writer.stop()
        await opened.close()


@pytest.mark.parametrize("next_one", [
    lambda connection: connection.execute(insert(schema.digests), [ROW]),
    lambda connection: wire.tell(connection, "INSERT INTO throttles VALUES ($1, $1, $1, 1)", ["a"]),
], ids=["by Core", "by the driver"])
async def test_a_leave_between_two_statements(held, postgres, next_one):
    """The driver has read the server's last words and does not take them for the end: all of it is done again."""
    seen = []

    def work(connection, items):
        seen.append(connection.execute(text("SELECT pg_backend_pid()")).scalar())
        if items == ["second"] and len(seen) == 2:
            postgres.ask(f"SELECT pg_terminate_backend({seen[0]}, 5000)")
            connection.connection.dbapi_connection.run_async(lambda _driver: asyncio.sleep(0.2))
        if items == ["second"]:
            next_one(connection)
        return items

    assert [await held.submit(work, name) for name in ("first", "second")] == ["first", "second"]
    assert [seen[0] == pid for pid in seen] == [True, True, False]

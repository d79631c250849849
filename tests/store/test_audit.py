"""The record of what people did, in a store: it only grows."""

import sqlite3

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from alertd.audit import FIRST, Act, Head, fault
from alertd.store import audit


def record(connection, acts):
    audit.append(connection, acts)
    return [None] * len(acts)


async def kept(db):
    async with db.reader.connect() as connection:
        return await audit.whole(connection)


async def test_acts_follow_one_another(db, writer):
    """Each in its own transaction or several in one, and the head is the last."""
    for seq in range(3):
        await writer.submit(record, Act(seq, "jane", "api", "acknowledge", f"incident {seq}", {}))
    links, head = await kept(db)
    assert [link.seq for link in links] == [1, 2, 3]
    assert head == Head(3, links[-1].hash)
    assert fault(links, [head]) is None


async def test_an_empty_record_has_a_head(db):
    """Before the first row."""
    assert await kept(db) == ([], Head(0, FIRST))


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'joe'", "DELETE FROM audit"])
async def test_no_row_is_changed_or_taken_out(db, writer, statement):
    """The database itself refuses, whoever asks."""
    await writer.submit(record, Act(1, "jane", "api", "acknowledge", "incident 1", {}))

    def meddle(connection, items):
        connection.execute(text(statement))
        return [None] * len(items)

    with pytest.raises((DBAPIError, sqlite3.Error, Exception), match="only grows"):
        await writer.submit(meddle, None)

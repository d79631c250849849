"""Writing many rows: few and many go to PostgreSQL by different ways, which nobody may notice."""

import asyncio

import pytest
from sqlalchemy import insert, select

from alertd.store import schema, sessions
from alertd.store.dialect import COPIED, Rows, write
from tests.stores import within

AWKWARD = ("", "\\N", "a\tb\nc\r", '{"quoted": "\\"}', "ünïcode 🚨", "NULL")
NEW = Rows(insert(schema.decisions), ("webhook", "incident", "at", "verdict", "why"), new=True)
STORED = select(*(schema.decisions.c[name] for name in ("webhook", "incident", "at", "verdict", "why")))
DIGESTS = Rows(insert(schema.digests), ("receiver", "date", "id", "made_at", "subject", "text"), new=True)


def rows(number):
    return [(None if index % 3 else "w", f"i{index}", 2**40 + index, AWKWARD[index % len(AWKWARD)], "[]")
            for index in range(number)]


def digests(*numbers):
    return [("r", f"d{number}", f"id{number}", 1, "s", "t") for number in numbers]


@pytest.mark.parametrize("number", [1, COPIED - 1, COPIED, 20 * COPIED])
async def test_what_is_read_is_what_was_written(db, number):
    """Whatever the text, in the order in which it was given, however many."""
    await within(db, lambda connection: write(connection, (NEW, rows(number))))
    found = await within(db, lambda connection: connection.execute(STORED.order_by(schema.decisions.c.seq)).all())
    assert [tuple(row) for row in found] == rows(number)


async def test_many_that_are_not_all_new_leave_nothing(db):
    """A copy is undone with its transaction, and so is what was written beside it."""
    await within(db, lambda connection: write(connection, (DIGESTS, digests(7))))
    with pytest.raises(Exception, match=r"(?i)unique"):
        await within(db, lambda connection: write(connection, (NEW, rows(1)), (DIGESTS, digests(*range(COPIED)))))
    left = await within(db, lambda connection: (connection.execute(select(schema.digests.c.date)).scalars().all(),
                                                connection.execute(STORED).all()))
    assert left == (["d7"], [])


async def test_after_a_failed_copy_its_connection_still_takes_rows(db):
    """Whoever writes next has the same one."""
    def run():
        session = sessions.of(db.writer)
        with pytest.raises(Exception, match=r"(?i)unique"):
            session.run(lambda connection: write(connection, (DIGESTS, digests(*[1] * COPIED))))
        session.run(lambda connection: write(connection, (DIGESTS, digests(*range(COPIED)))))
        session.close()

    await asyncio.to_thread(run)
    assert len(await within(db, lambda connection: connection.execute(select(schema.digests.c.date)).all())) == COPIED

"""Group commit."""

import asyncio

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from alertd.errors import StoreUnavailable
from alertd.store import schema
from alertd.store.writer import MOST_ITEMS, afterwards


def digest_row(name):
    return {"receiver": name, "date": "2027-01-01", "id": name, "made_at": 0, "subject": "", "text": ""}


def add(connection, items):
    """A handler that writes one row an item; the item "bad" breaks its transaction."""
    for name in items:
        connection.execute(insert(schema.digests), [digest_row(name)])
        if name == "bad":
            raise IntegrityError("insert", {}, Exception("no"))
    return [f"wrote {name}" for name in items]


async def names(db):
    async with db.reader.connect() as connection:
        return sorted(row[0] for row in await connection.execute(select(schema.digests.c.receiver)))


async def test_an_answer_comes_after_the_commit(db, writer):
    """Whoever was answered finds its row from another connection."""
    assert await writer.submit(add, "a") == "wrote a"
    assert await names(db) == ["a"]


async def test_what_waits_together_is_committed_together(db, writer):
    """A hundred items cost a few transactions, each answered with its own result."""
    answers = await asyncio.gather(*(writer.submit(add, f"n{number:03}") for number in range(100)))
    assert answers == [f"wrote n{number:03}" for number in range(100)]
    async with db.reader.connect() as connection:
        assert (await connection.execute(select(func.count()).select_from(schema.digests))).scalar() == 100


async def test_who_wrote_is_answered_whatever_becomes_of_what_is_urgent(writer):
    """What fails after the commit fails alone: the row is on disk."""
    def write(connection, items):
        afterwards(connection, lambda: 1 // 0, urgent=True)
        return items

    async with asyncio.timeout(5):
        assert await writer.submit(write, "a") == "a"


async def test_one_that_cannot_be_written_costs_only_itself(db, writer):
    """The others of its transaction are written without it."""
    answers = await asyncio.gather(*(writer.submit(add, name) for name in ("a", "bad", "b")), return_exceptions=True)
    assert [type(answer) for answer in answers] == [str, StoreUnavailable, str]
    assert await names(db) == ["a", "b"]


async def test_none_begins_while_more_comes_in(writer):
    """What arrives a few turns of the loop apart is one transaction."""
    sizes = []

    def count(connection, items):
        sizes.append(len(items))
        return items

    async def later(turns):
        for _ in range(turns):
            await asyncio.sleep(0)
        return await writer.submit(count, turns)

    assert await asyncio.gather(*(later(turns) for turns in range(0, 40, 4))) == list(range(0, 40, 4))
    assert sizes == [10]


async def test_a_transaction_is_begun_when_there_is_enough(writer):
    """Whatever else comes in all the time."""
    sizes = []

    def count(connection, items):
        sizes.append(len(items))
        return items

    await asyncio.gather(*(writer.submit(count, number) for number in range(MOST_ITEMS + 1)))
    assert sizes == [MOST_ITEMS, 1]


async def test_a_failing_store_is_noticed_and_its_recovery_too(writer):
    """Readiness looks at the last commit."""
    with pytest.raises(StoreUnavailable):
        await writer.submit(add, "bad")
    assert writer.failing_since is not None
    await writer.submit(add, "a")
    assert writer.failing_since is None


async def test_stopping_writes_what_waits(db, writer):
    """Nobody who was let in is left without an answer."""
    waiting = [asyncio.create_task(writer.submit(add, f"n{number}")) for number in range(3)]
    await asyncio.sleep(0)
    await writer.stop()
    assert await asyncio.gather(*waiting) == ["wrote n0", "wrote n1", "wrote n2"]
    assert await names(db) == ["n0", "n1", "n2"]

"""Group commit."""

import asyncio
import threading

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from alertd.errors import StoreUnavailable
from alertd.store import schema


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


async def test_one_that_cannot_be_written_costs_only_itself(db, writer):
    """The others of its transaction are written without it."""
    answers = await asyncio.gather(*(writer.submit(add, name) for name in ("a", "bad", "b")), return_exceptions=True)
    assert [type(answer) for answer in answers] == [str, StoreUnavailable, str]
    assert await names(db) == ["a", "b"]


@pytest.mark.parametrize("other", ["b", "bad"])
async def test_what_is_on_disk_is_answered_whatever_becomes_of_the_next(db, writer, other):
    """Answers may wait for the work of the transaction after theirs, and not for its success."""
    begun, go = threading.Event(), threading.Event()

    def held(connection, items):
        begun.set()
        assert go.wait(10)
        return add(connection, items)

    first = asyncio.create_task(writer.submit(held, "a"))
    await asyncio.to_thread(begun.wait, 10)
    second = asyncio.create_task(writer.submit(add, other))
    await asyncio.sleep(0)
    go.set()
    answers = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(answer) for answer in answers] == [str, str if other == "b" else StoreUnavailable]
    assert await names(db) == (["a", "b"] if other == "b" else ["a"])


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

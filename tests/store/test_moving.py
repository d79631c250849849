"""A whole store into another one."""

import asyncio

import pytest
from sqlalchemy import func, select

from alertd.audit import Act, fault
from alertd.errors import CannotMove
from alertd.store import audit, database, intake, moving, schema
from alertd.store.rows import deflated
from tests.reports import reported, webhook
from tests.stores import within


@pytest.fixture
def store_url(tmp_path):
    return f"sqlite:///{tmp_path}/alertd.db"


@pytest.fixture
async def target(postgres_url):
    opened = database.connect(postgres_url)
    yield opened
    await opened.close()


@pytest.fixture
async def filled(db, writer, take, claim):
    """A store with incidents, one of them claimed, rejected text with a NUL, and an audit."""
    def record(connection, items):
        audit.append(connection, [Act(1, "jane", "api", "acknowledge", "incident 1", {})])
        return [None] * len(items)

    await take(webhook(reported("a")), webhook(reported("b"), group={"x": "1"}))
    await claim()
    await writer.submit(record, None)
    await writer.submit(intake.reject, (webhook(), deflated(b"<xml>"), "a NUL: \0"))
    await writer.stop()
    return db


async def move(source, target):
    return await asyncio.to_thread(moving.move, source, target)


def counts(connection):
    return {table.name: connection.execute(select(func.count()).select_from(table)).scalar()
            for table in schema.metadata.sorted_tables if table.name not in moving.HERE}


async def test_every_row_arrives(filled, target):
    """Of every table, and the copy says how many."""
    moved = await move(filled, target)
    assert moved == await within(target, counts) == await within(filled, counts)
    assert moved["notifications"] == 6


async def test_numbers_go_on(filled, target):
    """What comes next is newer than what was there."""
    await move(filled, target)

    def add(connection):
        newest = connection.execute(select(func.max(schema.decisions.c.seq))).scalar()
        row = connection.execute(schema.decisions.insert().values(
            incident="i", at=1, verdict="", why="[]").returning(schema.decisions.c.seq)).scalar()
        return newest, row

    newest, row = await within(target, add)
    assert row == newest + 1


async def test_the_audit_goes_on(filled, target):
    """As one chain, proved."""
    await move(filled, target)
    async with target.reader.connect() as connection:
        links, head = await audit.whole(connection)
    assert len(links) == 1
    assert fault(links, [head]) is None


async def test_a_target_in_use_is_left_alone(filled, target):
    """Two stores are never mixed."""
    await move(filled, target)
    with pytest.raises(CannotMove, match="has rows"):
        await move(filled, target)

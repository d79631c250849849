import pytest

from alertd.store import database, outbox
from alertd.store.outbox import Claim
from alertd.store.writer import Writer
from tests.reports import T0
from tests.stores import SLACK, taken


@pytest.fixture
async def db(store_url):
    """An empty store with its tables."""
    opened = database.connect(store_url)
    await database.migrate(opened)
    yield opened
    await opened.close()


@pytest.fixture
async def lite(tmp_path):
    """An empty store in SQLite, for what only that does."""
    opened = database.connect(f"sqlite:///{tmp_path}/lite.db")
    await database.migrate(opened)
    yield opened
    await opened.close()


@pytest.fixture
async def writer(db):
    """The only way into it."""
    running = Writer(db.writer)
    running.start()
    yield running
    await running.stop()


@pytest.fixture
def take(writer):
    """Commit webhooks, one after the other, each with all it causes."""
    async def commit(*messages):
        for message in messages:
            await writer.submit(taken, message)

    return commit


@pytest.fixture
def claim(writer):
    """Claim what an outlet has waiting."""
    async def wish(outlet=SLACK, most=10, now=T0, token="t"):
        return await writer.submit(outbox.claim, Claim(outlet, most, now, now + 60_000, token))

    return wish

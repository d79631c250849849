import pytest

from alertd.store import database
from alertd.store.writer import Writer


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

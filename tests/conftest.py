"""What every test may ask for: a PostgreSQL, started when the first one does, and empty stores in either database."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from alertd.store import database
from tests import postgres as real

# A deadline for each example would be a timed test: on a busy machine it fails by chance.
settings.register_profile("alertd", deadline=None)
settings.load_profile("alertd")

os.environ.setdefault("GOGC", "400")  # promtool is a third of all that the tests take: a quarter of it is its collector


@pytest.fixture(scope="session")
def postgres() -> Iterator[real.Server]:
    """A server with an empty store in it, named `empty`, of which others are copies."""
    if real.missing():
        pytest.skip("PostgreSQL is missing")
    with real.serving() as server:
        server.ask("CREATE DATABASE empty")

        async def make() -> None:
            db = database.connect(server.url("empty"))
            await database.migrate(db)
            await db.close()

        asyncio.run(make())
        yield server


@pytest.fixture
def postgres_url(postgres: real.Server) -> str:
    """The address of an empty store of this test's own; it goes with the server."""
    name = real.name_of_new()
    postgres.ask(f"CREATE DATABASE {name} TEMPLATE empty")
    return postgres.url(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store: the test runs once on each database."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path}/alertd.db"

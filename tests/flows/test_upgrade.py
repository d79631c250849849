"""Two versions of alertd on one PostgreSQL: replicas are replaced one by one while webhooks pour in, and one of them
goes back. Each version is a process of its own with code of its own."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.flows import builds
from tests.flows.processes import House
from tests.flows.test_replicas import nothing_is_lost, pour
from tests.postgres import Server, name_of_new


@pytest.fixture
async def three(tmp_path: Path, postgres: Server) -> AsyncIterator[list[House]]:
    """Three replicas, not started yet, on a database without tables."""
    name = name_of_new()
    postgres.ask(f"CREATE DATABASE {name}")
    async with House(tmp_path) as house:
        house.store, house.hasty = postgres.url(name), True
        house.route("on-call")
        yield [house, house.beside(), house.beside()]


async def replace(house: House, build: Path | None) -> None:
    """As an administrator does: stop it, start the other version in its place."""
    assert house.daemon
    assert await asyncio.to_thread(house.daemon.stop) == 0
    house.build = build
    await house.start()
    await asyncio.sleep(0.5)  # under load


async def roll(three: list[House], newer: Path | None) -> None:
    older = three[0].build
    for house in three:
        await replace(house, newer)
    await replace(three[-1], older)


@pytest.mark.parametrize(("older", "newer"), [(builds.before, None), (None, builds.to_come)],
                         ids=["from the one before", "to one with further tables"])
async def test_replaced_one_by_one(three: list[House], tmp_path: Path, postgres: Server,
                                   older: Callable[[Path], Path] | None, newer: Callable[[Path], Path] | None) -> None:
    """The first of the newer version migrates while the older ones take webhooks and send; nothing that was answered
    200 is lost, and no page is doubled. The one that goes back serves from the newer tables."""
    three[0].build, new = older and older(tmp_path / "older"), newer and newer(tmp_path / "newer")
    for house in three:
        house.build = three[0].build
        await house.start()
    name = three[0].store.rpartition("/")[2]
    revisions = [postgres.ask("SELECT version_num FROM alembic_version", name)]
    taken = await pour(three, random.Random(3), roll(three, new))
    revisions.append(postgres.ask("SELECT version_num FROM alembic_version", name))
    assert revisions[0] < revisions[1]
    await nothing_is_lost(three, taken)
    assert "tables_are_newer" in (tmp_path / f"alertd-{three[-1].port}.log").read_text()  # it is of the older version

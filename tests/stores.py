"""Reaching into a store of either kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from alertd.store import sessions
from alertd.store.database import Database

T = TypeVar("T")


async def within(db: Database, work: Callable[[Connection], T]) -> T:
    """What the work returns, after its transaction."""
    def run() -> T:
        session = sessions.of(db.writer)
        try:
            return session.run(work)
        finally:
            session.close()

    return await asyncio.to_thread(run)

"""Reaching into a store of either kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection

from alertd.incidents import decide, keys_of
from alertd.model import Outlet, Webhook
from alertd.store import intake, sessions
from alertd.store.database import Database
from tests.reports import T0, routing

T = TypeVar("T")
SLACK = Outlet("slack", "slack", "#alerts")  # of the routing that `taken` goes by


def taken(connection: Connection, messages: Sequence[Webhook]) -> Sequence[None]:
    """Webhooks with all they cause, as the intake takes them in; a handler of the writer."""
    known = intake.load(connection, messages, {key for one in messages for key in keys_of(one, routing())}, T0)
    batch = intake.Batch()
    for message in messages:
        changes = decide(message, known, routing(), T0)
        known.apply(changes)
        batch.add(message, b"{}", changes)
    intake.save(connection, batch, T0)
    return [None] * len(messages)


async def within(db: Database, work: Callable[[Connection], T]) -> T:
    """What the work returns, after its transaction."""
    def run() -> T:
        session = sessions.of(db.writer)
        try:
            return session.run(work)
        finally:
            session.close()

    return await asyncio.to_thread(run)

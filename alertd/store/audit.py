"""The record of what people did, as rows. It is written in the same transaction as the act itself."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.audit import FIRST, Act, Link, hash_of
from alertd.store import schema

_rows = schema.audit.c


def append(connection: Connection, acts: Iterable[Act]) -> None:
    """Add acts at the end of the chain."""
    last = connection.execute(select(_rows.seq, _rows.hash).order_by(_rows.seq.desc()).limit(1)).first()
    seq, before = (last.seq, last.hash) if last else (0, FIRST)
    rows = []
    for act in acts:
        seq, hash = seq + 1, hash_of(act, before)
        rows.append({"seq": seq, "at": act.at, "actor": act.actor, "via": act.via, "action": act.action,
                     "object": act.object, "detail": json.dumps(dict(act.detail), sort_keys=True),
                     "prev_hash": before, "hash": hash})
        before = hash
    if rows:
        connection.execute(insert(schema.audit), rows)


async def whole(connection: AsyncConnection) -> list[Link]:
    """The record, in its order."""
    return [_link(row) for row in await connection.execute(select(schema.audit).order_by(_rows.seq))]


def _link(row: Any) -> Link:
    act = Act(row.at, row.actor, row.via, row.action, row.object, json.loads(row.detail))
    return Link(row.seq, act, row.prev_hash, row.hash)

"""The record of what people did, as rows. It is written in the same transaction as the act itself."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.audit import Act, Head, Link, hash_of
from alertd.store import schema

_rows, _head = schema.audit.c, schema.audit_head


def append(connection: Connection, acts: Iterable[Act]) -> None:
    """Add acts at the end of the chain. Others who add wait until this transaction ends."""
    wanted = list(acts)
    if not wanted:
        return
    head = connection.execute(select(_head.c.seq, _head.c.hash).with_for_update()).one()
    seq, before = head.seq, head.hash
    rows = []
    for act in wanted:
        seq, hash = seq + 1, hash_of(act, before)
        rows.append({"seq": seq, "at": act.at, "actor": act.actor, "via": act.via, "action": act.action,
                     "object": act.object, "detail": json.dumps(dict(act.detail), sort_keys=True),
                     "prev_hash": before, "hash": hash})
        before = hash
    connection.execute(insert(schema.audit), rows)
    connection.execute(update(_head).values(seq=seq, hash=before))


async def head(connection: AsyncConnection) -> Head:
    """The newest row's place and hash, as they are kept beside the record."""
    row = (await connection.execute(select(_head.c.seq, _head.c.hash))).one()
    return Head(row.seq, row.hash)


async def whole(connection: AsyncConnection) -> tuple[list[Link], Head]:
    """The record in its order, and its head."""
    links = [link_from(row) for row in await connection.execute(select(schema.audit).order_by(_rows.seq))]
    return links, await head(connection)


def link_from(row: Any) -> Link:
    """A row as a value."""
    act = Act(row.at, row.actor, row.via, row.action, row.object, json.loads(row.detail))
    return Link(row.seq, act, row.prev_hash, row.hash)

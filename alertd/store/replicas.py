"""Which processes serve from this store now, where they know to send, and whether they read the same file."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from alertd.model import DAY, SECOND, Millis, Outlet
from alertd.store import schema

HERE: Millis = 20 * SECOND  # who was not seen for so long has gone, or is stopped

_table = schema.replicas
_outlets = msgspec.json.Decoder(list[tuple[str, str, str]])


@dataclasses.dataclass(frozen=True, slots=True)
class Replica:
    """One process. `config` is a hash of its routing file, `outlets` are those of that file."""

    host: str
    pid: int
    version: str
    config: str
    outlets: tuple[Outlet, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Beat:
    """It is here now. `number` is what it was given with its first, None until then."""

    replica: Replica
    now: Millis
    number: int | None = None


def beat(connection: Connection, beats: Sequence[Beat]) -> Sequence[tuple[int, list[Replica]]]:
    """Each one's number, which no other start was ever given, and all that are here, itself among them. A handler of
    the writer."""
    return [_beat(connection, one) for one in beats]


def _beat(connection: Connection, one: Beat) -> tuple[int, list[Replica]]:
    values = _values(one)
    number = one.number
    known = number is not None and connection.execute(
        update(_table).where(_table.c.number == number).values(values)).rowcount
    if not known:  # the first beat, or one that comes a day late
        number = connection.execute(
            insert(_table).values(started_at=one.now, **values).returning(_table.c.number)).scalar_one()
        connection.execute(delete(_table).where(_table.c.seen_at < one.now - DAY))
    here = connection.execute(select(_table).where(_table.c.seen_at > one.now - HERE))
    assert number is not None
    return number, [_replica(row) for row in here]


def _values(one: Beat) -> dict[str, Any]:
    replica = one.replica
    outlets = [(outlet.receiver, outlet.channel, outlet.target) for outlet in replica.outlets]
    return {"host": replica.host, "pid": replica.pid, "version": replica.version, "seen_at": one.now,
            "config": replica.config, "outlets": msgspec.json.encode(outlets).decode()}


def _replica(row: Any) -> Replica:
    outlets = tuple(Outlet(*names) for names in _outlets.decode(row.outlets))
    return Replica(row.host, row.pid, row.version, row.config, outlets)

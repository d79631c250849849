"""When incidents that ended lately began and ended: by these times the next one with their key may flap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, select

from alertd.model import DAY, Incident, IncidentState, Millis
from alertd.store import schema
from alertd.store.dialect import Part, Rows, among, upsert
from alertd.store.rows import times_from, times_to

LONGEST: Millis = DAY  # within which swings are counted at most; what is older is forgotten

_table = schema.swings
BY_KEY = select(_table.c.key, _table.c.swings).where(among(_table.c.key, "keys"))
_statement = upsert(_table)
_KEEP = Rows(_statement.on_conflict_do_update(
    index_elements=["key"], set_={name: _statement.excluded[name] for name in ("swings", "at")}),
    ("key", "swings", "at"))


def found(rows: Iterable[Sequence[Any]]) -> dict[str, tuple[Millis, ...]]:
    """By key, of rows of BY_KEY; nothing where none with that key ended lately."""
    return {key: times_from(swings) for key, swings in rows}


def kept(incidents: Iterable[Incident], now: Millis) -> Part:
    """What is to be written of those that ended: their swings."""
    ended = {one.key: one.swings for one in incidents if one.swings and one.state is IncidentState.RESOLVED}
    return _KEEP, ((key, times_to(swings), now) for key, swings in ended.items())


def forget(connection: Connection, cutoffs: Sequence[Millis]) -> Sequence[None]:
    """Drop what was kept before the cutoff; a handler of the writer."""
    for cutoff in cutoffs:
        connection.execute(delete(_table).where(_table.c.at < cutoff))
    return [None] * len(cutoffs)

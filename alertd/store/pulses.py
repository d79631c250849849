"""The last beat of each heartbeat at each source."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from alertd.heartbeats import Pulse
from alertd.model import Millis
from alertd.store import schema
from alertd.store.dialect import upsert

_table = schema.pulses
_insert = upsert(_table)
_BEAT = _insert.on_conflict_do_update(index_elements=["matchers", "source"],
                                      set_={"beat_at": _insert.excluded.beat_at})
_KEEP = _insert.on_conflict_do_update(index_elements=["matchers", "source"],
                                      set_={"silent_since": _insert.excluded.silent_since})


def beat(connection: Connection, beats: Iterable[tuple[str, str]], now: Millis) -> None:
    """These came now, as (matchers, source)."""
    # sorted: two replicas that have beats of the same ones must not wait for each other
    rows = [{"matchers": matchers, "source": source, "beat_at": now} for matchers, source in sorted(beats)]
    if rows:
        connection.execute(_BEAT, rows)


def load(connection: Connection) -> list[Pulse]:
    """All of them: a few per Alertmanager."""
    return [Pulse(row.matchers, row.source, row.beat_at, row.silent_since)
            for row in connection.execute(select(_table).order_by(_table.c.matchers, _table.c.source))]


def keep(connection: Connection, pulse: Pulse) -> None:
    """Whether its silence is told."""
    connection.execute(_KEEP, {"matchers": pulse.matchers, "source": pulse.source, "beat_at": pulse.beat_at,
                               "silent_since": pulse.silent_since})

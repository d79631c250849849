"""Which rows hold the episodes that a webhook may concern: those that fire, and those that ended lately.

Fingerprints are hashes. In an index on them every new alert dirties a page of its own, and SQLite writes and syncs
whole pages: with such an index, half of what a commit wrote was the index. A store in SQLite has one writing process
(database.locked sees to that), so what the index would say is kept here, in that process' memory, about 250 bytes an
alert: read once from the store, then told of every change.

PostgreSQL has several writing processes, so there the index is one (`alerts_open`, `alerts_lately`), and is asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, bindparam, select, union_all

from alertd.model import HOUR, Alert, AlertId, Millis
from alertd.store import schema
from alertd.store.dialect import Query, among, listed

REMEMBER = HOUR  # how long an ended episode is asked for: Prometheus repeats an end for 15 minutes
_KEY = "live episodes"


class Live:
    """The ids of such episodes by fingerprint."""

    def __init__(self) -> None:
        self._ids: dict[str, tuple[AlertId, ...]] = {}
        self._ended: deque[tuple[Millis, str, AlertId]] = deque()  # in the order they are forgotten

    def note(self, fingerprint: str, id: AlertId, closed_at: Millis | None) -> None:
        """An episode is new or has changed."""
        ids = self._ids.get(fingerprint, ())
        if id not in ids:
            self._ids[fingerprint] = (*ids, id)
        if closed_at is not None:
            self._ended.append((closed_at, fingerprint, id))

    def find(self, fingerprints: Iterable[str], now: Millis) -> list[AlertId]:
        """The episodes of these fingerprints."""
        self._forget(now - REMEMBER)
        known = self._ids
        return [id for fingerprint in fingerprints if fingerprint in known for id in known[fingerprint]]

    def _forget(self, before: Millis) -> None:
        while self._ended and self._ended[0][0] <= before:
            _, fingerprint, gone = self._ended.popleft()
            left = tuple(id for id in self._ids.get(fingerprint, ()) if id != gone)
            if left:
                self._ids[fingerprint] = left
            else:
                self._ids.pop(fingerprint, None)


def query(connection: Connection) -> Query:
    """That for the episodes that a webhook may concern, as rows of alerts."""
    return _BY_FINGERPRINT if connection.dialect.name == "postgresql" else _BY_ID


def parameters(connection: Connection, fingerprints: Iterable[str], now: Millis) -> dict[str, Any]:
    """The query's, for these fingerprints."""
    if connection.dialect.name == "postgresql":
        return {"fingerprints": listed(fingerprints), "since": now - REMEMBER}
    return {"alerts": listed(of(connection, now).find(fingerprints, now))}


def of(connection: Connection, now: Millis) -> Live:
    """What is kept beside the writing connection; read from the store when there is nothing yet."""
    live: Live | None = connection.info.get(_KEY)
    if live is None:
        live = connection.info[_KEY] = Live()
        for query in (_FIRING, _ENDED):
            for fingerprint, id, closed_at in connection.execute(query, {"since": now - REMEMBER}):
                live.note(fingerprint, id, closed_at)
    return live


def note(connection: Connection, alerts: Iterable[Alert], now: Millis) -> None:
    """Tell of episodes that this transaction writes."""
    if connection.dialect.name == "postgresql":
        return
    live = of(connection, now)
    for alert in alerts:
        live.note(alert.fingerprint, alert.id, alert.closed_at)


def forget(connection: Connection) -> None:
    """The transaction is undone, so what it told is wrong: the next one reads the store again."""
    connection.info.pop(_KEY, None)


_alerts = schema.alerts.c
_COLUMNS = (_alerts.fingerprint, _alerts.id, _alerts.closed_at)
_FIRING = select(*_COLUMNS).where(_alerts.closed_at.is_(None))
_ENDED = select(*_COLUMNS).where(_alerts.closed_at > bindparam("since")).order_by(_alerts.closed_at)
_BY_ID = select(schema.alerts).where(among(_alerts.id, "alerts"))
_BY_FINGERPRINT = union_all(
    select(schema.alerts).where(among(_alerts.fingerprint, "fingerprints"), _alerts.closed_at.is_(None)),
    select(schema.alerts).where(among(_alerts.fingerprint, "fingerprints"), _alerts.closed_at > bindparam("since")))

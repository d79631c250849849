"""Which rows hold what a webhook may concern: the episodes that fire or ended lately, and the incidents that are open.

Fingerprints are hashes, and so are the keys of incidents. In an index on them every new alert and every new incident
dirties a page of its own, and SQLite writes and syncs whole pages: the one on fingerprints was half of what a commit
wrote, the one on keys took a third of its time while 16,000 incidents were open. A store in SQLite has one writing
process (database.locked sees to that), so what an index would say is kept here, in that process' memory, about 250
bytes for each: read once from the store, then told of every change.

PostgreSQL has several writing processes, so there the indexes are some (`alerts_open`, `alerts_lately`,
`incidents_open`), and are asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, bindparam, select, union_all

from alertd.model import HOUR, Alert, AlertId, Incident, IncidentId, IncidentState, Millis
from alertd.store import schema
from alertd.store.dialect import Query, among, listed, word

REMEMBER = HOUR  # how long an ended episode is asked for: Prometheus repeats an end for 15 minutes
_KEY = "live episodes"


class Live:
    """The ids of such episodes by fingerprint, and of such incidents by key."""

    def __init__(self) -> None:
        self._ids: dict[str, tuple[AlertId, ...]] = {}
        self._ended: deque[tuple[Millis, str, AlertId]] = deque()  # in the order they are forgotten
        self._open: dict[str, IncidentId] = {}  # `decide` opens no second one of a key

    def note(self, fingerprint: str, id: AlertId, closed_at: Millis | None) -> None:
        """An episode is new or has changed."""
        ids = self._ids.setdefault(fingerprint, (id,))
        if id not in ids:
            self._ids[fingerprint] = (*ids, id)
        if closed_at is not None:
            self._ended.append((closed_at, fingerprint, id))

    def opened(self, key: str, id: IncidentId) -> None:
        """An incident is open."""
        self._open[key] = id

    def ended(self, key: str) -> None:
        """That of this key is open no more."""
        self._open.pop(key, None)

    def incidents(self, keys: Iterable[str]) -> list[IncidentId]:
        """The open ones of these keys."""
        known = self._open
        return [known[key] for key in keys if key in known]

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


def incidents(connection: Connection) -> Query:
    """That for the open incidents that a webhook may concern, as rows of incidents."""
    return INCIDENTS_BY_KEY if connection.dialect.name == "postgresql" else INCIDENTS_BY_ID


def parameters(connection: Connection, fingerprints: Iterable[str], keys: Iterable[str], now: Millis) -> dict[str, Any]:
    """The queries', for alerts of these fingerprints and incidents of these keys."""
    if connection.dialect.name == "postgresql":
        return {"fingerprints": listed(fingerprints), "since": now - REMEMBER, "keys": listed(keys)}
    live = of(connection, now)
    return {"alerts": listed(live.find(fingerprints, now)), "listed": listed(live.incidents(keys))}


def of(connection: Connection, now: Millis) -> Live:
    """What is kept beside the writing connection; read from the store when there is nothing yet."""
    live: Live | None = connection.info.get(_KEY)
    if live is None:
        live = connection.info[_KEY] = Live()
        for query in (_FIRING, _ENDED):
            for fingerprint, id, closed_at in connection.execute(query, {"since": now - REMEMBER}):
                live.note(fingerprint, id, closed_at)
        for key, id in connection.execute(_OPEN):
            live.opened(key, id)
    return live


def note(connection: Connection, alerts: Iterable[Alert], incidents: Iterable[Incident], now: Millis) -> None:
    """Tell of episodes and incidents that this transaction writes."""
    if connection.dialect.name == "postgresql":
        return
    live = of(connection, now)
    for alert in alerts:
        live.note(alert.fingerprint, alert.id, alert.closed_at)
    for incident in incidents:
        if incident.state is IncidentState.RESOLVED:
            live.ended(incident.key)
        else:
            live.opened(incident.key, incident.id)


def forget(connection: Connection) -> None:
    """The transaction is undone, so what it told is wrong: the next one reads the store again."""
    connection.info.pop(_KEY, None)


_alerts, _incidents = schema.alerts.c, schema.incidents.c
_COLUMNS = (_alerts.fingerprint, _alerts.id, _alerts.closed_at)
_FIRING = select(*_COLUMNS).where(_alerts.closed_at.is_(None))
_ENDED = select(*_COLUMNS).where(_alerts.closed_at > bindparam("since")).order_by(_alerts.closed_at)
_IS_OPEN = _incidents.state != word(IncidentState.RESOLVED)
_OPEN = select(_incidents.key, _incidents.id).where(_IS_OPEN)
INCIDENTS_BY_ID, INCIDENTS_BY_KEY = (
    select(schema.incidents).where(found, _IS_OPEN).order_by(_incidents.id).with_for_update()
    for found in (among(_incidents.id), among(_incidents.key, "keys"))
)
_BY_ID = select(schema.alerts).where(among(_alerts.id, "alerts"))
_BY_FINGERPRINT = union_all(
    select(schema.alerts).where(among(_alerts.fingerprint, "fingerprints"), _alerts.closed_at.is_(None)),
    select(schema.alerts).where(among(_alerts.fingerprint, "fingerprints"), _alerts.closed_at > bindparam("since")))

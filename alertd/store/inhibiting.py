"""Firing alerts that keep others quiet, under the keys they do it by, and the alerts that are kept quiet.

`store.intake` writes both, with what they are decided from.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, exists, select

from alertd.inhibiting import Inhibitor
from alertd.model import Alert, AlertId
from alertd.store import schema
from alertd.store.dialect import among, listed, upsert
from alertd.store.rows import alert_from

_alerts, _sources, _quiet = schema.alerts, schema.inhibitors, schema.inhibited
_FIRING = _alerts.c.closed_at.is_(None)
_LOAD = select(_sources, _alerts.c.incident).join(_alerts, _alerts.c.id == _sources.c.alert).where(
    among(_sources.c.key), _FIRING)
_QUIET = select(_alerts).join(_quiet, _quiet.c.alert == _alerts.c.id).where(_FIRING)


def load(connection: Connection, keys: Iterable[str]) -> dict[str, list[Inhibitor]]:
    """The alerts that fire now and keep others quiet under these keys."""
    found: dict[str, list[Inhibitor]] = {}
    for row in connection.execute(_LOAD, {"listed": listed(keys)}):
        found.setdefault(row.key, []).append(Inhibitor(row.key, row.alert, row.incident, row.name, bool(row.both)))
    return found


def held(connection: Connection) -> list[Alert]:
    """What is kept quiet and still fires. Forgets what ended, of both kinds."""
    for table in (_sources, _quiet):
        connection.execute(delete(table).where(exists().where(_alerts.c.id == table.c.alert,
                                                              _alerts.c.closed_at.is_not(None))))
    return [alert_from(row) for row in connection.execute(_QUIET)]


def quiet(connection: Connection) -> set[AlertId]:
    """What is kept quiet."""
    return {row.alert for row in connection.execute(select(_quiet))}


def let_go(connection: Connection, alerts: Iterable[Alert]) -> None:
    """These are kept quiet no longer."""
    connection.execute(delete(_quiet).where(among(_quiet.c.alert)), {"listed": listed(alert.id for alert in alerts)})


def firing(connection: Connection) -> Iterable[Alert]:
    """Every alert that fires when the first of them is taken."""
    for row in connection.execute(select(_alerts).where(_FIRING)):
        yield alert_from(row)


def anew(connection: Connection, inhibitors: Iterable[Inhibitor]) -> None:
    """These and no others keep alerts quiet. They are taken after all were removed: what another replica adds
    meanwhile stays."""
    connection.execute(delete(_sources))
    rows = [{"key": one.key, "alert": one.alert, "name": one.name, "both": one.both} for one in inhibitors]
    if rows:
        connection.execute(upsert(_sources).on_conflict_do_nothing(), rows)

"""What maintenance windows need to know and keep: what is held, the windows people made, and the notices' texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.digest import MOST_SUMMARIES, Entry
from alertd.maintaining import LATELY, Bundle
from alertd.matchers import parse
from alertd.model import ARROWS, Alert, DigestText, Event, Incident, IncidentId, Labels, Millis, Notification, State
from alertd.schedule import Mode, Once, Window
from alertd.store import schema
from alertd.store.dialect import among, listed, upsert, word
from alertd.store.intake import insert_notifications
from alertd.store.reading import incident_alerts
from alertd.store.rows import alert_from, labels_from, to_json, why_from
from alertd.telling import DIGEST_CHANNEL

_rows, _alerts, _incidents, _windows = (
    schema.notifications.c, schema.alerts.c, schema.incidents.c, schema.windows.c)
_WAITING = (select(_rows.incident).where(_rows.state == word(State.HELD),
                                         _rows.channel != DIGEST_CHANNEL).distinct())
_FIRING = select(schema.alerts).where(among(_alerts.incident), _alerts.closed_at.is_(None)).order_by(_alerts.id)


def waiting(connection: Connection) -> list[IncidentId]:
    """The incidents of which something waits for the end of a window."""
    return [row.incident for row in connection.execute(_WAITING)]


def firing(connection: Connection, ids: Iterable[str]) -> dict[str, list[Alert]]:
    """The alerts that fire, by incident."""
    found: dict[str, list[Alert]] = {}
    for row in connection.execute(_FIRING, {"listed": listed(ids)}):
        found.setdefault(row.incident, []).append(alert_from(row))
    return found


def entry(connection: Connection, incident: Incident) -> Entry:
    """An incident as a summary shows it."""
    return Entry(incident, tuple(incident_alerts(connection, incident.id, MOST_SUMMARIES)))


def bundle(connection: Connection, one: Bundle, text: DigestText, now: Millis) -> None:
    """Keep the message that stands for several; what it carries is held, and becomes a line of it."""
    assert one.message.digest is not None  # what `notice` makes has one
    if announce(connection, one.message.digest, text, [one.message], now):
        connection.execute(
            update(schema.notifications).where(among(_rows.id), _rows.state == State.HELD.value)
            .values(state=ARROWS[State.HELD, Event.FOLD].value, digest=one.message.digest, settled_at=now,
                    reason="in the one message of what still burns after maintenance"),
            {"listed": listed(row.id for row in one.carries)})


def announce(connection: Connection, id: str, text: DigestText, messages: Iterable[Notification], now: Millis) -> bool:
    """Keep a notice and its messages; False where it was made before."""
    statement = upsert(schema.notices).on_conflict_do_nothing(index_elements=["id"])
    fresh = connection.execute(statement, {"id": id, "made_at": now, "subject": text.subject, "text": text.text})
    if fresh.rowcount:
        insert_notifications(connection, messages)
    return bool(fresh.rowcount)


def announced(connection: Connection, id: str) -> bool:
    """Whether this notice was made."""
    return connection.execute(select(schema.notices.c.id).where(schema.notices.c.id == id)).first() is not None


def bring_forward(connection: Connection, planned: Millis, now: Millis) -> None:
    """A window ends now and not when it was planned to: what was put off until then is due."""
    for column in (_incidents.escalate_at, _incidents.acknowledged_until):
        connection.execute(update(schema.incidents).where(column == planned).values({column.name: now}))


# The windows people made ---------------------------------------------------------------------------------------------


def keep(connection: Connection, window: Window, now: Millis) -> None:
    """A new one."""
    assert isinstance(window.when, Once)  # what recurs stands in routing.yaml
    connection.execute(insert(schema.windows), [{
        "id": window.id, "name": window.name, "matchers": to_json(tuple(map(str, window.matchers))),
        "mode": window.mode.value, "starts_at": window.when.starts, "ends_at": window.when.ends,
        "reason": window.reason, "creator": window.creator, "created_at": now, "notices": int(window.notices),
        "exclude_from_budget": int(window.exclude_from_budget)}])


def find(connection: Connection, id: str) -> Window | None:
    """The one of this id."""
    row = connection.execute(select(schema.windows).where(_windows.id == id)).first()
    return window_from(row) if row else None


def end(connection: Connection, id: str, by: str, now: Millis) -> None:
    """It is over now; one that has not begun never does."""
    connection.execute(update(schema.windows).where(_windows.id == id, _windows.ends_at > now)
                       .values(ends_at=now, ended_by=by))


def since(connection: Connection, moment: Millis) -> list[Window]:
    """Those that ended no earlier than this."""
    query = select(schema.windows).where(_windows.ends_at >= moment).order_by(_windows.id)
    return [window_from(row) for row in connection.execute(query)]


async def planned(connection: AsyncConnection, now: Millis) -> list[Window]:
    """Those that are not over."""
    query = select(schema.windows).where(_windows.ends_at > now).order_by(_windows.id)
    return [window_from(row) for row in await connection.execute(query)]


async def excluding(connection: AsyncConnection, since: Millis, until: Millis) -> list[Window]:
    """Those within this time that error budgets leave out, over or not."""
    query = (select(schema.windows).where(_windows.exclude_from_budget == 1, _windows.ends_at > since,
                                          _windows.starts_at < until).order_by(_windows.id))
    return [window_from(row) for row in await connection.execute(query)]


async def fired(connection: AsyncConnection, now: Millis) -> Sequence[Labels]:
    """The labels of everything that fired lately."""
    query = select(_alerts.labels, _alerts.severity).where(_alerts.closed_at.is_(None) |
                                                           (_alerts.closed_at > now - LATELY))
    return [labels_from(row.labels) | {"severity": row.severity} for row in await connection.execute(query)]


def window_from(row: Any) -> Window:
    matchers = tuple(parse(text) for text in why_from(row.matchers))
    return Window(row.name, matchers, Once(row.starts_at, row.ends_at), Mode(row.mode), row.reason, 0, row.id,
                  row.creator, bool(row.notices), bool(row.exclude_from_budget))

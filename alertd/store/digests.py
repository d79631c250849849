"""Folding what was held into a digest: one transaction, once per receiver and local date."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.digest import MOST_SUMMARIES, Entry
from alertd.model import ARROWS, DigestText, Event, IncidentId, Millis, Notification, State
from alertd.store import schema
from alertd.store.dialect import among, listed, lock, upsert, word
from alertd.store.intake import insert_notifications
from alertd.store.reading import incident_alerts
from alertd.store.rows import incident_from
from alertd.telling import DIGEST_CHANNEL, fingerprint_of

_rows = schema.notifications
_INCIDENTS = select(schema.incidents).where(among(schema.incidents.c.id))


@dataclasses.dataclass(frozen=True, slots=True)
class Fold:
    """One digest to make: its receiver, local date and id, the messages that carry it, and how it is written."""

    receiver: str
    date: str
    id: str
    now: Millis
    compose: Callable[[Sequence[Entry]], DigestText]
    notifications: tuple[Notification, ...]


async def made(connection: AsyncConnection, receiver: str) -> str | None:
    """The newest local date this receiver had a digest for."""
    table = schema.digests
    query = select(table.c.date).where(table.c.receiver == receiver).order_by(table.c.date.desc()).limit(1)
    value = (await connection.execute(query)).scalar()
    return str(value) if value is not None else None


def begin(connection: Connection, items: Sequence[tuple[str, str, Millis]]) -> Sequence[None]:
    """Mark a date as done without a message, as (receiver, date, now): a new installation owes no digest of the
    day before it existed. A handler of the writer."""
    for receiver, date, now in items:
        connection.execute(upsert(schema.digests).on_conflict_do_nothing(), [
            {"receiver": receiver, "date": date, "id": fingerprint_of(receiver, date), "made_at": now, "subject": "",
             "text": ""}])
    return [None] * len(items)


def fold(connection: Connection, folds: Sequence[Fold]) -> Sequence[bool]:
    """Make the digests that were not made yet; False where that date had its own already. A handler."""
    return [_fold(connection, wish) for wish in folds]


def _fold(connection: Connection, wish: Fold) -> bool:
    table = schema.digests
    lock(connection, [f"digest {wish.receiver}"])
    same = select(table.c.id).where(table.c.receiver == wish.receiver, table.c.date == wish.date)
    if (connection.execute(same)).first() is not None:
        return False
    held = (_rows.c.receiver == wish.receiver, _rows.c.channel == DIGEST_CHANNEL,
            _rows.c.state == word(State.HELD))
    ids = [row[0] for row in connection.execute(select(_rows.c.incident).where(*held).distinct())]
    text = wish.compose(_entries(connection, ids))
    connection.execute(insert(table), [
        {"receiver": wish.receiver, "date": wish.date, "id": wish.id, "made_at": wish.now,
         "subject": text.subject, "text": text.text}])
    connection.execute(
        update(_rows).where(*held, among(_rows.c.incident))  # and none that came in since it was composed
        .values(state=ARROWS[State.HELD, Event.FOLD].value, digest=wish.id, reason=f"in the digest of {wish.date}",
                settled_at=wish.now), {"listed": listed(ids)})
    insert_notifications(connection, wish.notifications)
    return True


def _entries(connection: Connection, ids: Sequence[IncidentId]) -> list[Entry]:
    entries = []
    for row in connection.execute(_INCIDENTS, {"listed": listed(ids)}).all():
        incident = incident_from(row)
        entries.append(Entry(incident, tuple(incident_alerts(connection, incident.id, MOST_SUMMARIES))))
    return entries

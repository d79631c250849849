"""Folding what was held into a digest: one transaction, once per receiver and local date."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, insert, select, update

from alertd.audit import Act
from alertd.digest import MOST_SUMMARIES, Digest, Entry, text
from alertd.model import ARROWS, Event, IncidentId, Millis, Notification, State
from alertd.store import audit, schema
from alertd.store.dialect import among, listed, lock, upsert, word
from alertd.store.intake import insert_notifications
from alertd.store.reading import incident_alerts
from alertd.store.rows import incident_from
from alertd.telling import DIGEST_CHANNEL, fingerprint_of

_rows = schema.notifications
_INCIDENTS = select(schema.incidents).where(among(schema.incidents.c.id))


@dataclasses.dataclass(frozen=True, slots=True)
class Fold:
    """One digest to make: its receiver, local date and id, the messages that carry it, how it is written, and who
    asked for it, where somebody did."""

    receiver: str
    date: str
    id: str
    now: Millis
    compose: Callable[[Sequence[Entry]], Digest]
    notifications: tuple[Notification, ...]
    act: Act | None = None


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
    mine = (table.c.receiver == wish.receiver, table.c.date == wish.date)
    same = connection.execute(select(table.c.subject).where(*mine)).first()
    if same is not None and (same.subject or not wish.act):  # a date that was only marked is made for who asks for it
        return False
    held = (_rows.c.receiver == wish.receiver, _rows.c.channel == DIGEST_CHANNEL,
            _rows.c.state == word(State.HELD))
    ids = [row[0] for row in connection.execute(select(_rows.c.incident).where(*held).distinct())]
    made = wish.compose(_entries(connection, ids))
    said = {"made_at": wish.now, "subject": made.subject, "text": text.render(made), "data": made.json()}
    if same is not None:
        connection.execute(update(table).where(*mine).values(said))
    else:
        connection.execute(insert(table), [{"receiver": wish.receiver, "date": wish.date, "id": wish.id} | said])
    connection.execute(
        update(_rows).where(*held, among(_rows.c.incident))  # and none that came in since it was composed
        .values(state=ARROWS[State.HELD, Event.FOLD].value, digest=wish.id, reason=f"in the digest of {wish.date}",
                settled_at=wish.now), {"listed": listed(ids)})
    insert_notifications(connection, wish.notifications)
    audit.append(connection, [wish.act] if wish.act else ())
    return True


def again(connection: Connection, items: Sequence[tuple[tuple[Notification, ...], Act]]) -> Sequence[None]:
    """Send digests that were made once more, since somebody asked for it. A handler."""
    for rows, act in items:
        insert_notifications(connection, rows)
        audit.append(connection, [act])
    return [None] * len(items)


def collected(connection: Connection, receiver: str) -> list[Entry]:
    """What is held for the receiver's next digest."""
    held = select(_rows.c.incident).where(_rows.c.receiver == receiver, _rows.c.channel == DIGEST_CHANNEL,
                                          _rows.c.state == word(State.HELD)).distinct()
    return _entries(connection, list(connection.execute(held).scalars()))


def _entries(connection: Connection, ids: Sequence[IncidentId]) -> list[Entry]:
    entries = []
    for row in connection.execute(_INCIDENTS, {"listed": listed(ids)}).all():
        incident = incident_from(row)
        entries.append(Entry(incident, tuple(incident_alerts(connection, incident.id, MOST_SUMMARIES))))
    return entries

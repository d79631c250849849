"""Old rows go: of incidents that are long over, and webhooks. What is open stays, whatever its age; so do the audit,
the ledger, digests and maintenance. Handlers of the writer, each a small batch."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Table, delete, func, literal_column, select, union_all, update

from alertd.model import HOUR, IncidentState, Millis
from alertd.store import schema, tallies
from alertd.store.dialect import upsert
from alertd.store.reconcile import WEBHOOK_ID

DAILY = "cleanup"
AGAIN: Millis = HOUR  # after which it is begun anew where nobody said that it is done
INCIDENTS = 20  # in one transaction; each brings its alerts, messages, attempts and decisions
ROWS = 200

_incidents, _notifications, _alerts, _webhooks = (
    schema.incidents.c, schema.notifications.c, schema.alerts.c, schema.webhooks.c)


def claim(connection: Connection, items: Sequence[tuple[Millis, Millis]]) -> Sequence[bool]:
    """Whether it is due, and ours to do: (now, how often). Of several replicas one is told so."""
    table, answers = schema.chores, []
    for now, every in items:
        connection.execute(upsert(table).on_conflict_do_nothing(index_elements=["name"]), {"name": DAILY, "due_at": 0})
        claimed = connection.execute(update(table).where(table.c.name == DAILY, table.c.due_at <= now)
                                     .values(due_at=now + min(AGAIN, every)))
        answers.append(bool(claimed.rowcount))
    return answers


def done(connection: Connection, items: Sequence[Millis]) -> Sequence[None]:
    """It is due again then."""
    for due_at in items:
        connection.execute(update(schema.chores).where(schema.chores.c.name == DAILY).values(due_at=due_at))
    return [None] * len(items)


def incidents(connection: Connection, items: Sequence[tuple[str, Millis]]) -> Sequence[int]:
    """Some incidents that began before the id and ended before the time, with all that belongs to them; how many rows
    that were. None of them waits to be sent: an incident that is over has no page, and an update expires in a day."""
    return [_incidents_before(connection, id, before) for id, before in items]


def _incidents_before(connection: Connection, id: str, before: Millis) -> int:
    over = (select(_incidents.id).where(_incidents.id < id, _incidents.resolved_at < before,
                                        _incidents.state == literal_column(f"'{IncidentState.RESOLVED.value}'"))
            .order_by(_incidents.id).limit(INCIDENTS))
    ids = [row.id for row in connection.execute(over)]
    busy = select(_notifications.incident).where(_notifications.incident.in_(ids), _notifications.settled_at.is_(None))
    ids = sorted(set(ids) - {row.incident for row in connection.execute(busy)})
    if not ids:
        return 0
    # what was sent or ended after its incident is counted in an hour that stays
    tallies.changed(connection, connection.execute(union_all(
        select(_notifications.settled_at).where(_notifications.incident.in_(ids), _notifications.settled_at >= before),
        select(_alerts.closed_at).where(_alerts.incident.in_(ids), _alerts.closed_at >= before))).scalars())
    told = select(_notifications.id).where(_notifications.incident.in_(ids))
    return sum(_gone(connection, table, condition) for table, condition in (
        (schema.attempts, schema.attempts.c.notification.in_(told)),
        (schema.notifications, _notifications.incident.in_(ids)), (schema.roots, schema.roots.c.incident.in_(ids)),
        (schema.decisions, schema.decisions.c.incident.in_(ids)), (schema.alerts, _alerts.incident.in_(ids)),
        (schema.incidents, _incidents.id.in_(ids))))


def webhooks(connection: Connection, items: Sequence[str]) -> Sequence[int]:
    """Some that came before the id, but those that opened what is open still."""
    opened = select(func.substr(_alerts.id, 1, WEBHOOK_ID)).where(_alerts.closed_at.is_(None))
    return [_some(connection, schema.webhooks, _webhooks.id, (_webhooks.id < id) & _webhooks.id.not_in(opened))
            for id in items]


def rest(connection: Connection, items: Sequence[Millis]) -> Sequence[int]:
    """Some of what belongs to no incident: alerts that were told to nobody, messages of digests and notices and their
    texts, vendors' callbacks, storms that are long over."""
    return [_rest(connection, before) for before in items]


def _rest(connection: Connection, before: Millis) -> int:
    callbacks, notices = schema.callbacks.c, schema.notices.c
    return _texts(connection, before) + sum(_some(connection, table, id, condition) for table, id, condition in (
        (schema.alerts, _alerts.id, (_alerts.incident.is_(None)) & (_alerts.closed_at < before)),
        (schema.callbacks, callbacks.id, callbacks.at < before),
        (schema.notices, notices.id, notices.made_at < before))) + _storms(connection, before)


def _texts(connection: Connection, before: Millis) -> int:
    """Messages about no single incident. What a vendor calls that of a storm is needed as long as the storm is."""
    old = (_notifications.incident.is_(None)) & (_notifications.settled_at < before)
    some = list(connection.execute(
        select(_notifications.id, _notifications.digest).where(old).order_by(_notifications.seq).limit(ROWS)))
    if not some:
        return 0
    ids, texts = {row.id for row in some}, {row.digest for row in some if row.digest}
    roots = schema.roots.c.incident.in_(texts) & schema.roots.c.incident.not_in(select(schema.storms.c.id))
    return sum(_gone(connection, table, condition) for table, condition in (
        (schema.attempts, schema.attempts.c.notification.in_(ids)), (schema.roots, roots),
        (schema.notifications, _notifications.id.in_(ids) & old)))


def _storms(connection: Connection, before: Millis) -> int:
    """Storms that no message names any more; then what was counted where there has been none for as long. In this
    order: the first storm after a gauge is gone is named like the first ever there."""
    storms, gauges = schema.storms.c, schema.gauges.c
    named = select(_notifications.seq).where(_notifications.digest == storms.id).exists()
    ids = [row.id for row in connection.execute(
        select(storms.id).where(storms.over_at < before, ~named).order_by(storms.id).limit(ROWS))]
    found = sum(_gone(connection, table, id.in_(ids)) for table, id in (
        (schema.roots, schema.roots.c.incident), (schema.notices, schema.notices.c.id),
        (schema.storms, storms.id))) if ids else 0
    remembered = select(storms.id).where(
        storms.receiver == gauges.receiver, storms.channel == gauges.channel, storms.target == gauges.target).exists()
    return found + _gone(connection, schema.gauges, (gauges.at < before) & ~remembered)


def _some(connection: Connection, table: Table, id: ColumnElement[str], condition: ColumnElement[bool]) -> int:
    return _gone(connection, table, id.in_(select(id).where(condition).limit(ROWS)))


def _gone(connection: Connection, table: Table, condition: ColumnElement[bool]) -> int:
    return connection.execute(delete(table).where(condition)).rowcount

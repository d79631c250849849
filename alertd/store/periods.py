"""What happened in a stretch of time, for the digest: incidents, pages, deliveries, what waits dead."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Set
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.digest import Facts, Open, Seen
from alertd.digest.facts import compared
from alertd.digest.model import Digest
from alertd.model import DAY, IncidentState, Millis, Outlet, Severity, State
from alertd.statistics.record import kind_of
from alertd.store import audit, measuring, schema
from alertd.store.dialect import label, word
from alertd.store.rows import kind_from

BACK = 7  # stretches of the same length that one is compared with
OLDEST = 10  # of what has been open for a day and longer, by name

_incidents, _rows, _alerts, _webhooks = (
    schema.incidents.c, schema.notifications.c, schema.alerts.c, schema.webhooks.c)
_OVER = word(IncidentState.RESOLVED)


async def gather(connection: AsyncConnection, since: Millis, until: Millis, first: str, pagers: Set[str],
                 people: Mapping[Outlet, str]) -> Facts:
    """The facts that the store knows. `first` comes before every id that was given since then; `pagers` are the
    channels that call people, `people` whose an outlet is."""
    still, bare = await _open(connection, until), await _bare(connection, since, until)
    delivered, high = await _delivered(connection, since, until)
    dead = (await connection.execute(select(_rows.reason, func.count()).where(_rows.state == word(State.DEAD))
                                     .group_by(_rows.reason).order_by(func.count().desc()))).all()
    webhooks = (await connection.execute(select(func.count()).where(
        _webhooks.id >= first, _webhooks.received_at >= since, _webhooks.received_at < until))).scalar() or 0
    record = await measuring.tally(connection, since, until, until, pagers, people)
    past = await measuring.starts_before(connection, since, compared(since, until), BACK, until, pagers, people)
    return Facts(
        since, until, still, bare, record, past, dead=sum(number for _, number in dead),
        dead_reasons=tuple(reason for reason, _ in dead), webhooks=webhooks, delivered=delivered,
        delay_p95=high, audit_head=str(await audit.head(connection)))


async def _open(connection: AsyncConnection, until: Millis) -> Open:
    """What is open, counted where it is: of thousands only those that are named become rows."""
    on = (_incidents.state != _OVER, _incidents.severity != Severity.NONE.value, _incidents.opened_at < until)
    old = _incidents.opened_at <= until - DAY
    number, critical, longer = (await connection.execute(select(
        func.count(), func.count().filter(_incidents.severity == Severity.CRITICAL.value),
        func.count().filter(old)).where(*on))).one()
    if not longer:
        return Open(number, critical)
    query = (_with_alert(schema.incidents, _incidents.id, _incidents.severity, _incidents.opened_at).where(*on, old)
             .order_by(_incidents.opened_at, _incidents.id).limit(OLDEST))
    oldest = tuple(Seen(row.id, _kind(row.own, row.more), Severity(row.severity), row.opened_at)
                   for row in await connection.execute(query))
    return Open(number, critical, longer, oldest)


async def _bare(connection: AsyncConnection, since: Millis, until: Millis) -> tuple[str, ...]:
    """The kinds of the critical incidents that began then, open or over, and have no runbook. Both by an index."""
    part = select(_incidents.id, _incidents.labels).where(
        _incidents.severity == Severity.CRITICAL.value, _incidents.opened_at >= since, _incidents.opened_at < until)
    began = union_all(part.where(_incidents.state != _OVER),
                      part.where(_incidents.state == _OVER, _incidents.resolved_at >= since)).subquery()
    query = _with_alert(began).where(func.coalesce(label(_alerts.annotations, "runbook_url"), "") == "").distinct()
    return tuple(sorted({_kind(row.own, row.more) for row in await connection.execute(query)}))


def _with_alert(of: FromClause, *columns: ColumnElement[Any]) -> Select[Any]:
    """What the labels of incidents say of their kind (`own`), and what those of one alert of each do (`more`)."""
    one = select(_alerts.id).where(_alerts.incident == of.c.id).limit(1).correlate(of).scalar_subquery()
    own, more = (label(labels, "alertname", "service") for labels in (of.c.labels, _alerts.labels))
    return select(*columns, own.label("own"), more.label("more")).select_from(
        of.outerjoin(schema.alerts, _alerts.id == one))


def _kind(own: str, more: str | None) -> str:
    name, service = kind_from(own)
    if more and not (name and service):  # what the incident's labels do not say, those of its alert do
        others = kind_from(more)
        name, service = name or others[0], service or others[1]
    return kind_of(name or "an alert", service)


async def _delivered(connection: AsyncConnection, since: Millis, until: Millis) -> tuple[int, Millis | None]:
    """How many messages were taken, and the time from their decision to that which 95 % of them did not exceed."""
    sent = (_rows.state == word(State.SENT), _rows.settled_at >= since, _rows.settled_at < until)
    number = (await connection.execute(select(func.count()).where(*sent))).scalar() or 0
    delay = _rows.settled_at - _rows.created_at
    query = select(delay).where(*sent).order_by(delay).limit(1).offset(int(0.95 * max(number - 1, 0)))
    return number, (await connection.execute(query)).scalar()


@dataclasses.dataclass(frozen=True, slots=True)
class Made:
    """The newest digest of a receiver; `data` is None for one that only marks a date as done, or is of another
    release."""

    date: str
    data: Digest | None


async def newest(connection: AsyncConnection, receiver: str) -> Made | None:
    """The newest digest this receiver had."""
    table = schema.digests
    query = (select(table.c.date, table.c.data).where(table.c.receiver == receiver)
             .order_by(table.c.date.desc()).limit(1))
    row = (await connection.execute(query)).first()
    return Made(row.date, Digest.read(row.data)) if row else None

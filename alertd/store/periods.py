"""What happened in a stretch of time, for the digest: incidents, pages, deliveries, what waits dead."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Set
from typing import Any

from sqlalchemy import func, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.digest import Facts, Seen
from alertd.digest.facts import compared
from alertd.digest.model import Digest
from alertd.model import IncidentState, Millis, Outlet, Severity, State
from alertd.store import audit, measuring, schema
from alertd.store.dialect import label, word
from alertd.store.rows import kind_from

BACK = 7  # stretches of the same length that one is compared with
MOST = 20_000  # incidents; a storm's digest is about its newest ones

_incidents, _rows, _alerts, _webhooks = (
    schema.incidents.c, schema.notifications.c, schema.alerts.c, schema.webhooks.c)


async def gather(connection: AsyncConnection, since: Millis, until: Millis, first: str, pagers: Set[str],
                 people: Mapping[Outlet, str]) -> Facts:
    """The facts that the store knows. `first` comes before every id that was given since then; `pagers` are the
    channels that call people, `people` whose an outlet is."""
    seen = await _seen(connection, since, until)
    delivered, high = await _delivered(connection, since, until)
    dead = (await connection.execute(select(_rows.reason, func.count()).where(_rows.state == word(State.DEAD))
                                     .group_by(_rows.reason).order_by(func.count().desc()))).all()
    webhooks = (await connection.execute(select(func.count()).where(
        _webhooks.id >= first, _webhooks.received_at >= since, _webhooks.received_at < until))).scalar() or 0
    record = await measuring.tally(connection, since, until, until, pagers, people)
    past = await measuring.starts_before(connection, since, compared(since, until), BACK, until, pagers, people)
    return Facts(
        since, until, seen, record, past, dead=sum(number for _, number in dead),
        dead_reasons=tuple(reason for reason, _ in dead), webhooks=webhooks, delivered=delivered,
        delay_p95=high, audit_head=str(await audit.head(connection)))


async def _seen(connection: AsyncConnection, since: Millis, until: Millis) -> tuple[Seen, ...]:
    """The incidents that are open, and the critical ones that began since, are over and have no runbook; of each one
    alert. Both by an index."""
    over = word(IncidentState.RESOLVED)
    part = select(_incidents.id, _incidents.labels, _incidents.severity, _incidents.opened_at,
                  _incidents.resolved_at).where(_incidents.opened_at < until)
    found = union_all(
        part.where(_incidents.state != over, _incidents.severity != Severity.NONE.value),
        part.where(_incidents.state == over, _incidents.resolved_at >= since, _incidents.opened_at >= since,
                   _incidents.severity == Severity.CRITICAL.value)).subquery()
    one = select(_alerts.id).where(_alerts.incident == found.c.id).limit(1).correlate(found).scalar_subquery()
    runbook = label(_alerts.annotations, "runbook_url")
    own, more = (label(labels, "alertname", "service") for labels in (found.c.labels, _alerts.labels))
    query = (select(found.c.id, found.c.severity, found.c.opened_at, found.c.resolved_at, own.label("own"),
                    more.label("more"), runbook.label("runbook"))
             .select_from(found.outerjoin(schema.alerts, _alerts.id == one))
             .where(found.c.resolved_at.is_(None) | (func.coalesce(runbook, "") == ""))
             .order_by(found.c.opened_at.desc()).limit(MOST))
    return tuple(_one(row) for row in await connection.execute(query))


def _one(row: Any) -> Seen:
    name, service = kind_from(row.own)
    if row.more and not (name and service):  # what the incident's labels do not say, those of its alert do
        more = kind_from(row.more)
        name, service = name or more[0], service or more[1]
    return Seen(row.id, name or "an alert", service, Severity(row.severity), row.opened_at, row.resolved_at,
                bool(row.runbook))


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

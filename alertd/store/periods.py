"""What happened in a stretch of time, for the digest: incidents, pages, deliveries, what waits dead."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Set
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.digest import Facts, Seen
from alertd.digest.model import Digest
from alertd.model import Millis, Outlet, Severity, State
from alertd.store import audit, measuring, schema
from alertd.store.dialect import among, listed, word
from alertd.store.rows import labels_from

BACK = 8  # stretches of the same length that are compared: this one, the one before, and six more of a usual week
MOST = 20_000  # rows of a kind; a storm's digest is about its first ones

_incidents, _rows, _alerts, _webhooks = (
    schema.incidents.c, schema.notifications.c, schema.alerts.c, schema.webhooks.c)


async def gather(connection: AsyncConnection, since: Millis, until: Millis, first: str, pagers: Set[str],
                 people: Mapping[Outlet, str]) -> Facts:
    """The facts that the store knows. `first` comes before every id that was given since then; `pagers` are the
    channels that call people, `people` whose an outlet is."""
    seen = await _seen(connection, since, until)
    delivered = await _delivered(connection, since, until)
    dead = (await connection.execute(select(_rows.reason, func.count()).where(_rows.state == word(State.DEAD))
                                     .group_by(_rows.reason).order_by(func.count().desc()))).all()
    webhooks = (await connection.execute(select(func.count()).where(
        _webhooks.id >= first, _webhooks.received_at >= since, _webhooks.received_at < until))).scalar() or 0
    record = await measuring.record(connection, since, since - (BACK - 1) * (until - since), pagers, people)
    return Facts(
        since, until, seen, record, dead=sum(number for _, number in dead),
        dead_reasons=tuple(reason for reason, _ in dead), webhooks=webhooks, delivered=len(delivered),
        delay_p95=_high(delivered), audit_head=str(await audit.head(connection)))


async def _seen(connection: AsyncConnection, since: Millis, until: Millis) -> tuple[Seen, ...]:
    """The incidents that were open at some time of it, and are worth telling."""
    query = (select(schema.incidents).where(
        measuring.lately(since), _incidents.opened_at < until, _incidents.severity != Severity.NONE.value)
        .order_by(_incidents.opened_at.desc()).limit(MOST))
    rows = (await connection.execute(query)).all()
    first: dict[str, Any] = {}
    ids = listed(row.id for row in rows)
    members = select(_alerts.incident, _alerts.labels, _alerts.annotations).where(among(_alerts.incident))
    for alert in await connection.execute(members, {"listed": ids}) if rows else ():
        first.setdefault(alert.incident, alert)
    return tuple(_one(row, first.get(row.id)) for row in rows)


def _one(row: Any, alert: Any) -> Seen:
    labels = {**(labels_from(alert.labels) if alert else {}), **labels_from(row.labels)}
    annotations = labels_from(alert.annotations) if alert else {}
    return Seen(row.id, labels.get("alertname", "an alert"), labels, row.team or labels.get("team", ""),
                Severity(row.severity), row.opened_at, row.resolved_at,
                bool(annotations.get("runbook_url")))


async def _delivered(connection: AsyncConnection, since: Millis, until: Millis) -> list[Millis]:
    """How long each message took from its decision to its acceptance, in order."""
    query = select(_rows.settled_at - _rows.created_at).where(
        _rows.state == word(State.SENT), _rows.settled_at >= since, _rows.settled_at < until).limit(MOST)
    return sorted((await connection.execute(query)).scalars().all())


def _high(delays: list[Millis]) -> Millis | None:
    return delays[int(0.95 * (len(delays) - 1))] if delays else None


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

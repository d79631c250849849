"""What the statistics are made from."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence, Set
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.model import IncidentId, Kind, Millis, Outlet, Severity, State
from alertd.statistics import Asked, Call, Case, Episode, Statistics, measure
from alertd.store import schema
from alertd.store.rows import labels_from

MOST = 50_000  # alerts that are looked at, the newest

_incidents, _alerts, _rows, _audit, _webhooks = (
    schema.incidents.c, schema.alerts.c, schema.notifications.c, schema.audit.c, schema.webhooks.c)


async def measured(connection: AsyncConnection, asked: Asked, pages: Set[str], people: Mapping[Outlet, str]
                   ) -> Statistics:
    """The figures of these weeks. `pages` are the channels that call people, `people` whose an outlet is."""
    since = asked.since
    first = (await connection.execute(select(func.min(_webhooks.received_at)))).scalar()
    cases = await _cases(connection, since)
    calls = await _calls(connection, since, pages, people)
    rows = list(await connection.execute(
        select(_alerts.labels, _alerts.source, _alerts.fingerprint, _alerts.starts_at, _alerts.ends_at,
               _alerts.incident)
        .where(_alerts.closed_at.is_(None) | (_alerts.closed_at >= since), _alerts.starts_at >= since,
               _alerts.severity != Severity.NONE.value).order_by(_alerts.id.desc()).limit(MOST + 1)))
    return await asyncio.to_thread(_measured, asked, cases, calls, rows, first)


def _measured(asked: Asked, cases: Sequence[Case], calls: Sequence[Call], rows: Sequence[Any], first: Millis | None
              ) -> Statistics:
    episodes = [Episode(labels_from(row.labels).get("alertname", ""), f"{row.source} {row.fingerprint}", row.starts_at,
                        row.ends_at, row.incident) for row in rows[:MOST]]
    return measure(asked, cases, calls, episodes, first, cut=len(rows) > MOST)


async def _cases(connection: AsyncConnection, since: Millis) -> list[Case]:
    acts = await connection.execute(
        select(_audit.object, func.min(_audit.at).label("at"))
        .where(_audit.action == "acknowledge", _audit.at >= since).group_by(_audit.object))
    first = {row.object.removeprefix("incident "): row.at for row in acts}
    query = select(_incidents.id, _incidents.severity, _incidents.opened_at, _incidents.acknowledged_at,
                   _incidents.resolved_at).where(_incidents.opened_at >= since,
                                                 _incidents.severity != Severity.NONE.value)
    return [Case(IncidentId(row.id), Severity(row.severity), row.opened_at, first.get(row.id, row.acknowledged_at),
                 row.resolved_at) for row in await connection.execute(query)]


async def _calls(connection: AsyncConnection, since: Millis, pages: Set[str], people: Mapping[Outlet, str]
                 ) -> list[Call]:
    query = select(_rows.receiver, _rows.channel, _rows.target, _rows.settled_at).where(
        _rows.kind == Kind.FIRING.value, _rows.state == State.SENT.value, _rows.settled_at >= since,
        _rows.severity == Severity.CRITICAL.value)
    found = []
    for row in await connection.execute(query):
        person = people.get(Outlet(row.receiver, row.channel, row.target))
        if row.channel in pages or person is not None:
            found.append(Call(row.settled_at, row.receiver, person))
    return found

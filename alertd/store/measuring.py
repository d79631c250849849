"""What the figures of the statistics and of digests are made from."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from sqlalchemy import ColumnElement, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.model import MANAGEMENT, IncidentId, IncidentState, Kind, Labels, Millis, Outlet, Severity, State
from alertd.statistics import Asked, Call, Case, Episode, Record, Statistics, measure
from alertd.store import schema
from alertd.store.dialect import word
from alertd.store.rows import labels_from

MOST = 50_000  # alerts that are looked at, the newest

_incidents, _alerts, _rows, _audit, _webhooks = (
    schema.incidents.c, schema.alerts.c, schema.notifications.c, schema.audit.c, schema.webhooks.c)


async def measured(connection: AsyncConnection, asked: Asked, pagers: Set[str], people: Mapping[Outlet, str]
                   ) -> Statistics:
    """The figures of these weeks."""
    kept = await record(connection, asked.since, asked.since, pagers, people)
    return await asyncio.to_thread(measure, asked, kept)


async def record(connection: AsyncConnection, since: Millis, called_since: Millis, pagers: Set[str],
                 people: Mapping[Outlet, str]) -> Record:
    """What is known of the time from `since` on, and of calls from `called_since` on. `pagers` are the channels that
    call people, `people` whose an outlet is; where there are neither, every critical start counts as a call, but for
    management's."""
    # ids grow with time, so the first one is the oldest that is kept
    first = (await connection.execute(select(_webhooks.received_at).order_by(_webhooks.id).limit(1))).scalar()
    cases = await _cases(connection, since)
    calls = await _calls(connection, called_since, pagers, people)
    rows = list(await connection.execute(
        select(_alerts.labels, _alerts.source, _alerts.fingerprint, _alerts.starts_at, _alerts.ends_at,
               _alerts.incident)
        .where(_alerts.id.in_(union_all(select(_alerts.id).where(_alerts.closed_at.is_(None)),
                                        select(_alerts.id).where(_alerts.closed_at >= since))),
               _alerts.starts_at >= since,
               _alerts.severity != Severity.NONE.value).order_by(_alerts.id.desc()).limit(MOST + 1)))
    episodes, samples = await asyncio.to_thread(_episodes, rows[:MOST])
    return Record(cases, calls, episodes, first, samples, len(rows) > MOST)


def _episodes(rows: Iterable[Any]) -> tuple[list[Episode], dict[str, Labels]]:
    episodes, samples = [], dict[str, Labels]()
    for row in rows:
        labels = labels_from(row.labels)
        one = Episode(labels.get("alertname", ""), f"{row.source} {row.fingerprint}", row.starts_at, row.ends_at,
                      row.incident, labels.get("service", ""))
        episodes.append(one)
        samples.setdefault(one.kind, labels)
    return episodes, samples


def lately(since: Millis) -> ColumnElement[bool]:
    """Whether an incident was open at some time since then. Each part has an index of its own, which an OR of them
    would not use."""
    over = word(IncidentState.RESOLVED)
    return _incidents.id.in_(union_all(
        select(_incidents.id).where(_incidents.state != over),
        select(_incidents.id).where(_incidents.state == over, _incidents.resolved_at >= since)))


async def _cases(connection: AsyncConnection, since: Millis) -> list[Case]:
    """Incidents of which anything happened since, or that are open."""
    query = select(_incidents.id, _incidents.severity, _incidents.opened_at, _incidents.acknowledged_at,
                   _incidents.resolved_at).where(lately(since), _incidents.severity != Severity.NONE.value)
    rows = (await connection.execute(query)).all()
    first = await _first_acknowledged(connection, min((row.opened_at for row in rows), default=since))
    return [Case(IncidentId(row.id), Severity(row.severity), row.opened_at, first.get(row.id, row.acknowledged_at),
                 row.resolved_at) for row in rows]


async def _first_acknowledged(connection: AsyncConnection, since: Millis) -> dict[str, Millis]:
    """When somebody first took care of each incident; a row keeps the last time only."""
    acts = await connection.execute(
        select(_audit.object, func.min(_audit.at).label("at"))
        .where(_audit.action == "acknowledge", _audit.at >= since).group_by(_audit.object))
    return {row.object.removeprefix("incident "): row.at for row in acts}


async def _calls(connection: AsyncConnection, since: Millis, pagers: Set[str], people: Mapping[Outlet, str]
                 ) -> Sequence[Call]:
    query = (select(_rows.receiver, _rows.channel, _rows.target, _rows.style, _rows.settled_at, _rows.incident,
                    _rows.epoch, _incidents.team)
             .outerjoin(schema.incidents, _incidents.id == _rows.incident)
             .where(_rows.kind == Kind.FIRING.value, _rows.state == word(State.SENT), _rows.settled_at >= since,
                    _rows.severity == Severity.CRITICAL.value))
    found = []
    for row in await connection.execute(query):
        person = people.get(Outlet(row.receiver, row.channel, row.target))
        if row.channel in pagers or person is not None or (not (pagers or people) and row.style != MANAGEMENT):
            found.append(Call(row.settled_at, row.receiver, person, row.incident, row.epoch, row.team or ""))
    return found

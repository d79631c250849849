"""What the figures of the statistics and of digests are made from."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from sqlalchemy import ColumnElement, Subquery, case, exists, func, or_, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.model import MANAGEMENT, IncidentId, IncidentState, Kind, Labels, Millis, Outlet, Severity, State
from alertd.statistics import Asked, Call, Case, Episode, Record, Statistics, measure
from alertd.statistics.figures import GONE_SOON
from alertd.statistics.record import kind_of
from alertd.store import schema
from alertd.store.dialect import among, label, listed, word
from alertd.store.rows import kind_from, labels_from

MOST = 50_000  # alerts that are looked at, the newest

_incidents, _alerts, _rows, _audit, _webhooks = (
    schema.incidents.c, schema.alerts.c, schema.notifications.c, schema.audit.c, schema.webhooks.c)


async def measured(connection: AsyncConnection, asked: Asked, pagers: Set[str], people: Mapping[Outlet, str]
                   ) -> Statistics:
    """The figures of these weeks."""
    kept = await record(connection, asked.since, pagers, people)
    return await asyncio.to_thread(measure, asked, kept)


async def record(connection: AsyncConnection, since: Millis, pagers: Set[str], people: Mapping[Outlet, str], *,
                 called_since: Millis | None = None, kinds: int | None = None) -> Record:
    """What is known of the time from `since` on. `pagers` are the channels that call people, `people` whose an outlet
    is; where there are neither, every critical start counts as a call, but for management's. What somebody was first
    called for from `called_since` to `since` is left out. With `kinds` the alerts are those of so many kinds only, the
    noisiest."""
    # ids grow with time, so the first one is the oldest that is kept
    first = (await connection.execute(select(_webhooks.received_at).order_by(_webhooks.id).limit(1))).scalar()
    cases = await _cases(connection, since)
    calls = await _calls(connection, since, called_since, pagers, people)
    began = _began(since, MOST + 1 if kinds is None else None)
    # not by the id: for that order SQLite would read all that is kept
    query, noisy, wanted = select(began).order_by(began.c.starts_at.desc()).limit(MOST + 1), list[str](), {}
    if kinds is not None:
        noisy = await _noisy(connection, began)
        query, wanted = query.where(among(_kind(began))), {"listed": listed(noisy[:kinds])}
    rows = list(await connection.execute(query, wanted))
    episodes, samples = await asyncio.to_thread(_episodes, rows[:MOST])
    return Record(cases, calls, episodes, first, samples, len(rows) > MOST, len(noisy[kinds:]))


async def starts_before(connection: AsyncConnection, since: Millis, length: Millis, times: int, pagers: Set[str],
                        people: Mapping[Outlet, str]) -> tuple[int, ...]:
    """How many starts somebody was called for in each of so many stretches of this length before, the newest first."""
    first = (select(func.min(_rows.settled_at).label("at"))
             .where(*_called(_rows, pagers, people), _rows.settled_at >= since - times * length,
                    _rows.settled_at < since).group_by(_rows.incident, _rows.epoch).subquery())
    back = ((since - 1 - first.c.at) // length).label("back")
    found = {row.back: row.number for row in await connection.execute(
        select(back, func.count().label("number")).group_by(back))}
    return tuple(found.get(number, 0) for number in range(times))


def _began(since: Millis, most: int | None) -> Subquery:
    """Alerts that began since then, of those that ended at most so many, the newest: those that fire and those that
    ended each by an index of their own, which an OR of them would not use."""
    part = select(_alerts.id, _alerts.labels, _alerts.source, _alerts.fingerprint, _alerts.starts_at, _alerts.ends_at,
                  _alerts.incident).where(_alerts.starts_at >= since, _alerts.severity != Severity.NONE.value)
    ended = part.where(_alerts.closed_at >= since)
    if most is not None:
        ended = select(ended.order_by(_alerts.closed_at.desc()).limit(most).subquery())
    return union_all(part.where(_alerts.closed_at.is_(None)), ended).subquery()


def _kind(began: Subquery) -> ColumnElement[str]:
    """Name and service as JSON."""
    return label(began.c.labels, "alertname", "service")


async def _noisy(connection: AsyncConnection, began: Subquery) -> list[str]:
    """The kinds that fired more than once or were gone soon, the most frequent first."""
    soon = func.sum(case((began.c.ends_at - began.c.starts_at <= GONE_SOON, 1), else_=0))
    kinds = select(_kind(began).label("kind"), func.count().label("episodes"), soon.label("soon")).group_by("kind")
    rows = [row for row in await connection.execute(kinds) if row.episodes > 1 or row.soon]
    named = [(-row.episodes, *kind_from(row.kind), row.kind) for row in rows]
    return [kind for *_, kind in sorted(named, key=lambda one: (one[0], kind_of(one[1], one[2])))]


def _episodes(rows: Iterable[Any]) -> tuple[list[Episode], dict[str, Labels]]:
    episodes, samples = [], dict[str, Labels]()
    for row in rows:
        labels = labels_from(row.labels)
        one = Episode(labels.get("alertname", ""), f"{row.source} {row.fingerprint}", row.starts_at, row.ends_at,
                      row.incident, labels.get("service", ""))
        episodes.append(one)
        samples.setdefault(one.kind, labels)
    return episodes, samples


async def _cases(connection: AsyncConnection, since: Millis) -> list[Case]:
    """Incidents of which anything happened since, or that are open: these too each by an index of their own."""
    part = select(_incidents.id, _incidents.severity, _incidents.opened_at, _incidents.acknowledged_at,
                  _incidents.resolved_at).where(_incidents.severity != Severity.NONE.value)
    over = word(IncidentState.RESOLVED)
    rows = (await connection.execute(union_all(
        part.where(_incidents.state != over),
        part.where(_incidents.state == over, _incidents.resolved_at >= since)))).all()
    first = await _first_acknowledged(connection, min((row.opened_at for row in rows), default=since))
    return [Case(IncidentId(row.id), Severity(row.severity), row.opened_at, first.get(row.id, row.acknowledged_at),
                 row.resolved_at) for row in rows]


async def _first_acknowledged(connection: AsyncConnection, since: Millis) -> dict[str, Millis]:
    """When somebody first took care of each incident; a row keeps the last time only."""
    acts = await connection.execute(
        select(_audit.object, func.min(_audit.at).label("at"))
        .where(_audit.action == "acknowledge", _audit.at >= since).group_by(_audit.object))
    return {row.object.removeprefix("incident "): row.at for row in acts}


def _called(rows: Any, pagers: Set[str], people: Mapping[Outlet, str]) -> list[ColumnElement[bool]]:
    """What a message is that calls a person; all but the first has to stand here as the index of calls has it."""
    whom = [rows.channel.in_(sorted(pagers))] if pagers else []
    if people:
        outlets = sorted((outlet.receiver, outlet.channel, outlet.target) for outlet in people)
        whom.append(tuple_(rows.receiver, rows.channel, rows.target).in_(outlets))
    return [or_(*whom) if whom else rows.style != MANAGEMENT, rows.state == word(State.SENT),
            rows.kind == word(Kind.FIRING), rows.severity == word(Severity.CRITICAL)]


async def _calls(connection: AsyncConnection, since: Millis, called_since: Millis | None, pagers: Set[str],
                 people: Mapping[Outlet, str]) -> Sequence[Call]:
    query = (select(_rows.receiver, _rows.channel, _rows.target, _rows.settled_at, _rows.incident, _rows.epoch,
                    _incidents.team)
             .outerjoin(schema.incidents, _incidents.id == _rows.incident)
             .where(*_called(_rows, pagers, people), _rows.settled_at >= since))
    if called_since is not None:
        before = schema.notifications.alias().c
        query = query.where(~exists().where(
            before.incident == _rows.incident, before.epoch == _rows.epoch, *_called(before, pagers, people),
            before.settled_at >= called_since, before.settled_at < since))
    return [Call(row.settled_at, row.receiver, people.get(Outlet(row.receiver, row.channel, row.target)), row.incident,
                 row.epoch, row.team or "") for row in await connection.execute(query)]

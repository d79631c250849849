"""Counting what is over from the history itself: an hour that is to be kept, or what no kept hour covers.

After a storm that is tens of thousands of rows, so what is made of them is made beside the event loop.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, case, func, literal_column, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.model import HOUR, IncidentId, IncidentState, Kind, Millis, Severity, State
from alertd.statistics.figures import FLAPPED, GONE_SOON
from alertd.statistics.record import AlertKind, Case, Counts
from alertd.statistics.tally import Range
from alertd.store import schema
from alertd.store.dialect import among, label, listed, word
from alertd.store.rows import kind_from, labels_from

AT_ONCE = 100  # stretches of time in one statement; SQLite takes five hundred selects

_incidents, _alerts, _rows, _audit = (
    schema.incidents.c, schema.alerts.c, schema.notifications.c, schema.audit.c)
_OVER = word(IncidentState.RESOLVED)


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Told:
    """Starts of a team that were told at this moment, or in the quarter of an hour that begins then: to whom (receiver,
    channel, target, style), and to whom each of them had been told before, both as JSON."""

    at: Millis
    team: str
    whom: str
    before: str


async def ended(connection: AsyncConnection, ranges: Sequence[Range], *, standing: bool = False) -> list[Case]:
    """The incidents that ended in these stretches of time, with when somebody first took care of them; with
    `standing` those too that are open."""
    part = select(_incidents.id, _incidents.opened_at, _incidents.acknowledged_at, _incidents.resolved_at).where(
        _incidents.severity != Severity.NONE.value)
    # each by an index of its own, which an OR of them would not use
    parts = [part.where(_incidents.state == _OVER, within) for within in _within(_incidents.resolved_at, ranges)]
    rows: list[Any] = []
    for some in _some([*([part.where(_incidents.state != _OVER)] if standing else []), *parts]):
        rows += await connection.execute(some)
    if not rows:
        return []
    first = await first_acknowledged(connection, min(row.opened_at for row in rows))
    return await asyncio.to_thread(_cases, rows, first)


def _cases(rows: Sequence[Any], first: Mapping[str, Millis]) -> list[Case]:
    return [Case(IncidentId(row.id), row.opened_at, first.get(row.id, row.acknowledged_at), row.resolved_at)
            for row in rows]


async def first_acknowledged(connection: AsyncConnection, since: Millis) -> dict[str, Millis]:
    """When somebody first took care of each incident that began since; a row keeps the last time only."""
    acts = await connection.execute(
        select(_audit.object, func.min(_audit.at).label("at"))
        .where(_audit.action == literal_column("'acknowledge'"), _audit.at >= since).group_by(_audit.object))
    return {row.object.removeprefix("incident "): row.at for row in acts}


async def calls(connection: AsyncConnection, ranges: Sequence[Range]) -> Counter[Told]:
    """The critical starts that were told in these stretches of time."""
    part = select(_rows.seq, _rows.incident, _rows.epoch, _rows.receiver, _rows.channel, _rows.target, _rows.style,
                  _rows.settled_at).where(_rows.state == word(State.SENT), _rows.kind == word(Kind.FIRING),
                                          _rows.severity == word(Severity.CRITICAL))
    mine = part.add_columns(_incidents.team).outerjoin(schema.incidents, _incidents.id == _rows.incident)
    rows: list[Any] = []
    for some in _some([mine.where(within) for within in _within(_rows.settled_at, ranges)]):
        rows += await connection.execute(some)
    incidents = sorted({row.incident for row in rows if row.incident})
    others = (await connection.execute(part.where(among(_rows.incident)), {"listed": listed(incidents)})).all()
    return await asyncio.to_thread(_counted, rows, others)


def _counted(rows: Sequence[Any], others: Sequence[Any]) -> Counter[Told]:
    told: dict[tuple[str, int], list[Any]] = {}
    for row in others:
        told.setdefault((row.incident, row.epoch), []).append(row)
    return Counter(_told(row, told.get((row.incident, row.epoch), ())) for row in rows)


def _told(row: Any, others: Iterable[Any]) -> Told:
    before = {_whom(one) for one in others if (one.settled_at, one.seq) < (row.settled_at, row.seq)}
    return Told(row.settled_at, row.team or "", to_text(_whom(row)), to_text(sorted(before)))


def _whom(row: Any) -> tuple[str, str, str, str]:
    return row.receiver, row.channel, row.target, row.style


def to_text(value: Any) -> str:
    """As it is kept."""
    return msgspec.json.encode(value).decode()


async def kinds(connection: AsyncConnection, ranges: Sequence[Range], most: int | None = None
                ) -> tuple[dict[AlertKind, Counts], bool]:
    """The alerts that ended in these stretches of time by their kind, and the incidents with such alerts; at most so
    many alerts, the newest, and whether there were more."""
    found: dict[AlertKind, Counts] = {}
    left, cut = most, False
    for within in reversed(ranges):
        some, cut = (within, False) if left is None else await _newest(connection, within, left)
        number = await _alerts_in(connection, some, found)
        await _incidents_in(connection, some, found)
        if cut:
            break
        left = None if left is None else left - number
    return found, cut


async def _newest(connection: AsyncConnection, within: Range, most: int) -> tuple[Range, bool]:
    """The end of this stretch in which there are so many alerts at most, and whether there were more before."""
    begins, ends = within
    found = (await connection.execute(
        select(_alerts.closed_at).where(_alerts.closed_at >= begins, _alerts.closed_at < ends)
        .order_by(_alerts.closed_at.desc()).limit(1).offset(most))).scalar()
    return (within, False) if found is None else ((found + 1, ends), True)


async def _alerts_in(connection: AsyncConnection, within: Range, found: dict[AlertKind, Counts]) -> int:
    """Into `found`; how many there were."""
    kind = label(_alerts.labels, "alertname", "service")
    of = and_(_alerts.closed_at >= within[0], _alerts.closed_at < within[1], _alerts.severity != Severity.NONE.value)
    soon = func.sum(case((_alerts.ends_at - _alerts.starts_at <= GONE_SOON, 1), else_=0))
    one = func.max(_alerts.labels)  # of any
    query = select(kind.label("kind"), func.count().label("ended"), soon.label("soon"), one.label("labels")).where(
        of).group_by("kind")
    number = 0
    for row in await connection.execute(query):
        counts = found.setdefault(AlertKind(*kind_from(row.kind)), Counts())
        counts.ended += row.ended
        counts.gone_soon += int(row.soon)
        counts.labels = labels_from(row.labels)
        number += row.ended
    hour = (_alerts.closed_at // HOUR).label("hour")
    often = (select(hour, func.max(kind).label("kind")).where(of).group_by("hour", _alerts.source, _alerts.fingerprint)
             .having(func.count() >= FLAPPED))
    for row in await connection.execute(often):
        found[AlertKind(*kind_from(row.kind))].flapped.add(row.hour * HOUR)
    return number


async def _incidents_in(connection: AsyncConnection, within: Range, found: dict[AlertKind, Counts]) -> None:
    kind = label(_alerts.labels, "alertname", "service").label("kind")
    query = (select(kind, _incidents.id, _incidents.opened_at, _incidents.acknowledged_at)
             .select_from(schema.incidents.join(schema.alerts, _alerts.incident == _incidents.id))
             .where(_incidents.state == _OVER, _incidents.resolved_at >= within[0],
                    _incidents.resolved_at < within[1], _alerts.severity != Severity.NONE.value).distinct())
    rows = list(await connection.execute(query))
    if not rows:
        return
    came = await first_acknowledged(connection, min(row.opened_at for row in rows))
    await asyncio.to_thread(_add, rows, came, found)


def _add(rows: Sequence[Any], came: Mapping[str, Millis], found: dict[AlertKind, Counts]) -> None:
    for row in rows:
        counts = found.setdefault(AlertKind(*kind_from(row.kind)), Counts())
        counts.incidents += 1
        counts.never_acknowledged += row.acknowledged_at is None and row.id not in came


def _within(at: ColumnElement[Millis], ranges: Iterable[Range]) -> Iterator[ColumnElement[bool]]:
    return (and_(at >= begins, at < ends) for begins, ends in ranges)


def _some(parts: Sequence[Select[Any]]) -> Iterator[CompoundSelect[Any]]:
    """All of these, in as few statements as may be."""
    for start in range(0, len(parts), AT_ONCE):
        yield union_all(*parts[start:start + AT_ONCE])

"""What the pages show that no other question asks for: the worst first, who is reached, what ended, what was before."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.audit import Link
from alertd.heartbeats import SOURCE
from alertd.model import Alert, Incident, Millis, Notification, State
from alertd.store import schema
from alertd.store.audit import link_from
from alertd.store.rows import alert_from, incident_from, notification_from, why_from

NEWEST = 5_000  # messages over which deliveries are counted: as many as a look may cost
LIST_ALERTS = 3  # of an incident, where it is one of many

_incidents, _alerts, _rows, _decisions = (
    schema.incidents.c, schema.alerts.c, schema.notifications.c, schema.decisions.c)
_OPEN = _incidents.state != literal_column("'resolved'")  # as text: so its index can be used
_WEIGHT = case({"critical": 3, "warning": 2, "info": 1}, value=_incidents.severity, else_=0)


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """An incident in a list: some of its alerts (firing before ended), why these receivers, and its newest start that
    was sent, or else is to be."""

    incident: Incident
    alerts: tuple[Alert, ...] = ()
    why: tuple[str, ...] = ()
    told: Notification | None = None

    @property
    def since(self) -> Millis:
        """When it began: as Prometheus says, where one of its alerts is known."""
        return min((alert.starts_at for alert in self.alerts), default=self.incident.opened_at)


@dataclasses.dataclass(frozen=True, slots=True)
class Reach:
    """How a receiver is reached by a channel: what waits (the oldest since `waiting_since`), is held or dead, how many
    were sent of those that were made since some moment, and when one was taken last."""

    receiver: str
    channel: str
    queued: int = 0
    held: int = 0
    dead: int = 0
    sent: int = 0
    sent_at: Millis | None = None
    waiting_since: Millis | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """Which incidents of a list; `words` stand in their labels or those of their alerts."""

    state: str | None = None
    severity: str | None = None
    words: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Rows:
    """Some of a list, and the cursor of the rest (None: that was all)."""

    rows: tuple[Row, ...]
    next: str | None


async def standing(connection: AsyncConnection) -> dict[tuple[str, str], int]:
    """How many incidents are open, by (state, severity)."""
    query = select(_incidents.state, _incidents.severity, func.count()).where(_OPEN).group_by(
        _incidents.state, _incidents.severity)
    return {(row[0], row[1]): row[2] for row in await connection.execute(query)}


async def worst(connection: AsyncConnection, state: str, limit: int) -> tuple[Row, ...]:
    """The open incidents of a state, the most severe first, then the oldest; without those that concern nobody."""
    query = (select(schema.incidents).where(_OPEN, _incidents.state == state, _incidents.severity != "none")
             .order_by(_WEIGHT.desc(), _incidents.opened_at, _incidents.id).limit(limit))
    return await _with_all(connection, [incident_from(row) for row in await connection.execute(query)])


async def listed(connection: AsyncConnection, wanted: Wanted, limit: int, cursor: str | None) -> Rows:
    """Incidents, the newest first."""
    query = select(schema.incidents).order_by(_incidents.id.desc())
    if wanted.state:
        query = query.where(_incidents.state == wanted.state)
    if wanted.severity:
        query = query.where(_incidents.severity == wanted.severity)
    for word in wanted.words.lower().split():
        there = select(_alerts.incident).where(_has(_alerts.labels, word), _alerts.incident.is_not(None))
        query = query.where(_has(_incidents.labels, word) | _incidents.id.in_(there) | (_incidents.id == word))
    if cursor:
        query = query.where(_incidents.id < cursor)
    found = [incident_from(row) for row in await connection.execute(query.limit(limit + 1))]
    rows = await _with_all(connection, found[:limit])
    return Rows(rows, found[limit - 1].id if len(found) > limit else None)


def _has(column: Any, word: str) -> ColumnElement[bool]:
    """Whether a label set, kept as JSON, holds this word."""
    found: ColumnElement[bool] = func.lower(column).contains(json.dumps(word, ensure_ascii=False)[1:-1],
                                                             autoescape=True)
    return found


async def _with_all(connection: AsyncConnection, incidents: Sequence[Incident]) -> tuple[Row, ...]:
    ids = [incident.id for incident in incidents]
    if not ids:
        return ()
    alerts = await first_alerts(connection, ids, LIST_ALERTS)
    whys = await _first_whys(connection, ids)
    told = await _newest_starts(connection, ids)
    return tuple(Row(incident, alerts.get(incident.id, ()), whys.get(incident.id, ()), told.get(incident.id))
                 for incident in incidents)


async def first_alerts(connection: AsyncConnection, ids: Sequence[str], most: int) -> dict[str, tuple[Alert, ...]]:
    """The first alerts of each incident, firing before ended."""
    place = func.row_number().over(partition_by=_alerts.incident,
                                   order_by=(_alerts.closed_at.is_not(None), _alerts.starts_at, _alerts.id))
    placed = select(schema.alerts, place.label("place")).where(_alerts.incident.in_(ids)).subquery()
    columns = [placed.c[column.name] for column in schema.alerts.columns]
    query = select(*columns).where(placed.c.place <= most).order_by(placed.c.incident, placed.c.place)
    found: dict[str, tuple[Alert, ...]] = {}
    for row in await connection.execute(query):
        alert = alert_from(row)
        found[row.incident] = (*found.get(row.incident, ()), alert)
    return found


async def _first_whys(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    first = select(func.min(_decisions.seq)).where(_decisions.incident.in_(ids)).group_by(_decisions.incident)
    query = select(_decisions.incident, _decisions.why).where(_decisions.seq.in_(first))
    return {row.incident: tuple(why_from(row.why)) for row in await connection.execute(query)}


async def _newest_starts(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Notification]:
    query = (select(schema.notifications).where(_rows.incident.in_(ids), _rows.kind == "firing")
             .order_by(_rows.state == State.SENT.value, _rows.seq))  # what was sent comes last and stays
    return {row.incident: notification_from(row) for row in await connection.execute(query)}


async def reach(connection: AsyncConnection, since: Millis) -> list[Reach]:
    """How every receiver was reached of late, the troubled first. What was sent is counted over the newest NEWEST
    messages: the whole history would cost too much here."""
    newest = (await connection.execute(select(func.max(_rows.seq)))).scalar() or 0
    sent = select(_rows.receiver, _rows.channel, func.max(_rows.settled_at).label("sent_at"),
                  func.sum(case((_rows.created_at >= since, 1), else_=0)).label("sent")).where(
        _rows.seq > newest - NEWEST, _rows.state == State.SENT.value).group_by(_rows.receiver, _rows.channel)
    found = {(row.receiver, row.channel): Reach(row.receiver, row.channel, sent=int(row.sent), sent_at=row.sent_at)
             for row in await connection.execute(sent)}
    for state, name in ((State.QUEUED, "queued"), (State.CLAIMED, "queued"), (State.HELD, "held"),
                        (State.DEAD, "dead")):
        for row in await connection.execute(_waiting(state)):
            one = found.get((row.receiver, row.channel), Reach(row.receiver, row.channel))
            changes: dict[str, Any] = {name: getattr(one, name) + row.number}
            if name == "queued":
                changes["waiting_since"] = min(one.waiting_since or row.oldest, row.oldest)
            found[row.receiver, row.channel] = dataclasses.replace(one, **changes)
    return sorted(found.values(), key=lambda one: (-one.dead, -one.queued, one.receiver, one.channel))


def _waiting(state: State) -> Select[Any]:
    return (select(_rows.receiver, _rows.channel, func.count().label("number"), func.min(_rows.next_at).label("oldest"))
            .where(_rows.state == literal_column(f"'{state.value}'")).group_by(_rows.receiver, _rows.channel))


async def ended(connection: AsyncConnection, since: Millis, limit: int) -> tuple[int, tuple[Row, ...]]:
    """What ended since then: how many, and the newest of it."""
    over = _incidents.state == "resolved", _incidents.resolved_at >= since, _incidents.severity != "none"
    number = (await connection.execute(select(func.count()).select_from(schema.incidents).where(*over))).scalar() or 0
    query = select(schema.incidents).where(*over).order_by(_incidents.resolved_at.desc()).limit(limit)
    incidents = [incident_from(row) for row in await connection.execute(query)]
    alerts = await first_alerts(connection, [one.id for one in incidents], 1) if incidents else {}
    return number, tuple(Row(one, alerts.get(one.id, ())) for one in incidents)


async def heard(connection: AsyncConnection) -> Millis | None:
    """When the newest webhook came that could be read, from anybody but alertd itself."""
    table = schema.webhooks.c
    query = (select(table.received_at).where(table.result.in_(("accepted", "repeat")), table.source != SOURCE)
             .order_by(table.id.desc()).limit(1))
    found: Millis | None = (await connection.execute(query)).scalar()
    return found


async def unreadable(connection: AsyncConnection, since: Millis) -> int:
    """How many webhooks since then were none."""
    table = schema.webhooks.c
    query = select(func.count()).select_from(schema.webhooks).where(
        table.result == literal_column("'rejected'"), table.received_at >= since)
    return (await connection.execute(query)).scalar() or 0


async def beats(connection: AsyncConnection) -> list[tuple[str, Millis]]:
    """When each heartbeat came last, by its matchers."""
    table = schema.pulses.c
    return [(row.matchers, row.beat_at) for row in await connection.execute(select(table.matchers, table.beat_at))]


async def audited(connection: AsyncConnection, limit: int, cursor: int | None
                  ) -> tuple[list[Link], int | None]:
    """What people did, the newest first, and the cursor of the rest."""
    table = schema.audit.c
    query = select(schema.audit).order_by(table.seq.desc()).limit(limit + 1)
    if cursor is not None:
        query = query.where(table.seq < cursor)
    rows = [link_from(row) for row in await connection.execute(query)]
    return rows[:limit], rows[limit - 1].seq if len(rows) > limit else None


async def messages(connection: AsyncConnection, state: str, receiver: str, channel: str, limit: int, cursor: int | None
                   ) -> tuple[list[Notification], int | None]:
    """Intended messages, the newest first, and the cursor of the rest; an empty word is no condition."""
    query = select(schema.notifications).order_by(_rows.seq.desc()).limit(limit + 1)
    for column, word in ((_rows.state, state), (_rows.receiver, receiver), (_rows.channel, channel)):
        query = query.where(column == word) if word else query
    if cursor is not None:
        query = query.where(_rows.seq < cursor)
    rows = [notification_from(row) for row in await connection.execute(query)]
    return rows[:limit], rows[limit - 1].seq if len(rows) > limit else None


@dataclasses.dataclass(frozen=True, slots=True)
class Digested:
    """A digest of the archive; `data` is its model, "" where only the text was kept. In the list neither is read."""

    id: str
    receiver: str
    date: str
    made_at: Millis
    subject: str
    text: str = ""
    data: str = ""


async def digests(connection: AsyncConnection, limit: int, cursor: str | None
                  ) -> tuple[list[Digested], str | None]:
    """Those that were sent, the newest first, and the cursor of the rest."""
    table = schema.digests.c
    query = (select(table.id, table.receiver, table.date, table.made_at, table.subject).where(table.subject != "")
             .order_by(table.made_at.desc(), table.id).limit(limit + 1))
    made, _, id = (cursor or "").partition(".")
    if made.isascii() and made.isdecimal() and len(made) <= LONGEST_TIME:
        query = query.where((table.made_at < int(made)) | ((table.made_at == int(made)) & (table.id > id)))
    rows = [Digested(*row) for row in await connection.execute(query)]
    last = rows[limit - 1] if len(rows) > limit else None
    return rows[:limit], f"{last.made_at}.{last.id}" if last else None


LONGEST_TIME = 15  # digits of a moment in a cursor


async def digest(connection: AsyncConnection, id: str) -> Digested | None:
    """The one of this id."""
    row = (await connection.execute(select(schema.digests).where(schema.digests.c.id == id))).first()
    return Digested(row.id, row.receiver, row.date, row.made_at, row.subject, row.text, row.data) if row else None

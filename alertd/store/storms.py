"""What storms carry, and what is said of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.digest import MOST_SUMMARIES, Entry
from alertd.folding import MOST_NAMED, Carried
from alertd.model import DigestText, IncidentState, Kind, Millis, Notification, Severity, State
from alertd.store import schema
from alertd.store.dialect import upsert, word
from alertd.store.intake import insert_notifications
from alertd.store.reading import incident_alerts, rfc3339
from alertd.store.rows import incident_from
from alertd.store.weather import gauge_from, storm_from
from alertd.storm import Gauge, Storm

_gauges, _storms, _rows, _incidents = schema.gauges, schema.storms, schema.notifications, schema.incidents.c
_LIVE = (select(_storms, _gauges.c.level, _gauges.c.at, _gauges.c.half_at, _gauges.c.storm)
         .outerjoin(_gauges, (_gauges.c.receiver == _storms.c.receiver) & (_gauges.c.channel == _storms.c.channel)
                    & (_gauges.c.target == _storms.c.target))
         .where(_storms.c.over_at.is_(None) | (_storms.c.revision > _storms.c.told)).order_by(_storms.c.began_at))
_RANK = case({"critical": 3, "warning": 2, "info": 1}, value=_incidents.severity, else_=0)
_BURNS = _incidents.state != IncidentState.RESOLVED.value


@dataclasses.dataclass(frozen=True, slots=True)
class Telling:
    """A storm as it was read and as it is once this is said: `row`, whose text is `text`. None where nobody can be told
    any more."""

    before: Storm
    after: Storm
    row: Notification | None
    text: DigestText
    now: Millis


async def live(connection: AsyncConnection) -> list[tuple[Storm, Gauge]]:
    """The storms of which something is to be said yet, each with the gauge of its outlet."""
    return [(storm_from(row), gauge_from(row) if row.at is not None else Gauge())
            for row in await connection.execute(_LIVE)]


async def burning(connection: AsyncConnection, storm: Storm) -> int:
    """How many incidents of it burn."""
    query = select(func.count()).select_from(schema.incidents).where(_incidents.id.in_(_folded(storm)), _BURNS)
    return int((await connection.execute(query)).scalar() or 0)


async def carried(connection: AsyncConnection, storm: Storm) -> Carried:
    """All that its message says."""
    return await connection.run_sync(_carried, storm)


def _carried(connection: Connection, storm: Storm) -> Carried:
    inside = _incidents.id.in_(_folded(storm))
    by_state = select(_incidents.severity, _BURNS, func.count()).where(inside).group_by(_incidents.severity, _BURNS)
    severities: dict[Severity, int] = {}
    burns = 0
    for severity, still, number in connection.execute(by_state):
        severities[Severity(severity)] = severities.get(Severity(severity), 0) + number
        burns += number if still else 0
    number = func.count().label("number")
    teams = (select(_incidents.team, number).where(inside).group_by(_incidents.team)
             .order_by(number.desc(), _incidents.team).limit(MOST_NAMED))
    messages = select(func.count()).select_from(_rows).where(_rows.c.digest == storm.id,
                                                             _rows.c.state == State.FOLDED.value)
    worst = (select(schema.incidents).where(inside, _BURNS)
             .order_by(_RANK.desc(), _incidents.opened_at, _incidents.id).limit(MOST_NAMED))
    entries = [Entry(incident, tuple(incident_alerts(connection, incident.id, MOST_SUMMARIES)))
               for incident in map(incident_from, connection.execute(worst))]
    return Carried(severities, [(row.team or "others", row.number) for row in connection.execute(teams)], burns,
                   connection.execute(messages).scalar() or 0, entries)


def _folded(storm: Storm) -> Select[Any]:
    """The incidents whose start it carries."""
    return select(_rows.c.incident).where(_rows.c.digest == storm.id, _rows.c.kind == Kind.FIRING.value)


def tell(connection: Connection, tellings: Sequence[Telling]) -> Sequence[bool]:
    """Say these; False where another process was faster. While a message of the storm is on its way no second one is
    made: one that waits says what is kept here when it leaves, and what it may have missed is said after it. A
    handler of the writer."""
    return [_tell(connection, one) for one in tellings]


def _tell(connection: Connection, one: Telling) -> bool:
    under_way = select(_rows.c.seq).where(_rows.c.digest == one.before.id, _rows.c.incident.is_(None),
                                          _rows.c.settled_at.is_(None)).limit(1)
    waits = connection.execute(under_way).first() is not None
    changed = connection.execute(
        update(_storms).where(_storms.c.id == one.before.id, _storms.c.told == one.before.told,
                              _storms.c.told_at == one.before.told_at)
        .values(calm_at=one.after.calm_at, over_at=one.after.over_at, told_at=one.after.told_at,
                told=one.after.told - waits))
    if changed.rowcount != 1:
        return False
    keep = upsert(schema.notices)
    connection.execute(keep.on_conflict_do_update(
        index_elements=["id"], set_={name: keep.excluded[name] for name in ("made_at", "subject", "text")}),
        [{"id": one.before.id, "made_at": one.now, "subject": one.text.subject, "text": one.text.text}])
    if one.row and not waits:
        insert_notifications(connection, [one.row])
    return True


async def raging(connection: AsyncConnection) -> list[dict[str, Any]]:
    """The storms that fold, for people and programs: where, since when, how many messages so far."""
    number = (select(func.count()).where(_rows.c.digest == _storms.c.id, _rows.c.state == word(State.FOLDED))
              .scalar_subquery())
    query = select(_storms, number.label("folded")).where(_storms.c.calm_at.is_(None)).order_by(_storms.c.began_at)
    return [{"id": row.id, "receiver": row.receiver, "channel": row.channel, "target": row.target,
             "since": rfc3339(row.began_at), "folded": row.folded} for row in await connection.execute(query)]

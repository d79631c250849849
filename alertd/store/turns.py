"""Whose message leaves next by an outlet that several teams share.

The most severe first; among those of one severity the teams take turns, one message each, so that one team's flood
makes nobody else wait longer than for one message of each team; of one team the oldest first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, func, literal_column, select

from alertd.model import Millis, Notification, Outlet, State
from alertd.store import schema
from alertd.store.dialect import fetch, word
from alertd.store.rows import notification_from

_rows = schema.notifications

QUEUED = word(State.QUEUED)

_ahead = _rows.alias("ahead")
# In order per incident and outlet: nothing leaves while an earlier message of its incident is on the way. PostgreSQL
# would join it, which is planned while there are few and then reads all that wait; an offset keeps it from that.
_BLOCKED = select(_ahead.c.seq).where(
    _ahead.c.incident == _rows.c.incident, _ahead.c.seq < _rows.c.seq, _ahead.c.channel == _rows.c.channel,
    _ahead.c.target == _rows.c.target, _ahead.c.receiver == _rows.c.receiver,
    _ahead.c.settled_at.is_(None),
).offset(literal_column("0")).exists()
_HERE = and_(_rows.c.receiver == bindparam("receiver"), _rows.c.channel == bindparam("channel"),
             _rows.c.target == bindparam("target"), _rows.c.state == QUEUED)
_DUE = and_(_HERE, _rows.c.rank == bindparam("rank"), _rows.c.next_at <= bindparam("now"), ~_BLOCKED)
# Each finds its rows at the front of a stretch of the index notifications_due, and reads no further. What another
# process is about to claim is passed over.
_RANK = select(_rows.c.rank).where(_HERE, _rows.c.rank < bindparam("below")).order_by(_rows.c.rank.desc()).limit(1)
_TURN = (select(_rows).where(_DUE, _rows.c.team > bindparam("after")).order_by(_rows.c.team, _rows.c.seq).limit(1)
         .with_for_update(skip_locked=True))
_FIRST = select(_rows).where(_DUE).order_by(_rows.c.team, _rows.c.seq).limit(1).with_for_update(skip_locked=True)
_MORE = (select(_rows).where(_DUE, _rows.c.team == bindparam("team"), _rows.c.seq > bindparam("behind"))
         .order_by(_rows.c.seq).limit(bindparam("most")).with_for_update(skip_locked=True))
# When the next one is due, and whether one that is due by now was left
LATER = select(func.min(case((_rows.c.next_at > bindparam("now"), _rows.c.next_at))),
               func.max(case((_rows.c.next_at <= bindparam("now"), 1), else_=0))).where(_HERE)

_ABOVE_ALL = 99  # ranks end at 3


def due(connection: Connection, outlet: Outlet, most: int, now: Millis, turns: Mapping[int, str]
        ) -> tuple[Notification, ...]:
    """What may leave now, in the order in which it does. `turns` is the team that had the last turn, by rank."""
    here = {"receiver": outlet.receiver, "channel": outlet.channel, "target": outlet.target, "now": now}
    found: list[Notification] = []
    below = _ABOVE_ALL
    while len(found) < most and (rank := _highest(connection, here | {"below": below})) is not None:
        found += _of_rank(connection, here | {"rank": rank}, most - len(found), turns.get(rank))
        below = rank
    return tuple(found)


def _highest(connection: Connection, here: Mapping[str, Any]) -> int | None:
    """The rank of what waits there, as far as it is below."""
    return next((rank for rank, in fetch(connection, _RANK, here)), None)


def _of_rank(connection: Connection, here: Mapping[str, Any], most: int, after: str | None) -> list[Notification]:
    first = _round(connection, here, most, after)
    left = most - len(first)
    rounds = [first]
    if first and left:  # fewer teams than places: they come again
        more = [[notification_from(row) for row in fetch(
            connection, _MORE, {**here, "team": row.team, "behind": row.seq, "most": left})] for row in first]
        rounds += [[rows[turn] for rows in more if turn < len(rows)] for turn in range(left)]
    return [row for one in rounds for row in one][:most]


def _round(connection: Connection, here: Mapping[str, Any], most: int, after: str | None) -> list[Notification]:
    """The oldest message of each team, beginning with the team behind `after`, once around."""
    found: dict[str, Notification] = {}
    for start in dict.fromkeys((after, None)):
        team = start
        while len(found) < most:
            statement, asked = (_FIRST, here) if team is None else (_TURN, {**here, "after": team})
            rows = [notification_from(row) for row in fetch(connection, statement, asked)]
            if not rows or rows[0].team in found:
                break
            team = rows[0].team
            found[team] = rows[0]
    return list(found.values())

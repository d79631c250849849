"""How much each outlet is told to begin, and the storms that rage, as one transaction sees and leaves them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from alertd.folding import Weather, fold, starts
from alertd.incidents import Changes
from alertd.model import Millis, Notification, Outlet, State
from alertd.routing import Routing
from alertd.store import schema
from alertd.store.dialect import Asked, Part, Rows, among, listed, upsert
from alertd.storm import Gauge, Storm

_gauges, _storms = schema.gauges, schema.storms
_GAUGES = select(_gauges)
_RAGING = select(_storms).where(_storms.c.calm_at.is_(None))
QUERIES = (_GAUGES, _RAGING)
_filling = upsert(_gauges)
_FILL = Rows(_filling.on_conflict_do_update(
    index_elements=["receiver", "channel", "target"],
    set_={name: _filling.excluded[name] for name in ("level", "at", "half_at", "storm")}),
    ("receiver", "channel", "target", "level", "at", "half_at", "storm"))
_BEGIN = Rows(upsert(_storms).on_conflict_do_nothing(index_elements=["id"]),
              ("id", "receiver", "channel", "target", "style", "began_at", "revision", "told", "told_at"))
_TOUCH = (update(_storms).where(among(_storms.c.id)).values(revision=_storms.c.revision + bindparam("more")))


class Sky:
    """Folds what a transaction decides. The weather is read with the first start that counts, and written by `begin`
    and as `counted`: replicas that write at once may each miss what the other counted, and then a storm begins a little
    later."""

    def __init__(self, connection: Connection, routing: Routing, now: Millis, asked: Asked | None = None) -> None:
        """`asked`: for QUERIES among others."""
        self._connection = connection
        self._asked = asked or Asked(connection, QUERIES)
        self._routing = routing
        self._now = now
        self._weather: Weather | None = None

    def fold(self, changes: Changes) -> Changes:
        """The changes, with what a storm carries folded into it."""
        limits = self._routing.storm
        if limits is None or not (counted := starts(changes, self._routing)):
            return changes
        if self._weather is None:
            self._weather = _read(self._asked)
        return fold(changes, counted, self._weather, limits, self._now)

    def begin(self) -> None:
        """Write the storms that have begun; before the notifications that name them."""
        if self._weather and self._weather.begun:
            _BEGIN(self._connection, ((one.id, *_place(one.outlet), one.style, one.began_at, 0, 0, 0)
                                      for one in self._weather.begun))

    def counted(self) -> Part:
        """What is to be written of what was counted; last of all, since every replica writes these few rows with nearly
        everything it takes, and from there to the commit the others wait for them."""
        gauges = self._weather.gauges if self._weather else {}
        return _FILL, ((*_place(outlet), gauges[outlet].level, gauges[outlet].at, gauges[outlet].half_at,
                        gauges[outlet].storm)
                       for outlet in sorted(gauges, key=_place) if gauges[outlet].at == self._now)


def touch(connection: Connection, rows: Iterable[Notification]) -> None:
    """Note with the storms that carry some of these rows that they carry more than was told."""
    if ids := {row.digest for row in rows if row.state is State.FOLDED and row.digest}:
        connection.execute(_TOUCH, {"listed": listed(ids), "more": 1})


def gauge_from(row: Row[tuple[object, ...]]) -> Gauge:
    return Gauge(row.level, row.at, row.half_at, row.storm)


def storm_from(row: Sequence[Any]) -> Storm:
    """From the columns of the table, in their order, and whatever comes after them."""
    id, receiver, channel, target, style, began_at, calm_at, over_at, revision, told, told_at, *_ = row
    return Storm(id, Outlet(receiver, channel, target), style, began_at, calm_at, over_at, revision, told, told_at)


def _read(asked: Asked) -> Weather:
    gauges = {Outlet(receiver, channel, target): Gauge(*rest) for receiver, channel, target, *rest in asked(_GAUGES)}
    return Weather(gauges, {storm.outlet: storm for storm in map(storm_from, asked(_RAGING))})


def _place(outlet: Outlet) -> tuple[str, str, str]:
    return outlet.receiver, outlet.channel, outlet.target

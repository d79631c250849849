"""What the figures of the statistics and of digests are made from: what was counted by the hour and is kept, and from
the history itself what no such hour covers."""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.model import DAY, HOUR, MANAGEMENT, Millis, Outlet
from alertd.statistics import AlertKind, Asked, Counts, Ring, Statistics, Tally, measure
from alertd.statistics.tally import FOREVER, QUARTER, Cover, Slot, cover, hour_of, slots_of
from alertd.store import schema, tallies, tallying
from alertd.store.tallying import Told

MOST = 50_000  # alerts that are looked at one by one, the newest

_webhooks = schema.webhooks.c


async def measured(connection: AsyncConnection, asked: Asked, pagers: Set[str], people: Mapping[Outlet, str]
                   ) -> Statistics:
    """The figures of these weeks."""
    found = await tally(connection, asked.since, FOREVER, asked.now, pagers, people)
    return await asyncio.to_thread(measure, asked, found)


async def tally(connection: AsyncConnection, since: Millis, until: Millis, now: Millis, pagers: Set[str],
                people: Mapping[Outlet, str]) -> Tally:
    """What happened from `since` to before `until`. `pagers` are the channels that call people, `people` whose an
    outlet is; where there are neither, every critical start counts as a call, but for management's."""
    hours, days = await tallies.counted(connection, since - since % DAY, now)
    kinds, cut = await _kinds(connection, cover(since, until, hours, days))
    return Tally(await _slots(connection, since, until, hours),
                 await _rings(connection, [since, until], hours, pagers, people), kinds, await first(connection), cut)


async def _slots(connection: AsyncConnection, since: Millis, until: Millis, hours: Set[Millis]
                 ) -> Mapping[Millis, Slot]:
    """Within a quarter of an hour nothing is told apart of what is kept, so it is of no use from there on; nor is an
    hour that is not over by `until`, since it is kept by the ends of incidents and tells of all of their beginnings."""
    over = cover(since, FOREVER, {hour for hour in hours if hour + HOUR <= until} if since % QUARTER == 0 else set(),
                 set())
    slots = await tallies.slots(connection, over.hours, since)
    cases = await tallying.ended(connection, over.rest, standing=True)
    for at, slot in slots_of(cases, since, until).items():
        slots.setdefault(at, Slot()).add(slot)
    return slots


async def starts_before(connection: AsyncConnection, since: Millis, length: Millis, times: int, now: Millis,
                        pagers: Set[str], people: Mapping[Outlet, str]) -> tuple[int, ...]:
    """How many starts somebody was first called for in each of so many stretches of this length before, the newest
    first."""
    edges = [since - back * length for back in range(times, -1, -1)]
    hours, _ = await tallies.counted(connection, hour_of(edges[0]), now)
    found = [0] * times
    for ring in await _rings(connection, edges, hours, pagers, people):
        if ring.first:
            found[(since - 1 - ring.at) // length] += ring.number
    return tuple(found)


async def _rings(connection: AsyncConnection, edges: Sequence[Millis], hours: Set[Millis], pagers: Set[str],
                 people: Mapping[Outlet, str]) -> list[Ring]:
    """The calls from the first of these moments to the last. An hour with one in the midst of a quarter is read: of
    what is kept it could not be said on which side of it a call was."""
    over = cover(edges[0], edges[-1], hours - {hour_of(at) for at in edges if at % QUARTER}, set())
    told = await tallies.calls(connection, over.hours) + await tallying.calls(connection, over.rest)
    return list(_called(told, pagers, people))


async def first(connection: AsyncConnection) -> Millis | None:
    """When the oldest webhook came that is kept: ids grow with time."""
    found: Millis | None = (await connection.execute(
        select(_webhooks.received_at).order_by(_webhooks.id).limit(1))).scalar()
    return found


async def _kinds(connection: AsyncConnection, over: Cover) -> tuple[Mapping[AlertKind, Counts], bool]:
    """Alerts that ended, by kind, and whether there were more that were not looked at."""
    kinds = await tallies.kinds(connection, over.days, over.hours)
    rest, cut = await tallying.kinds(connection, over.rest, MOST)
    for kind, counts in rest.items():
        kinds.setdefault(kind, Counts()).add(counts)
    return kinds, cut


_Whom = tuple[str, str, str, str]  # receiver, channel, target, style
_whom, _many = msgspec.json.Decoder(_Whom), msgspec.json.Decoder(list[_Whom])


def _called(told: Counter[Told], pagers: Set[str], people: Mapping[Outlet, str]) -> Iterator[Ring]:
    """Of what was told, what called somebody."""
    calls = _caller(pagers, people)

    @functools.cache
    def whom(text: str) -> tuple[str, str | None] | None:
        one = _whom.decode(text)
        return (one[0], people.get(Outlet(*one[:3]))) if calls(one) else None

    @functools.cache
    def before(text: str) -> Sequence[tuple[str, str | None]]:
        return [(one[0], people.get(Outlet(*one[:3]))) for one in _many.decode(text) if calls(one)]

    for one, number in told.items():
        called, others = whom(one.whom), before(one.before)
        if called is not None and called not in others:
            yield Ring(one.at, *called, one.team, number, not others)


def _caller(pagers: Set[str], people: Mapping[Outlet, str]) -> Callable[[_Whom], bool]:
    """Whether to tell this outlet is to call a person."""
    if not pagers and not people:
        return lambda one: one[3] != MANAGEMENT
    return lambda one: one[1] in pagers or Outlet(*one[:3]) in people

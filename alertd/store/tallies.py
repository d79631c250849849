"""What has been counted of the hours and days that are over, so that a look at weeks does not read their every alert.

A row of `tallies` says of which the figures hold. Whoever counts one claims it first, reads, and then writes under the
token of that claim; whoever changes what is over already takes the token away in its own transaction. So what is kept
is what a count of the history itself would find, whoever is killed in between and however many replicas there are.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Insert, Table, and_, case, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.model import DAY, HOUR, MINUTE, Millis
from alertd.statistics.record import AlertKind, Counts
from alertd.statistics.tally import GRACE, Range, Slot, hour_of, quarter_of, slots_of
from alertd.store import schema, tallying
from alertd.store.dialect import Rows, upsert, write
from alertd.store.rows import labels_from, to_json
from alertd.store.tallying import Told

LEASE: Millis = MINUTE  # after which somebody else may count what was claimed
AT_ONCE = 100  # stretches of time in one statement
GONE = 6  # hours whose figures go in one transaction

_tallies, _slots, _calls, _kinds, _names, _webhooks = (
    schema.tallies.c, schema.tally_slots.c, schema.tally_calls.c, schema.tally_kinds.c, schema.kinds.c,
    schema.webhooks.c)


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """A stretch of time that is to be counted: its length (an hour or a day), when it began, by whom."""

    length: Millis
    begins: Millis
    token: str
    now: Millis

    @property
    def range(self) -> Range:
        return self.begins, self.begins + self.length


@dataclasses.dataclass(frozen=True, slots=True)
class Counted:
    """What was found in it: rows of the tables, in the order of their columns; a day has kinds only."""

    claim: Claim
    kinds: Sequence[tuple[Any, ...]]
    names: Sequence[tuple[Any, ...]] = ()
    slots: Sequence[tuple[Any, ...]] = ()
    calls: Sequence[tuple[Any, ...]] = ()


# Counting ----------------------------------------------------------------------------------------------------------


def claim(connection: Connection, items: Sequence[Claim]) -> Sequence[bool]:
    """Whether it is ours to count; a handler of the writer. It waits for whoever is changing it."""
    statement = upsert(schema.tallies)
    free = or_(_tallies.claimed_at <= statement.excluded.claimed_at - LEASE,
               _tallies.claimed_at > statement.excluded.claimed_at)
    statement = statement.on_conflict_do_update(
        index_elements=["length", "begins"], where=and_(_tallies.counted == 0, free),
        set_={"token": statement.excluded.token, "claimed_at": statement.excluded.claimed_at})
    return [bool(connection.execute(statement, {
        "length": one.length, "begins": one.begins, "counted": 0, "token": one.token, "claimed_at": one.now}).rowcount)
        for one in items]


async def count(connection: AsyncConnection, claim: Claim) -> Counted:
    """Read what a claimed stretch of time held."""
    if claim.length == DAY:
        return Counted(claim, await _of_hours(connection, claim))
    slots = slots_of(await tallying.ended(connection, [claim.range]))
    calls: Counter[Told] = Counter()
    for told, number in (await tallying.calls(connection, [claim.range])).items():
        calls[dataclasses.replace(told, at=quarter_of(told.at))] += number
    kinds, _ = await tallying.kinds(connection, [claim.range])
    bit = 1 << claim.begins % DAY // HOUR
    return Counted(
        claim,
        [(HOUR, claim.begins, id_of(kind), one.ended, one.gone_soon, one.incidents, one.never_acknowledged,
          bit if one.flapped else 0) for kind, one in kinds.items()],
        [(id_of(kind), kind.name, kind.service, to_json(one.labels), claim.begins) for kind, one in kinds.items()],
        [(claim.begins, at, *dataclasses.astuple(slot)) for at, slot in sorted(slots.items())],
        [(claim.begins, place, told.at, told.team, told.whom, told.before, number)
         for place, (told, number) in enumerate(sorted(calls.items()))])


async def _of_hours(connection: AsyncConnection, claim: Claim) -> list[tuple[Any, ...]]:
    sums = [func.sum(_kinds[name]) for name in _SUMMED]
    query = select(_kinds.kind, *sums).where(
        _kinds.length == HOUR, _kinds.begins >= claim.begins, _kinds.begins < claim.begins + DAY).group_by(_kinds.kind)
    return [(DAY, claim.begins, kind, *map(int, found)) for kind, *found in await connection.execute(query)]


def keep(connection: Connection, items: Sequence[Counted]) -> Sequence[bool]:
    """Whether it holds, and is kept: not where it was claimed anew or changed since; a handler of the writer."""
    return [_keep(connection, one) for one in items]


def _keep(connection: Connection, found: Counted) -> bool:
    claim = found.claim
    mine = update(schema.tallies).where(_tallies.length == claim.length, _tallies.begins == claim.begins,
                                        _tallies.token == claim.token, _tallies.counted == 0).values(counted=1)
    if not connection.execute(mine).rowcount:
        return False
    _gone(connection, schema.tally_kinds, and_(_kinds.length == claim.length, _kinds.begins == claim.begins))
    if claim.length == HOUR:
        _gone(connection, schema.tally_slots, _slots.hour == claim.begins)
        _gone(connection, schema.tally_calls, _calls.hour == claim.begins)
    write(connection, (_INSERT_KIND, found.kinds), (_INSERT_SLOT, found.slots), (_INSERT_CALL, found.calls),
          (_UPSERT_NAME, found.names))
    return True


def id_of(kind: AlertKind) -> int:
    """A number of 64 bits for name and service; that two of a million kinds share one is as likely as 1 in 37
    million."""
    text = msgspec.json.encode(kind)
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), signed=True)


def changed(connection: Connection, times: Iterable[Millis]) -> None:
    """What ended at these times, of hours that are over, is another thing from now on."""
    hours = {hour_of(at) for at in times}
    rows = sorted({*((HOUR, at) for at in hours), *((DAY, at - at % DAY) for at in hours)})
    if rows:
        connection.execute(_UNCOUNT, [{"length": length, "begins": begins, "counted": 0, "token": "", "claimed_at": 0}
                                      for length, begins in rows])


def after(connection: Connection, items: Sequence[Millis]) -> Sequence[int]:
    """What was counted of hours that were not over at this moment holds no longer, since clocks went back; of how many
    hours and days. A handler of the writer."""
    late = _tallies.begins + _tallies.length + GRACE
    return [connection.execute(update(schema.tallies).where(late > now, _tallies.counted == 1)
                               .values(counted=0, token="", claimed_at=0)).rowcount for now in items]


def before(connection: Connection, items: Sequence[Millis]) -> Sequence[int]:
    """Forget figures of hours that began before, the oldest; how many rows that were. For the cleanup, which then
    deletes what was counted. A handler of the writer."""
    return [_before(connection, at) for at in items]


def _before(connection: Connection, at: Millis) -> int:
    old = select(_tallies.length, _tallies.begins).where(_tallies.begins < at).order_by(
        _tallies.begins, _tallies.length).limit(GONE)
    rows = list(connection.execute(old))
    hours = [row.begins for row in rows if row.length == HOUR]
    days = [row.begins for row in rows if row.length == DAY]
    found = sum(_gone(connection, table, where) for table, where in (
        (schema.tally_slots, _slots.hour.in_(hours)), (schema.tally_calls, _calls.hour.in_(hours)),
        (schema.tally_kinds, and_(_kinds.length == HOUR, _kinds.begins.in_(hours))),
        (schema.tally_kinds, and_(_kinds.length == DAY, _kinds.begins.in_(days))),
        (schema.tallies, or_(and_(_tallies.length == HOUR, _tallies.begins.in_(hours)),
                             and_(_tallies.length == DAY, _tallies.begins.in_(days))))))
    unseen = select(_names.id).where(_names.seen_at < hour_of(at)).limit(AT_ONCE) if not rows else None
    return found if unseen is None else _gone(connection, schema.kinds, _names.id.in_(unseen))


def _gone(connection: Connection, table: Table, condition: ColumnElement[bool]) -> int:
    return connection.execute(delete(table).where(condition)).rowcount


async def due(connection: AsyncConnection, since: Millis, now: Millis) -> list[tuple[Millis, Millis]]:
    """The length and beginning of what began since, is over and is not counted: hours, the newest first, then days of
    which all hours are."""
    first = (await connection.execute(select(_webhooks.received_at).order_by(_webhooks.id).limit(1))).scalar()
    if first is None:
        return []
    hours, days = await counted(connection, since, now)
    begins, ends = max(hour_of(first), -(-since // HOUR) * HOUR), now - GRACE
    wanted = [at for at in range(begins, hour_of(ends), HOUR) if at not in hours]
    whole = [at for at in range(begins - begins % DAY, ends - DAY + 1, DAY)
             if at not in days and all(at + hour in hours for hour in range(0, DAY, HOUR))]
    return [*((HOUR, at) for at in reversed(wanted)), *((DAY, at) for at in reversed(whole))]


# Reading -----------------------------------------------------------------------------------------------------------


async def counted(connection: AsyncConnection, since: Millis, now: Millis) -> tuple[Set[Millis], Set[Millis]]:
    """The hours and the days that began since and are counted."""
    query = select(_tallies.length, _tallies.begins).where(
        _tallies.counted == 1, _tallies.begins >= since, _tallies.begins + _tallies.length <= now - GRACE)
    rows = list(await connection.execute(query))
    return ({row.begins for row in rows if row.length == HOUR}, {row.begins for row in rows if row.length == DAY})


async def slots(connection: AsyncConnection, hours: Sequence[Range], since: Millis) -> dict[Millis, Slot]:
    """What happened since to the incidents that ended in these hours."""
    sums = [func.sum(_slots[field.name]) for field in dataclasses.fields(Slot)]
    found: dict[Millis, Slot] = {}
    for within in _within(_slots.hour, hours):
        query = select(_slots.slot, *sums).where(_slots.slot >= since, within).group_by(_slots.slot)
        for at, *numbers in await connection.execute(query):
            found.setdefault(at, Slot()).add(Slot(*map(int, numbers)))
    return found


async def calls(connection: AsyncConnection, hours: Sequence[Range]) -> Counter[Told]:
    """The critical starts that were told in these hours."""
    found: Counter[Told] = Counter()
    for within in _within(_calls.hour, hours):
        query = select(_calls.slot, _calls.team, _calls.whom, _calls.before, _calls.number).where(within)
        for *of, number in await connection.execute(query):
            found[Told(*of)] += number
    return found


async def kinds(connection: AsyncConnection, days: Sequence[Range], hours: Sequence[Range]) -> dict[AlertKind, Counts]:
    """What ended in these days and hours, by kind."""
    found: dict[int, Counts] = {}
    for length, ranges in ((DAY, days), (HOUR, hours)):
        for within in _within(_kinds.begins, ranges):
            of = and_(_kinds.length == length, within)
            sums = [func.sum(_kinds[name]) for name in _SUMMED[:-1]]
            for kind, ended, soon, incidents, never in await connection.execute(
                    select(_kinds.kind, *sums).where(of).group_by(_kinds.kind)):
                found.setdefault(kind, Counts()).add(Counts(int(ended), int(soon), int(incidents), int(never)))
            bits = select(_kinds.kind, _kinds.begins, _kinds.flapped).where(of, _kinds.flapped != 0)
            for kind, begins, flapped in await connection.execute(bits):
                found[kind].flapped |= {begins - begins % DAY + bit * HOUR for bit in range(24) if flapped >> bit & 1}
    return await _named(connection, found)


async def _named(connection: AsyncConnection, found: Mapping[int, Counts]) -> dict[AlertKind, Counts]:
    named: dict[AlertKind, Counts] = {}
    for row in await connection.execute(select(_names.id, _names.name, _names.service, _names.labels)):
        if (counts := found.get(row.id)) is not None:
            counts.labels = labels_from(row.labels)
            named[AlertKind(row.name, row.service)] = counts
    return named


def _within(at: ColumnElement[Millis], ranges: Sequence[Range]) -> Iterable[ColumnElement[bool]]:
    return (or_(*(and_(at >= begins, at < ends) for begins, ends in ranges[start:start + AT_ONCE]))
            for start in range(0, len(ranges), AT_ONCE))


_SUMMED = ("ended", "gone_soon", "incidents", "never_acknowledged", "flapped")
_UNCOUNT = upsert(schema.tallies)
_UNCOUNT = _UNCOUNT.on_conflict_do_update(
    index_elements=["length", "begins"],
    set_={name: _UNCOUNT.excluded[name] for name in ("counted", "token", "claimed_at")})


def _into(table: Table) -> Rows:
    return Rows(insert(table), [column.name for column in table.columns])


def _named_anew(table: Table) -> Insert:
    statement = upsert(table)
    return statement.on_conflict_do_update(
        index_elements=["id"], set_={"labels": statement.excluded.labels, "seen_at": case(
            (statement.excluded.seen_at > table.c.seen_at, statement.excluded.seen_at), else_=table.c.seen_at)})


_INSERT_KIND, _INSERT_SLOT, _INSERT_CALL = map(_into, (schema.tally_kinds, schema.tally_slots, schema.tally_calls))
_UPSERT_NAME = Rows(_named_anew(schema.kinds), [column.name for column in schema.kinds.columns])

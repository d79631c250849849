"""The queue of notifications: claim under a lease, settle, give back what a dead worker held.

Every change of state goes through `model.ARROWS`; every result is written only if the claim's lease is still the
one it was claimed with, so that a worker that was paused past its lease changes nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import and_, bindparam, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.incidents import Decision
from alertd.model import ARROWS, Event, Incident, Kind, Millis, Notification, Outlet, State
from alertd.store import schema
from alertd.store.intake import decision_row, insert_notifications
from alertd.store.rows import incident_from, notification_from, to_json

_rows = schema.notifications


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """A worker's wish: at most `most` messages for one outlet that are due, under the lease `token`."""

    outlet: Outlet
    most: int
    now: Millis
    lease_until: Millis
    token: str


@dataclasses.dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim got, and when the outlet's next message is due (None: nothing waits for a time)."""

    rows: tuple[Notification, ...]
    next_at: Millis | None


@dataclasses.dataclass(frozen=True, slots=True)
class Settlement:
    """How one attempt ended. `event` is ACCEPT, TRY_LATER or REJECT; `next_at` and `ambiguous` matter for
    TRY_LATER, `counts` is False when the vendor only asked to slow down; `throttle_until` makes the whole outlet
    wait; `root` is kept for later messages; `fallbacks` are told because this one died."""

    row: Notification
    token: str
    event: Event
    detail: str
    started_at: Millis
    now: Millis
    next_at: Millis = 0
    ambiguous: bool = False
    counts: bool = True
    throttle_until: Millis | None = None
    root: Mapping[str, str] | None = None
    fallbacks: tuple[Notification, ...] = ()


async def claim(connection: AsyncConnection, claims: Sequence[Claim]) -> Sequence[Claimed]:
    """Take due messages, the most severe and oldest first; a handler of the writer."""
    return [await _claim(connection, wish) for wish in claims]


async def _claim(connection: AsyncConnection, wish: Claim) -> Claimed:
    place = _at(wish.outlet)
    ahead = _rows.alias("ahead")
    # in order per incident and outlet: nothing leaves while an earlier message of its incident is on the way
    blocked = select(ahead.c.seq).where(
        ahead.c.incident == _rows.c.incident, ahead.c.seq < _rows.c.seq, ahead.c.channel == _rows.c.channel,
        ahead.c.target == _rows.c.target, ahead.c.receiver == _rows.c.receiver,
        ahead.c.settled_at.is_(None),
    ).exists()
    due = (
        select(_rows)
        .where(*place, _rows.c.state == State.QUEUED.value, _rows.c.next_at <= wish.now, ~blocked)
        .order_by(_rows.c.rank.desc(), _rows.c.seq).limit(wish.most)
    )
    rows = tuple(notification_from(row) for row in await connection.execute(due))
    if rows:
        await connection.execute(
            update(_rows).where(_rows.c.seq.in_([row.seq for row in rows]))
            .values(state=ARROWS[State.QUEUED, Event.CLAIM].value, lease=wish.token, lease_until=wish.lease_until))
    if len(rows) == wish.most:
        return Claimed(rows, wish.now)
    later = select(func.min(_rows.c.next_at)).where(*place, _rows.c.state == State.QUEUED.value,
                                                    _rows.c.next_at > wish.now)
    return Claimed(rows, (await connection.execute(later)).scalar())


async def settle(connection: AsyncConnection, settlements: Sequence[Settlement]) -> Sequence[bool]:
    """Record how attempts ended; False where the lease was lost meanwhile and nothing changed. A handler."""
    answers = []
    for done in settlements:
        changed = await connection.execute(_SETTLE, _settled(done))
        answers.append(changed.rowcount == 1)
    attempts = [_attempt(done) for done in settlements]
    await connection.execute(insert(schema.attempts), attempts)
    roots = [_root(done) for done in settlements if done.root and done.row.incident]
    if roots:
        await connection.execute(_KEEP_ROOT, roots)
    throttles = [_throttle(done) for done in settlements if done.throttle_until]
    if throttles:
        await connection.execute(_KEEP_THROTTLE, throttles)
    for done, held in zip(settlements, answers, strict=True):
        if held and done.fallbacks:
            await insert_notifications(connection, done.fallbacks)
            await connection.execute(insert(schema.decisions), [_fallback_decision(done)])
    return answers


async def give_back(connection: AsyncConnection, cutoffs: Sequence[Millis]) -> Sequence[int]:
    """Requeue what was claimed under a lease that ended before the cutoff: marked ambiguous, since its worker may
    have sent it. A handler; how many."""
    answers = []
    for cutoff in cutoffs:
        changed = await connection.execute(
            update(_rows).where(_rows.c.state == State.CLAIMED.value, _rows.c.lease_until < cutoff)
            .values(state=ARROWS[State.CLAIMED, Event.LEASE_LOST].value, ambiguous=1, lease=None, lease_until=None,
                    reason="its worker went away; it may have been sent"))
        answers.append(changed.rowcount)
    return answers


async def expire(connection: AsyncConnection, cutoffs: Sequence[tuple[Millis, Millis]]) -> Sequence[int]:
    """End updates made before the cutoff, as (cutoff, now): nobody needs them any more. A handler; how many."""
    answers = []
    for cutoff, now in cutoffs:
        changed = await connection.execute(
            update(_rows).where(_rows.c.state == State.QUEUED.value, _rows.c.kind == Kind.UPDATE.value,
                                _rows.c.created_at < cutoff)
            .values(state=ARROWS[State.QUEUED, Event.EXPIRE].value, reason="an update nobody needs a day later",
                    settled_at=now))
        answers.append(changed.rowcount)
    return answers


async def bury(connection: AsyncConnection, items: Sequence[tuple[frozenset[Outlet], Millis]]) -> Sequence[int]:
    """End as dead what waits for an outlet that routing.yaml no longer has, as (known outlets, now). A handler."""
    answers = []
    for known, now in items:
        places = await connection.execute(
            select(_rows.c.receiver, _rows.c.channel, _rows.c.target)
            .where(_rows.c.state == State.QUEUED.value).distinct())
        gone = [outlet for row in places if (outlet := Outlet(*row)) not in known]
        for outlet in gone:
            await connection.execute(
                update(_rows).where(*_at(outlet), _rows.c.state == State.QUEUED.value)
                .values(state=ARROWS[State.QUEUED, Event.REJECT].value, settled_at=now,
                        reason=f"{outlet} is no longer in the routing file"))
        answers.append(len(gone))
    return answers


async def throttled(connection: AsyncConnection, now: Millis) -> dict[Outlet, Millis]:
    """Outlets that a vendor asked to wait, with the time until when."""
    table = schema.throttles
    rows = await connection.execute(select(table).where(table.c.until > now))
    return {Outlet(row.receiver, row.channel, row.target): row.until for row in rows}


async def incident_of(connection: AsyncConnection, id: str) -> Incident | None:
    row = (await connection.execute(select(schema.incidents).where(schema.incidents.c.id == id))).first()
    return incident_from(row) if row else None


def _at(outlet: Outlet) -> tuple[Any, ...]:
    return (_rows.c.receiver == outlet.receiver, _rows.c.channel == outlet.channel, _rows.c.target == outlet.target)


def _settled(done: Settlement) -> dict[str, Any]:
    state = ARROWS[State.CLAIMED, done.event]
    final = state is not State.QUEUED
    return {
        "wanted": done.row.seq, "token": done.token, "to": state.value, "because": done.detail,
        "at": done.now if final else None, "due": done.row.next_at if final else done.next_at,
        "tries": done.row.attempts + done.counts, "doubt": int(not final and (done.ambiguous or done.row.ambiguous)),
    }


_SETTLE = (
    update(_rows)
    .where(and_(_rows.c.seq == bindparam("wanted"), _rows.c.lease == bindparam("token"),
                _rows.c.state == State.CLAIMED.value))
    .values(state=bindparam("to"), reason=bindparam("because"), settled_at=bindparam("at"), next_at=bindparam("due"),
            attempts=bindparam("tries"), ambiguous=bindparam("doubt"), lease=None, lease_until=None)
)


def _attempt(done: Settlement) -> dict[str, Any]:
    return {"notification": done.row.id, "started_at": done.started_at, "finished_at": done.now,
            "event": done.event.value, "detail": done.detail}


def _root(done: Settlement) -> dict[str, Any]:
    outlet = done.row.outlet
    return {"incident": done.row.incident, "channel": outlet.channel, "target": outlet.target,
            "root": to_json(done.root or {})}


def _throttle(done: Settlement) -> dict[str, Any]:
    outlet = done.row.outlet
    return {"receiver": outlet.receiver, "channel": outlet.channel, "target": outlet.target,
            "until": done.throttle_until}


def _fallback_decision(done: Settlement) -> dict[str, Any]:
    assert done.row.incident is not None  # only messages about an incident have a fallback
    told = " + ".join(str(row.outlet) for row in done.fallbacks)
    why = (f"{done.row.outlet}: dead ({done.detail})", f"fallback → {told}")
    return decision_row(Decision(None, done.row.incident, done.now, "fallback", why))


def _replacing(table: Any, keys: list[str], value: str) -> Any:
    statement = upsert(table)
    return statement.on_conflict_do_update(index_elements=keys, set_={value: statement.excluded[value]})


_KEEP_ROOT = _replacing(schema.roots, ["incident", "channel", "target"], "root")
_KEEP_THROTTLE = _replacing(schema.throttles, ["receiver", "channel", "target"], "until")

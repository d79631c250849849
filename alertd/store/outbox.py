"""The queue of notifications: claim under a lease, settle, give back what a dead worker held.

Every change of state goes through `model.ARROWS`; every result is written only if the claim's lease is still the
one it was claimed with, so that a worker that was paused past its lease changes nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.delivery import FLEETING
from alertd.incidents import Decision
from alertd.model import ARROWS, Delivery, Event, Incident, IncidentState, Millis, Notification, Outlet, State
from alertd.store import reading, schema, turns
from alertd.store.dialect import Rows, among, change, fetch, listed, upsert, word
from alertd.store.intake import insert_decisions, insert_notifications
from alertd.store.requeue import forgo, hold
from alertd.store.rows import incident_from, to_json
from alertd.store.turns import LATER, QUEUED

_rows = schema.notifications

_CLAIMED = word(State.CLAIMED)
_LEASE = (update(_rows).where(_rows.c.seq == bindparam("wanted"))
          .values(state=ARROWS[State.QUEUED, Event.CLAIM].value, lease=bindparam("token"),
                  lease_until=bindparam("until")))
_TAKE = (update(_rows).where(among(_rows.c.incident, "incidents"), _rows.c.receiver == bindparam("receiver"),
                             _rows.c.channel == bindparam("channel"), _rows.c.target == bindparam("target"),
                             _rows.c.state == QUEUED)
         .values(state=ARROWS[State.QUEUED, Event.CLAIM].value, lease=bindparam("token"),
                 lease_until=bindparam("until"))
         .returning(_rows.c.incident, _rows.c.seq))

_EXPIRE = (update(_rows).where(_rows.c.state == QUEUED, _rows.c.kind.in_([word(kind) for kind in FLEETING]),
                               _rows.c.created_at < bindparam("cutoff"))
           .values(state=ARROWS[State.QUEUED, Event.EXPIRE].value, reason="an update nobody needs a day later",
                   settled_at=bindparam("now")))


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """A worker's wish: at most `most` messages for one outlet that are due, under the lease `token`, each with at
    most `alerts` of its incident's alerts (None: with all). `turns` is the team that had the last turn there, by rank
    of severity."""

    outlet: Outlet
    most: int
    now: Millis
    lease_until: Millis
    token: str
    alerts: int | None = 0
    turns: Mapping[int, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim got, all that its attempts need to know, and when the outlet's next message is due (None: nothing
    waits for a time). `behind`: one is due that waits for an earlier message of its incident. Read in the claim's own
    transaction, where it costs no other change of threads."""

    rows: tuple[Notification, ...]
    deliveries: tuple[Delivery, ...]
    next_at: Millis | None
    behind: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Settlement:
    """How one attempt ended. `event` is ACCEPT, TRY_LATER or REJECT; `next_at` and `ambiguous` matter for
    TRY_LATER, `counts` is False when the vendor only asked to slow down; `throttle_until` makes the whole outlet
    wait; `root` is kept for later messages; `fallbacks` are told because this one died. `pages` are the channels that
    call people: what was to call somebody for what is taken care of by now is not tried again."""

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
    pages: frozenset[str] = frozenset()


def claim(connection: Connection, claims: Sequence[Claim]) -> Sequence[Claimed]:
    """Take due messages, whose turn it is first; a handler of the writer."""
    return [_claim(connection, wish) for wish in claims]


def claim_new(connection: Connection, wish: Claim, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Take these, which the transaction under way wrote, each the only message of its incident; as the store numbered
    them."""
    outlet, rows = wish.outlet, {delivery.notification.incident: delivery for delivery in deliveries}
    taken = fetch(connection, _TAKE, {
        "incidents": listed(filter(None, rows)), "token": wish.token, "until": wish.lease_until,
        "receiver": outlet.receiver, "channel": outlet.channel, "target": outlet.target})
    return [dataclasses.replace(rows[incident], notification=dataclasses.replace(rows[incident].notification, seq=seq))
            for incident, seq in sorted(taken, key=lambda row: row[1])]


def _claim(connection: Connection, wish: Claim) -> Claimed:
    outlet = wish.outlet
    rows = turns.due(connection, outlet, wish.most, wish.now, wish.turns)
    if rows:
        change(connection, _LEASE, *({"wanted": row.seq, "token": wish.token, "until": wish.lease_until}
                                     for row in rows))
    found = tuple(reading.deliveries(connection, rows, wish.alerts)) if rows else ()
    asked = {"receiver": outlet.receiver, "channel": outlet.channel, "target": outlet.target, "now": wish.now}
    if len(rows) == wish.most:
        return Claimed(rows, found, wish.now)
    later, behind = fetch(connection, LATER, asked)[0]
    return Claimed(rows, found, later, bool(behind))


def settle(connection: Connection, settlements: Sequence[Settlement]) -> Sequence[bool]:
    """Record how attempts ended; False where the lease was lost meanwhile: then the message is another's, and only
    that it may have been sent is kept. A handler."""
    failed = [done for done in settlements if done.event is not Event.ACCEPT]
    incidents = hold(connection, {done.row.incident for done in failed if done.row.incident})
    held_by = {}
    for done in sorted(settlements, key=lambda done: done.row.seq):  # in the order in which the intake holds them
        held_by[id(done)] = change(connection, _SETTLE, _settled(done)) == 1
    answers = [held_by[id(done)] for done in settlements]
    doubtful = [{"wanted": done.row.seq} for done, held in zip(settlements, answers, strict=True)
                if not held and done.event is not Event.REJECT]
    if doubtful:
        connection.execute(_DOUBT, doubtful)
    _INSERT_ATTEMPT(connection, map(_attempt, settlements, answers))
    roots = [_root(done) for done in settlements if done.root and (done.row.incident or done.row.digest)]
    if roots:
        connection.execute(_KEEP_ROOT, roots)
    throttles = [_throttle(done) for done in settlements if done.throttle_until]
    if throttles:
        connection.execute(_KEEP_THROTTLE, throttles)
    for done in (done for done in failed if held_by[id(done)]):
        if done.event is Event.TRY_LATER:
            forgo(connection, [done.row], incidents, done.pages, done.now)
        elif done.fallbacks and not _is_over(incidents.get(done.row.incident or "")):
            insert_notifications(connection, done.fallbacks)
            insert_decisions(connection, [_fallback_decision(done)] if done.row.incident else [])
    return answers


def _is_over(incident: Incident | None) -> bool:
    """Whether it burns no more: a fallback told of a start that is over would never be told of the end."""
    return incident is not None and incident.state is IncidentState.RESOLVED


def give_back(connection: Connection, cutoffs: Sequence[Millis]) -> Sequence[int]:
    """Requeue what was claimed under a lease that ended before the cutoff: marked ambiguous, since its worker may
    have sent it. A handler; how many."""
    answers = []
    for cutoff in cutoffs:
        changed = connection.execute(
            update(_rows).where(_rows.c.state == _CLAIMED, _rows.c.lease_until < cutoff)
            .values(state=ARROWS[State.CLAIMED, Event.LEASE_LOST].value, ambiguous=1, lease=None, lease_until=None,
                    reason="its worker went away; it may have been sent"))
        answers.append(changed.rowcount)
    return answers


def expire(connection: Connection, cutoffs: Sequence[tuple[Millis, Millis]]) -> Sequence[int]:
    """End updates made before the cutoff, as (cutoff, now): nobody needs them any more. A handler; how many."""
    return [connection.execute(_EXPIRE, {"cutoff": cutoff, "now": now}).rowcount for cutoff, now in cutoffs]


def bury(connection: Connection, items: Sequence[tuple[frozenset[Outlet], Millis]]) -> Sequence[int]:
    """End as dead what waits for an outlet that routing.yaml no longer has, as (known outlets, now). A handler."""
    answers = []
    for known, now in items:
        places = connection.execute(
            select(_rows.c.receiver, _rows.c.channel, _rows.c.target)
            .where(_rows.c.state == QUEUED).distinct())
        gone = [outlet for row in places if (outlet := Outlet(*row)) not in known]
        for outlet in gone:
            connection.execute(
                update(_rows).where(*_at(outlet), _rows.c.state == QUEUED)
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
        "wanted": done.row.seq, "token": done.token, "to": state.value, "because": _text(done.detail),
        "at": done.now if final else None, "due": done.row.next_at if final else done.next_at,
        "tries": done.row.attempts + done.counts,
        # kept by what dies too: it may have arrived before the vendor said no, and then its end has to be told
        "doubt": int(done.event is not Event.ACCEPT and (done.ambiguous or done.row.ambiguous)),
    }


_SETTLE = (
    update(_rows)
    .where(and_(_rows.c.seq == bindparam("wanted"), _rows.c.lease == bindparam("token"),
                _rows.c.state == _CLAIMED))
    .values(state=bindparam("to"), reason=bindparam("because"), settled_at=bindparam("at"), next_at=bindparam("due"),
            attempts=bindparam("tries"), ambiguous=bindparam("doubt"), lease=None, lease_until=None)
)


_INSERT_ATTEMPT = Rows(insert(schema.attempts), ("notification", "started_at", "finished_at", "event", "detail"))


def _text(of_a_vendor: str) -> str:
    """As PostgreSQL keeps it; a result that cannot be written would be sent again for ever."""
    return of_a_vendor.replace("\0", "\ufffd")


def _attempt(done: Settlement, held: bool) -> tuple[Any, ...]:
    late = "" if held else f"by then its claim had ended and was another's; {done.event.value}: "
    event = done.event if held else Event.LEASE_LOST
    return done.row.id, done.started_at, done.now, event.value, late + _text(done.detail)


def _root(done: Settlement) -> dict[str, Any]:
    outlet = done.row.outlet
    return {"incident": done.row.incident or done.row.digest, "channel": outlet.channel, "target": outlet.target,
            "root": to_json(done.root or {})}


def _throttle(done: Settlement) -> dict[str, Any]:
    outlet = done.row.outlet
    return {"receiver": outlet.receiver, "channel": outlet.channel, "target": outlet.target,
            "until": done.throttle_until}


def _fallback_decision(done: Settlement) -> Decision:
    assert done.row.incident is not None  # only messages about an incident have a fallback
    told = " + ".join(str(row.outlet) for row in done.fallbacks)
    why = (f"{done.row.outlet}: dead ({done.detail})", f"fallback → {told}")
    return Decision(None, done.row.incident, done.now, "fallback", why)


_DOUBT = update(_rows).where(_rows.c.seq == bindparam("wanted"), _rows.c.settled_at.is_(None)).values(ambiguous=1)


def _replacing(table: Any, keys: list[str], value: str) -> Any:
    statement = upsert(table)
    return statement.on_conflict_do_update(index_elements=keys, set_={value: statement.excluded[value]})


_KEEP_ROOT = _replacing(schema.roots, ["incident", "channel", "target"], "root")
_KEEP_THROTTLE = _replacing(schema.throttles, ["receiver", "channel", "target"], "until")

"""What is kept of hours that are over is what the history itself says, whatever happens to either."""

from __future__ import annotations

import asyncio
import datetime
import itertools
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select

from alertd.engine.clock import first_id
from alertd.model import DAY, HOUR, MINUTE, Outlet
from alertd.statistics import AlertKind, Tally
from alertd.statistics.tally import FOREVER, QUARTER, cover
from alertd.store import cleaning, database, intake, measuring, schema, tallies
from alertd.store.rows import alert_from
from alertd.store.tallies import Claim
from tests.stores import within

T0 = 1_800_000_000_000 - 1_800_000_000_000 % DAY
NOW = T0 + DAY + 3 * HOUR + 17 * MINUTE
PAGERS = frozenset({"pagerduty"})
JANE = ("on-call", "email", "jane@example.com")
OUTLETS = (("on-call", "pagerduty", ""), ("second", "pagerduty", ""), JANE, ("board", "slack", "#x"))
TABLES = (schema.webhooks, schema.incidents, schema.alerts, schema.notifications, schema.audit, schema.tallies,
          schema.tally_slots, schema.tally_calls, schema.tally_kinds, schema.kinds)

RUNS = itertools.count()
EXAMPLES = 5

minutes = st.integers(0, 27 * 60)
alert = st.tuples(st.sampled_from(["Down", "Slow", "No\u00efse \"x\""]), st.sampled_from(["", "shop"]),
                  st.sampled_from("ab"), st.integers(0, 90), st.one_of(st.none(), st.integers(0, 200)))
told = st.tuples(st.integers(0, 3), st.integers(0, 150), st.integers(1, 2))
incident = st.tuples(minutes, st.one_of(st.none(), st.integers(0, 600)),
                     st.sampled_from(["critical", "warning", "none"]), st.one_of(st.none(), st.integers(0, 90)),
                     st.lists(alert, max_size=4), st.lists(told, max_size=4))
histories = st.lists(incident, max_size=12)
flappy = st.builds(lambda at: (at, 50, "critical", None, [("Down", "", "a", step, 2) for step in (0, 9, 18)], []),
                   minutes)


def fill(connection: Connection, history: list[Any]) -> None:
    for table in TABLES:
        if table is not schema.audit:  # which only grows
            connection.execute(delete(table))
    run = next(RUNS)
    rows: dict[Any, list[dict[str, Any]]] = {table: [] for table in TABLES[:5]}
    rows[schema.webhooks] = [{
        "id": first_id(T0) + "00", "received_at": T0, "source": "s", "group_key": "", "alerts": 1, "truncated": 0,
        "result": "accepted", "reason": "", "raw": b""}]
    for number, (opened, lasted, severity, acknowledged, alerts, calls) in enumerate(history):
        at, id = T0 + opened * MINUTE, f"{first_id(T0 + opened * MINUTE + number)}00-{run}"
        over = None if lasted is None else at + lasted * MINUTE
        rows[schema.incidents].append({
            "id": id, "key": f"k{number}", "source": "s", "labels": "{}", "severity": severity, "epoch": 1,
            "revision": 1, "state": "open" if over is None else "resolved", "opened_at": at, "firing": 0, "alerts": 1,
            "resolved_at": over})
        if acknowledged is not None:
            for more in (0, 7):  # the first time counts
                rows[schema.audit].append({
                    "at": at + (acknowledged + more) * MINUTE, "actor": "jane", "via": "page", "action": "acknowledge",
                    "object": f"incident {id}", "detail": "{}", "prev_hash": "", "hash": ""})
        for place, (name, service, who, starts, length) in enumerate(alerts):
            begins = at + starts * MINUTE
            ends = None if length is None else begins + length * MINUTE
            labels = f'{{"alertname":{measuring_json(name)}' + (f',"service":"{service}"}}' if service else "}")
            rows[schema.alerts].append({
                "id": f"{id[:12]}.{place}", "source": "s",
                "fingerprint": f"{name}{service}{who}{number * 9 + place if ends is None else ''}", "incident": id,
                "severity": severity, "labels": labels, "annotations": "{}", "starts_at": begins,
                "newest_start": begins, "ends_at": ends, "closed_at": ends and ends + number, "generator_url": ""})
        for place, (whom, after, epoch) in enumerate(calls):
            receiver, channel, target = OUTLETS[whom]
            rows[schema.notifications].append({
                "id": f"n{number}.{place}", "incident": id, "kind": "firing", "severity": severity, "rank": 3,
                "epoch": epoch, "receiver": receiver, "channel": channel, "target": target, "style": "responder",
                "state": "sent", "reason": "", "created_at": at, "next_at": at, "attempts": 1, "ambiguous": 0,
                "settled_at": at + after * MINUTE})
    for table, some in rows.items():
        if some:
            connection.execute(insert(table), some)


def measuring_json(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


class Told:
    """What the history says, counted in the plainest way."""

    def __init__(self, connection: Connection, since: int, until: int) -> None:
        self.inside = inside = range(since, until)
        rows = {table: list(connection.execute(select(table))) for table in TABLES[:5]}
        acts = Counter[str]()
        first: dict[str, int] = {}
        for act in rows[schema.audit]:
            id = act.object.removeprefix("incident ")
            first[id] = min(act.at, first.get(id, act.at))
            acts[id] += 1
        self.slots: dict[int, list[int]] = {}
        for one in rows[schema.incidents]:
            if one.severity != "none":
                self._note(one.opened_at, 0, 1, 0)
                if one.id in first:
                    self._note(first[one.id], 1, 1, first[one.id] - one.opened_at)
                if one.resolved_at is not None:
                    self._note(one.resolved_at, 3, 1, one.resolved_at - one.opened_at)
        self.kinds: dict[Any, list[Any]] = {}
        incidents = {one.id: one for one in rows[schema.incidents]}
        ends, parts = Counter[Any](), set()
        for row in rows[schema.alerts]:
            value = alert_from(row)
            kind = value.labels["alertname"], value.labels.get("service", "")
            one = incidents[row.incident]
            if row.severity == "none":
                continue
            if row.closed_at is not None and row.closed_at in inside:
                found = self.kinds.setdefault(kind, [0, 0, 0, 0, set()])
                found[0] += 1
                found[1] += row.ends_at - row.starts_at <= 5 * MINUTE
                ends[kind, row.fingerprint, row.closed_at - row.closed_at % HOUR] += 1
            if one.resolved_at is not None and one.resolved_at in inside:
                parts.add((kind, one.id))
        for kind, id in parts:
            found = self.kinds.setdefault(kind, [0, 0, 0, 0, set()])
            found[2] += 1
            found[3] += id not in first
        for (kind, _, hour), number in ends.items():
            if number >= 3:
                self.kinds[kind][4].add(hour)
        self.calls = self._called(rows[schema.notifications])

    def _note(self, at: int, place: int, number: int, total: int) -> None:
        if at in self.inside:
            found = self.slots.setdefault(at - at % QUARTER, [0] * 5)
            found[place] += number
            if place:
                found[place + 1] += total

    def _called(self, rows: list[Any]) -> Counter[Any]:
        """Each start with each whom it called: the first time, and whether it was the first of all."""
        found: Counter[Any] = Counter()
        seen: dict[Any, set[Any]] = {}
        for row in sorted(rows, key=lambda row: (row.settled_at, row.seq)):
            person = "jane" if (row.receiver, row.channel, row.target) == JANE else None
            if row.severity != "critical" or (row.channel not in PAGERS and not person):
                continue
            called = seen.setdefault((row.incident, row.epoch), set())
            if (row.receiver, person) not in called and row.settled_at in self.inside:
                found[row.settled_at - row.settled_at % QUARTER, row.receiver, person, not called] += 1
            called.add((row.receiver, person))
        return found


def said(tally: Tally) -> Any:
    slots = {at: [one.opened, one.acknowledged, one.to_acknowledge, one.ended, one.to_resolve]
             for at, one in tally.slots.items()}
    calls: Counter[Any] = Counter()
    for ring in tally.rings:
        calls[ring.at - ring.at % QUARTER, ring.receiver, ring.person, ring.first] += ring.number
    return slots, calls


def counts(kinds: Any) -> Any:
    return {tuple(kind): [one.ended, one.gone_soon, one.incidents, one.never_acknowledged, one.flapped]
            for kind, one in kinds.items()}


async def count(db: Any, pick: Any, now: int = NOW) -> None:
    """Some of what is due."""
    async with db.reader.connect() as connection:
        due = await tallies.due(connection, 0, now)
    claims = [Claim(length, begins, "me", now) for length, begins in due if pick(begins)]
    assert all(await within(db, lambda connection: tallies.claim(connection, claims)))
    async with db.reader.connect() as connection:
        found = [await tallies.count(connection, claim) for claim in claims]
    assert all(await within(db, lambda connection: tallies.keep(connection, found)))


async def agree(db: Any, since: int, until: int = NOW) -> None:
    """What is said from any edge on is what the history says."""
    people = {Outlet(*JANE): "jane"}
    for begins, ends in ((since - since % QUARTER, FOREVER), (since, until)):
        told = await within(db, lambda connection, of=(begins, ends): Told(connection, *of))
        async with db.reader.connect() as connection:
            tally = await measuring.tally(connection, begins, ends, NOW, PAGERS, people)
            before = await measuring.starts_before(connection, ends, ends - begins, 1, NOW, PAGERS, people)
        assert said(tally) == (told.slots, told.calls)
        assert counts(tally.kinds) == told.kinds
        assert before == (sum(number for (*_, first), number in told.calls.items() if first),)


def late_end(connection: Connection) -> None:
    """Of every alert that ended, ten minutes later than was told at first."""
    batch = intake.Batch()
    for row in connection.execute(select(schema.alerts).where(schema.alerts.c.closed_at.is_not(None))):
        one = alert_from(row)
        assert one.ends_at is not None
        batch.alerts[one.id] = type(one)(**{name: getattr(one, name) for name in one.__slots__}
                                         | {"ends_at": one.ends_at + 10 * MINUTE})
    intake.save(connection, batch, NOW)


def clean(connection: Connection, before: int) -> None:
    """What the cleanup does."""
    for work, item in ((tallies.before, before), (cleaning.incidents, (first_id(before), before))):
        while work(connection, [item])[0]:  # type: ignore[operator]  # handlers of unlike items
            pass


def test_hours_and_what_is_left_are_the_history(store_url: str) -> None:
    """At any moment: nothing counted, some hours, all of them and their days; after ends that were told late; after a
    cleanup; and counted again."""
    db = database.connect(store_url)
    asyncio.run(database.migrate(db))

    @settings(max_examples=EXAMPLES, phases=[Phase.explicit, Phase.generate],  # to shrink one takes minutes
              suppress_health_check=[HealthCheck.too_slow])
    @example(history=[(1159, 452, "critical", 60, [], [])], odd=1, since=0, before=1)  # ends after what is asked about
    @given(history=st.builds(lambda one, two: [*one, *two], histories, st.lists(flappy, max_size=2)),
           odd=st.integers(1, 4), since=st.integers(0, 26 * HOUR), before=minutes)
    def holds(history: list[Any], odd: int, since: int, before: int) -> None:
        async def check() -> None:
            opened = database.connect(store_url)
            await within(opened, lambda connection: fill(connection, history))
            await agree(opened, T0 + since)
            await count(opened, lambda begins: begins // HOUR % odd == 0)
            await agree(opened, T0 + since)
            await count(opened, lambda begins: True)
            await count(opened, lambda begins: True)  # now the days
            await agree(opened, T0 + since, NOW - HOUR * odd)
            await within(opened, late_end)
            await agree(opened, T0)
            await count(opened, lambda begins: True)
            await within(opened, lambda connection: clean(connection, T0 + before * MINUTE))
            await agree(opened, T0 + since)
            await count(opened, lambda begins: begins >= T0 + before * MINUTE)
            await agree(opened, T0)
            await opened.close()

        asyncio.run(check())

    holds()


@pytest.fixture
async def day(db: Any) -> Any:
    """A store with one day of which each hour is counted."""
    await within(db, lambda connection: fill(connection, [(60, 30, "critical", None, [("Down", "", "a", 0, 9)], [])]))
    await count(db, lambda begins: True, T0 + DAY + HOUR)
    return db


def claimed(begins: int, token: str = "me", now: int = NOW) -> Any:
    return lambda connection: tallies.claim(connection, [Claim(HOUR, begins, token, now)])[0]


async def kept(db: Any) -> int:
    async with db.reader.connect() as connection:
        return len((await tallies.counted(connection, 0, NOW))[0])


async def test_one_of_several_counts_an_hour(db: Any) -> None:
    """Unless whoever claimed it has not come back for a minute."""
    assert await within(db, claimed(T0))
    assert not await within(db, claimed(T0, "other"))
    assert await within(db, claimed(T0, "other", NOW + MINUTE))


async def test_a_count_that_was_overtaken_is_not_kept(db: Any) -> None:
    """Something in the hour changed while it was read, or another one claimed it since."""
    for overtake in (lambda connection: tallies.changed(connection, [T0 + 5]), claimed(T0, "other", NOW + MINUTE)):
        await within(db, lambda connection: tallies.changed(connection, [T0]))
        assert await within(db, claimed(T0))
        async with db.reader.connect() as connection:
            found = await tallies.count(connection, Claim(HOUR, T0, "me", NOW))
        await within(db, overtake)
        assert await within(db, lambda connection, found=found: tallies.keep(connection, [found])) == [False]
    assert await kept(db) == 0


async def test_a_counted_hour_is_not_claimed_again(day: Any) -> None:
    """By whoever found it due before."""
    assert not await within(day, claimed(T0 + HOUR, "other", NOW + DAY))


async def test_clocks_that_go_back_undo_what_was_counted_after(day: Any) -> None:
    """Something may be written into those hours now."""
    whole = await kept(day)
    undone = await within(day, lambda connection: tallies.after(connection, [T0 + 20 * HOUR])[0])
    assert (whole, undone, await kept(day)) == (24, 5, 19)


async def test_nothing_is_due_where_nothing_came(db: Any) -> None:
    """Nor of the hour under way."""
    async with db.reader.connect() as connection:
        assert await tallies.due(connection, 0, NOW) == []
    await within(db, lambda connection: fill(connection, []))
    async with db.reader.connect() as connection:
        assert await tallies.due(connection, 0, T0 + HOUR) == []
        assert await tallies.due(connection, 0, T0 + HOUR + 10 * MINUTE) == [(HOUR, T0)]


@given(st.sets(st.integers(0, 71)), st.sets(st.integers(0, 2)), st.integers(0, 70 * 60), st.integers(1, 72 * 60))
def test_a_stretch_is_made_up_of_what_is_kept_and_the_rest(hours: set[int], days: set[int], since: int, length: int
                                                           ) -> None:
    """Without a gap, and nothing twice."""
    begins, ends = since * MINUTE, (since + length) * MINUTE
    found = cover(begins, ends, {hour * HOUR for hour in hours}, {day * DAY for day in days})
    pieces = sorted((*found.days, *found.hours, *found.rest))
    assert [pieces[0][0], *(end for _, end in pieces)] == [*(begin for begin, _ in pieces), ends]
    assert all(any(at in hours for at in range(a // HOUR, b // HOUR)) for a, b in found.hours)
    assert datetime.timedelta(milliseconds=sum(b - a for a, b in pieces)) == datetime.timedelta(minutes=length)


async def test_names_go_with_their_last_hour(day: Any) -> None:
    """So that names nobody uses any more are not kept for ever."""
    await within(day, lambda connection: clean(connection, T0 + 2 * DAY))
    assert await within(day, lambda connection: list(connection.execute(select(schema.kinds)))) == []


async def test_a_kind_has_the_labels_of_an_alert(day: Any) -> None:
    """By which the line of rules/ is found."""
    async with day.reader.connect() as connection:
        found = await measuring.tally(connection, T0, T0 + DAY, NOW, PAGERS, {})
    assert found.kinds[AlertKind("Down", "")].labels == {"alertname": "Down"}

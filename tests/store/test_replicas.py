"""Two processes on one store: what each decides, the other sees; what one claims, the other does not."""

import asyncio
import contextlib
import re
import threading
import time

import pytest
from sqlalchemy import event, func, select, text, update
from sqlalchemy.exc import DBAPIError

from alertd.audit import Act, fault
from alertd.digest.model import Digest, Section, Standing
from alertd.errors import StoreUnavailable
from alertd.model import Outlet
from alertd.store import acts, audit, database, digests, intake, live, outbox, postgres, replicas, schema, turns
from alertd.store.dialect import lock, try_lock
from alertd.store.digests import Fold
from alertd.store.outbox import Claim
from alertd.store.replicas import HERE, Beat, Replica
from alertd.store.writer import Writer
from tests.reports import T0, reported, webhook
from tests.stores import SLACK, taken, within

ROUNDS = 15


@pytest.fixture
def store_url(postgres_url):
    return postgres_url


@pytest.fixture
async def other(store_url):
    """The writer of another process."""
    opened = database.connect(store_url)
    running = Writer(opened.writer)
    running.start()
    yield running
    await running.stop()
    await opened.close()


def find_repeats(connection, messages):
    return [[intake.repeats(connection, messages, T0)]]


async def count(db, column, *where):
    async with db.reader.connect() as connection:
        return (await connection.execute(select(func.count(column)).where(*where))).scalar()


async def test_one_incident_whoever_is_told(db, writer, other):
    """The same alerts at both at once, in either order: one episode, one incident, one message for each place."""
    for number in range(ROUNDS):
        names = [f"{number}a", f"{number}b"]
        told = [webhook(*map(reported, order), group={"x": str(number)}) for order in (names, names[::-1])]
        await asyncio.gather(*(one.submit(taken, message) for one, message in zip((writer, other), told, strict=True)))
    assert await count(db, schema.incidents.c.id) == ROUNDS
    assert await count(db, schema.alerts.c.id) == 2 * ROUNDS
    assert await count(db, schema.notifications.c.seq) == 3 * ROUNDS


async def test_start_and_end_at_once_end_alike(db, writer, other):
    """A start and its end that two processes take at the same moment leave nothing open, whichever is first."""
    for number in range(ROUNDS):
        start, end = (webhook(reported(str(number), status), group={"x": str(number)})
                      for status in ("firing", "resolved"))
        await asyncio.gather(writer.submit(taken, start), other.submit(taken, end))
    assert await count(db, schema.alerts.c.id, schema.alerts.c.closed_at.is_(None)) == 0
    assert await count(db, schema.incidents.c.id, schema.incidents.c.state != "resolved") == 0


async def test_each_message_is_claimed_once(writer, other):
    """However many ask at once."""
    await writer.submit(taken, webhook(*(reported(f"{number}") for number in range(3))))
    for number in range(ROUNDS):
        await writer.submit(taken, webhook(reported(f"n{number}"), group={"x": str(number)}))
    got = await asyncio.gather(*(one.submit(outbox.claim, Claim(SLACK, 4, T0, T0 + 60_000, f"t{turn}"))
                                 for turn in range(8) for one in (writer, other)))
    seqs = [row.seq for claimed in got for row in claimed.rows]
    assert len(seqs) == len(set(seqs)) == ROUNDS + 1


async def test_who_was_told_nothing_is_not_claimed_meanwhile(db, writer, other):
    """An end is decided from "not sent yet"; a claim at the same moment sends it and its end, or neither."""
    for number in range(ROUNDS):
        group = {"x": str(number)}
        await writer.submit(taken, webhook(reported(str(number)), group=group))
        await asyncio.gather(writer.submit(taken, webhook(reported(str(number), "resolved"), group=group)),
                             other.submit(outbox.claim, Claim(SLACK, 1, T0, T0 + 60_000, "t")))
    rows = schema.notifications.c
    async with db.reader.connect() as connection:
        told = {row.incident for row in await connection.execute(select(rows.incident).where(
            rows.receiver == "slack", rows.kind == "firing", rows.state == "claimed"))}
        ended = {row.incident for row in await connection.execute(select(rows.incident).where(
            rows.receiver == "slack", rows.kind == "resolved"))}
    assert told == ended


async def test_one_chain_of_acts(db, writer, other):
    """Rows that two processes add at once follow one another."""
    def record(connection, items):
        audit.append(connection, [Act(at, "jane", "api", "acknowledge", f"incident {at}", {}) for at in items])
        return [None] * len(items)

    await asyncio.gather(*(one.submit(record, at) for at in range(ROUNDS) for one in (writer, other)))
    async with db.reader.connect() as connection:
        links, head = await audit.whole(connection)
    assert len(links) == 2 * ROUNDS
    assert fault(links, [head]) is None


async def test_one_digest(db, writer, other):
    """Of one receiver and date, whoever looks first."""
    said = Digest("daily", "2027-01-16", "day", "s", "quiet", Standing.OK, Section("", ()), (), 0, (), "", "")
    fold = Fold("daily", "2027-01-16", "d1", T0, lambda entries: said, ())
    made = await asyncio.gather(*(one.submit(digests.fold, fold) for one in (writer, other)))
    assert sorted(made) == [False, True]


async def test_what_is_due_is_done_by_one(writer, other):
    """Whoever claims the row; the other leaves it alone while that one has it in hand."""
    await writer.submit(taken, webhook(reported("a")))
    started, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(connection, items):
        connection.execute(update(schema.incidents).values(escalate_at=T0))
        ids = acts.escalating(connection, T0)
        loop.call_soon_threadsafe(started.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(5)
        connection.execute(update(schema.incidents).values(escalate_at=None))
        return [ids] * len(items)

    def look(connection, items):
        return [acts.escalating(connection, T0)] * len(items)

    holding = asyncio.create_task(writer.submit(hold, None))
    await started.wait()
    assert await other.submit(look, None) == []
    go_on.set()
    assert len(await holding) == 1
    assert await other.submit(look, None) == []


async def test_a_turn_is_one_process_at_a_time(writer, other):
    """And is free again after the commit."""
    started, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(connection, items):
        lock(connection, ["turn"])
        loop.call_soon_threadsafe(started.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(5)
        return [None] * len(items)

    def look(connection, items):
        return [try_lock(connection, "turn")] * len(items)

    holding = asyncio.create_task(writer.submit(hold, None))
    await started.wait()
    assert await other.submit(look, None) is False
    go_on.set()
    await holding
    assert await other.submit(look, None) is True


async def test_replicas_know_of_each_other(writer, other):
    """By numbers that no two have; one that was not seen for a while is gone."""
    def beat(name, now, number=None):
        return Beat(Replica(name, 1, "1", "c", (Outlet("r", "slack", name),)), now, number)

    first, _ = await writer.submit(replicas.beat, beat("a", T0))
    second, here = await other.submit(replicas.beat, beat("b", T0))
    assert first != second
    assert {one.host for one in here} == {"a", "b"}
    again, here = await other.submit(replicas.beat, beat("b", T0 + HERE, second))
    assert (again, [one.host for one in here]) == (second, ["b"])


async def test_who_is_stopped_within_a_transaction_does_not_hold_the_others_up(store_url, other, monkeypatch):
    """The server ends it, its locks fall, and what it had written is undone; going on it learns so."""
    monkeypatch.setitem(postgres.SETTINGS, "idle_in_transaction_session_timeout", "1s")
    opened = database.connect(store_url)
    stopped = Writer(opened.writer)
    stopped.start()
    started = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(connection, items):
        lock(connection, ["turn"])
        loop.call_soon_threadsafe(started.set)
        time.sleep(2)
        connection.execute(select(1))
        return [None] * len(items)

    def go_on(connection, items):
        lock(connection, ["turn"])
        return ["mine"] * len(items)

    stopping = asyncio.create_task(stopped.submit(stop, None))
    await started.wait()
    began = time.monotonic()
    assert await other.submit(go_on, None) == "mine"
    assert time.monotonic() - began < 1.9
    with pytest.raises(StoreUnavailable, match="idle-in-transaction"):
        await stopping
    await stopped.stop()
    await opened.close()


async def test_a_batch_takes_four_turns(db, writer):
    """Begin with the locks, all there is to know, all that is new, commit: however many webhooks it has. Turns are half
    of what it costs the server."""
    asked = []

    def note(record):
        if not re.search("pg_catalog|jit", record.query):  # how types are written, once
            asked.append(record.query.split()[0])

    def listen(connection, _):
        connection.driver_connection.add_query_logger(note)

    event.listen(db.writer.sync_engine, "connect", listen)
    for names in ("a", "b", "cdefghijkl", "m"):  # the last turn of each is noted with the next
        news = [webhook(reported(name), group={"alertname": name}) for name in names]
        await asyncio.gather(*(writer.submit(taken, new) for new in news))
    assert asked[asked.index("COMMIT") + 1:][:8] == ["BEGIN;", "SELECT", "WITH", "COMMIT"] * 2


async def test_what_is_written_by_one_statement_takes_one_turn(db, writer):
    """The server makes a transaction of it by itself."""
    asked = []
    event.listen(db.writer.sync_engine, "connect",
                 lambda connection, _: connection.driver_connection.add_query_logger(
                     lambda record: asked.append(record.query.split()[0])))
    for _ in range(3):  # the last turn of each is noted with the next
        await writer.submit(intake.reject, (webhook(), b"{}", "no JSON"))
    assert asked[-2:] == ["INSERT", "INSERT"]
    assert await count(db, schema.webhooks.c.id) == 3


async def test_what_is_written_first_is_part_of_what_follows(db, writer):
    """It waits for that, and is undone with it."""

    def fail(connection, items):
        intake.reject(connection, items)
        assert connection.execute(select(func.count(schema.webhooks.c.id))).scalar() == 1
        connection.execute(text("SELECT 1 / 0"))

    with pytest.raises(StoreUnavailable, match="zero"):
        await writer.submit(fail, (webhook(), b"{}", "no JSON"))
    assert await count(db, schema.webhooks.c.id) == 0


async def test_a_repeat_waits_for_nobody(db, writer, other):
    """Another process decides about the same alert meanwhile; as if the repeat had come before, nothing is its
    business."""
    await writer.submit(taken, webhook(reported("a")))
    held, go_on = threading.Event(), threading.Event()

    def hold(connection, items):
        lock(connection, ["a"])
        connection.execute(select(1))
        held.set()
        go_on.wait(5)
        return items

    holding = asyncio.create_task(other.submit(hold, None))
    await asyncio.to_thread(held.wait, 5)
    assert [len(found) for found in await writer.submit(find_repeats, webhook(reported("a")))] == [1]
    assert not go_on.is_set()
    go_on.set()
    await holding


async def test_what_the_server_undid_is_not_called_written(writer):
    """It takes the commit of a transaction that has failed without an error, and undoes it."""

    def overlook(connection, items):
        with contextlib.suppress(DBAPIError):
            connection.execute(text("SELECT 1 / 0"))
        return items

    with pytest.raises(StoreUnavailable, match="ROLLBACK"):
        await writer.submit(overlook, None)


def planned(statement, parameters):
    """The plan that PostgreSQL keeps for it, whatever is asked: made while the tables are empty, as after an
    installation, and kept while they fill."""
    def look(connection):
        given = ", ".join("NULL" for _ in range(parameters))
        connection.exec_driver_sql(f"PREPARE looked AS {statement.compile(dialect=connection.dialect)}")
        rows = connection.exec_driver_sql(f"EXPLAIN EXECUTE looked ({given})")
        return "\n".join(row[0] for row in rows)

    return look


async def test_a_claim_looks_for_what_is_ahead_by_its_incident(db):
    """However many wait."""
    plan = await within(db, planned(turns._FIRST, 6))
    assert "Index Cond: (((incident)::text = (notifications.incident)::text) AND (seq <" in plan


async def test_an_open_incident_is_found_by_its_key(db):
    """However many there were before."""
    assert "on incidents_open" in await within(db, planned(live.INCIDENTS_BY_KEY, 1))


async def test_what_has_waited_too_long_is_found_without_the_queue(db):
    """However much waits."""
    assert "notifications_fleeting" in await within(db, planned(outbox._EXPIRE, 4))


async def test_while_many_write_a_transaction_waits_for_those_just_answered(db, writer):
    """They send again, and a transaction costs the server as much as several of them."""
    for lane in writer._lanes:
        lane.session.patience = 0.3
    together = []

    def note(connection, items):
        together.append(len(items))
        return items

    await asyncio.gather(*(writer.submit(note, number) for number in range(3)))
    first = asyncio.create_task(writer.submit(note, 3))
    await asyncio.sleep(0.05)
    await asyncio.gather(first, writer.submit(note, 4))
    assert together == [3, 2]

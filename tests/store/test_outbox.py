"""The queue: claim, settle, give back."""

import dataclasses

from alertd.errors import TryLater
from alertd.incidents import Known, decide, keys_of
from alertd.model import Event, Kind, Outlet, State
from alertd.store import intake, outbox, reading, turns
from alertd.store.outbox import Settlement
from alertd.store.rows import deflated
from tests.reports import T0, reported, routing, webhook
from tests.stores import SLACK


def done(row, event=Event.ACCEPT, token="t", **more):
    return Settlement(row, token, event, "done", T0, T0, **more)


async def rows(db, **filters):
    async with db.reader.connect() as connection:
        return (await reading.notifications(connection, None, 100, None)).items


async def states(db):
    return {(row["receiver"], row["kind"]): row["state"] for row in await rows(db)}


async def test_a_webhook_and_what_it_causes_are_one_commit(db, take):
    """Alerts, incident, notifications and the reason are there together."""
    await take(webhook(reported("a")))
    async with db.reader.connect() as connection:
        incident = (await reading.incidents(connection, "open", 10, None)).items[0]
        story = await reading.incident(connection, incident["id"])
    assert story["alerts"][0]["fingerprint"] == "a"
    assert {row["receiver"] for row in story["notifications"]} == {"on-call", "management", "slack"}
    assert story["decisions"][0]["why"] == ["routing.yaml:11 critical → on-call + management + slack"]


async def test_a_claim_is_exclusive(take, claim):
    """What one worker has, no other gets."""
    await take(webhook(reported("a")))
    assert len((await claim()).rows) == 1
    assert (await claim(token="other")).rows == ()


async def test_messages_of_an_incident_leave_in_order(db, take, claim, writer):
    """The end waits while the start is on the way, and is free once that is settled."""
    await take(webhook(reported("a")))
    first = (await claim()).rows[0]
    await take(webhook(reported("a", "resolved")))
    assert (await claim()).rows == ()
    await writer.submit(outbox.settle, done(first))
    assert [row.kind for row in (await claim()).rows] == [Kind.RESOLVED]


async def test_incidents_do_not_wait_for_one_another(take, claim):
    """Order is kept within an incident only."""
    await take(webhook(reported("a"), group={"x": "1"}), webhook(reported("b"), group={"x": "2"}))
    assert len((await claim(most=5)).rows) == 2


async def test_critical_leaves_before_warning(take, claim):
    """On a rate-limited channel the worst is told first."""
    await take(webhook(reported("a", severity="warning"), group={"x": "1"}),
               webhook(reported("b", severity="critical"), group={"x": "2"}))
    pagerduty = Outlet("on-call", "pagerduty", "")
    assert [row.severity.value for row in (await claim(pagerduty, most=1)).rows] == ["critical"]


async def test_a_stale_worker_changes_nothing(db, take, claim, writer):
    """A worker whose lease ended and was given to another is fenced off."""
    await take(webhook(reported("a")))
    row = (await claim(token="old")).rows[0]
    assert await writer.submit(outbox.give_back, T0 + 60_001) == 1
    again = (await claim(token="new")).rows[0]
    assert again.ambiguous
    assert await writer.submit(outbox.settle, done(row, token="old", event=Event.REJECT)) is False
    assert await writer.submit(outbox.settle, done(again, token="new")) is True
    assert (await states(db))["slack", "firing"] == "sent"


async def test_what_a_stale_worker_did_is_kept_as_in_doubt(db, take, claim, writer):
    """It may have been sent twice, and whoever looks can see that."""
    await take(webhook(reported("a")))
    row = (await claim(token="old")).rows[0]
    await writer.submit(outbox.give_back, T0 + 60_001)
    await claim(token="new")
    assert await writer.submit(outbox.settle, done(row, token="old")) is False
    async with db.reader.connect() as connection:
        tries = (await reading.notification(connection, row.id))["tries"]
    assert [(one["event"], "claim had ended" in one["detail"]) for one in tries] == [("lease_lost", True)]
    assert (await states(db))["slack", "firing"] == "claimed"


async def test_what_a_vendor_says_can_be_kept(take, claim, writer):
    """A NUL in its answer would have its message sent again and again."""
    await take(webhook(reported("a")))
    row = (await claim()).rows[0]
    assert await writer.submit(outbox.settle, dataclasses.replace(done(row), detail="ok\0"))


async def test_a_live_lease_is_not_taken_away(take, claim, writer):
    """Before its end nobody gives a claim back."""
    await take(webhook(reported("a")))
    await claim()
    assert await writer.submit(outbox.give_back, T0 + 60_000) == 0


async def test_try_later_waits_for_its_stored_time(take, claim, writer):
    """A retry is due at the time that was stored, not before."""
    await take(webhook(reported("a")))
    row = (await claim()).rows[0]
    await writer.submit(outbox.settle, done(row, Event.TRY_LATER, next_at=T0 + 5_000))
    early = await claim(now=T0 + 4_999)
    assert (early.rows, early.next_at) == ((), T0 + 5_000)
    assert (await claim(now=T0 + 5_000)).rows[0].attempts == 1


async def test_being_slowed_down_is_no_attempt_and_is_remembered(db, take, claim, writer):
    """Retry-After outlives a restart."""
    await take(webhook(reported("a")))
    row = (await claim()).rows[0]
    refusal = TryLater("slow down", after=30, throttled=True)
    await writer.submit(outbox.settle, done(row, Event.TRY_LATER, next_at=T0 + 30_000, counts=not refusal.throttled,
                                            throttle_until=T0 + 30_000))
    async with db.reader.connect() as connection:
        assert await outbox.throttled(connection, T0) == {SLACK: T0 + 30_000}
        assert await outbox.throttled(connection, T0 + 30_000) == {}
    assert (await claim(now=T0 + 30_000)).rows[0].attempts == 0


async def test_a_dead_page_takes_its_fallback_in_the_same_commit(db, take, claim, writer):
    """The fallback is queued, and the reason says for whom."""
    await take(webhook(reported("a")))
    row = (await claim()).rows[0]
    other = dataclasses.replace(row, id="fallback", key="fallback", outlet=Outlet("sms", "webhook", ""),
                                state=State.QUEUED)
    await writer.submit(outbox.settle, done(row, Event.REJECT, fallbacks=(other,)))
    assert (await states(db))["sms", "firing"] == "queued"
    async with db.reader.connect() as connection:
        story = await reading.incident(connection, row.incident)
    assert story["decisions"][-1]["why"][1] == "fallback → sms by webhook"


async def test_no_fallback_is_told_of_a_start_that_is_over(db, take, claim, writer):
    """Its end was decided before it came in, so nobody would tell it."""
    await take(webhook(reported("a")))
    row = (await claim()).rows[0]
    await take(webhook(reported("a", "resolved")))
    other = dataclasses.replace(row, id="fallback", key="fallback", outlet=Outlet("sms", "webhook", ""),
                                state=State.QUEUED)
    await writer.submit(outbox.settle, done(row, Event.REJECT, fallbacks=(other,)))
    assert ("sms", "firing") not in await states(db)


async def test_the_root_is_handed_to_later_messages(db, take, claim, writer):
    """The end edits the message that told the start."""
    await take(webhook(reported("a")))
    row = (await claim()).rows[0]
    await writer.submit(outbox.settle, done(row, root={"channel": "C1", "ts": "1.2"}))
    await take(webhook(reported("a", "resolved")))
    rows = (await claim()).rows
    async with db.reader.connect() as connection:
        delivery = (await connection.run_sync(reading.deliveries, rows, 10))[0]
    assert delivery.root == {"channel": "C1", "ts": "1.2"}
    assert (delivery.firing, delivery.resolved) == (0, 1)


async def test_what_waits_for_an_outlet_that_is_gone_is_dead_and_says_so(db, take, writer):
    """A receiver removed from the file leaves no silent queue."""
    await take(webhook(reported("a")))
    assert await writer.submit(outbox.bury, (frozenset({SLACK}), T0)) == 2
    dead = [row for row in await rows(db) if row["state"] == "dead"]
    assert {row["reason"] for row in dead} == {
        "on-call by pagerduty is no longer in the routing file",
        "management by email to boss@example.com is no longer in the routing file"}


async def test_updates_expire_and_starts_do_not(db, take, claim, writer):
    """A day later nobody needs an update; a page is told however late."""
    await take(webhook(reported("a")))
    await writer.submit(outbox.settle, done((await claim()).rows[0]))
    await take(webhook(reported("a"), reported("b")))
    await writer.submit(outbox.expire, (T0 + 1, T0 + 1))
    found = await states(db)
    assert found["slack", "update"] == "expired"
    assert found["on-call", "firing"] == "queued"


async def test_a_rejected_body_is_kept_with_its_reason(db, writer):
    """What is no webhook is shown, not thrown away."""
    await writer.submit(intake.reject, (webhook(), deflated(b"<xml>"), "not JSON"))
    async with db.reader.connect() as connection:
        shown = await reading.rejected(connection, 10)
    assert [(row["reason"], row["head"]) for row in shown] == [("not JSON", "<xml>")]


async def test_known_is_what_was_saved(writer, take):
    """A decision after a restart sees what one before it left."""
    await take(webhook(reported("a"), reported("b")))
    message = webhook(reported("a"), reported("b"))

    def load(connection, items):
        return [intake.load(connection, [message], keys_of(message, routing()), T0)] * len(items)

    known = await writer.submit(load, None)
    changes = decide(message, known, routing(), T0)
    assert isinstance(known, Known)
    assert changes.result == "repeat"


async def test_a_claim_does_not_look_through_the_queue(lite):
    """However much waits at an outlet, its next message is found by an index."""
    with lite.writer.begin() as connection:
        for statement in (turns._RANK, turns._FIRST, turns._TURN, turns._MORE, turns.LATER):
            text = str(statement.compile(dialect=connection.dialect))
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", tuple("0" * text.count("?")))
            steps = [row[3] for row in plan]
            assert "notifications_due (receiver=? AND channel=? AND target=?" in steps[0]
            assert not [step for step in steps if "TEMP B-TREE" in step or step.startswith("SCAN")]


async def test_what_expires_is_found_without_the_queue(lite):
    """A look for it each minute must not read all that waits, which nobody could write meanwhile."""
    with lite.writer.begin() as connection:
        text = str(outbox._EXPIRE.compile(dialect=connection.dialect))
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", tuple("0" * text.count("?")))
        steps = [row[3] for row in plan]
    assert steps == ["SEARCH notifications USING INDEX notifications_fleeting (created_at<?)"]

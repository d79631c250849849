"""A message's way out."""

import asyncio
import dataclasses

import pytest

from alertd.engine.pacing import REST, TIRED
from alertd.errors import Rejected, TryLater
from alertd.model import SECOND
from alertd.store import outbox, reading
from tests.bodies import body
from tests.engine.conftest import Told, file_for, receiver
from tests.reports import T0


async def accept(house, *names, **more):
    await house.intake.accept(body(*names, **more))


async def test_a_start_and_its_end_are_told(house):
    """Each receiver gets both, in order."""
    await accept(house, "a")
    await house.until(lambda: len(house.script.sent) == 3)
    await accept(house, "a", status="resolved")
    await house.until(lambda: len(house.script.sent) == 6)
    assert [kind for _, kind, _ in house.script.sent] == ["firing"] * 3 + ["resolved"] * 3


async def test_what_is_refused_for_good_is_a_dead_letter(house):
    """Kept, with the vendor's reason, and not tried again."""
    house.script.plan.extend([Rejected("channel_not_found")] * 3)
    await accept(house, "a")
    await house.until(lambda: _all(house, "dead"))
    assert set((await house.reasons()).values()) == {"channel_not_found"}


async def _all(house, state):
    found = await house.states()
    return bool(found) and set(found.values()) == {state}


@pytest.mark.parametrize(
    "file", [file_for(receiver("on-call", "pagerduty", fallback="platform-team"))], indirect=True)
async def test_a_dead_critical_page_goes_to_the_fallback_at_once(house):
    """And the fallback is told of the end as well."""
    house.script.plan.extend([Rejected("no such key")] * 3)
    await accept(house, "a")
    await house.until(lambda: ("platform-team", "firing") in {(who, kind) for who, kind, _ in house.script.sent})
    await accept(house, "a", status="resolved")
    await house.until(lambda: house.script.sent and house.script.sent[-1][:2] == ("platform-team", "resolved"))


@pytest.mark.parametrize(
    "file", [file_for(receiver("on-call", "pagerduty", fallback="platform-team"))], indirect=True)
async def test_it_goes_there_too_while_the_store_cannot_be_read(house, monkeypatch):
    """By what was known when the message was claimed."""
    async def unreadable(_connection, _id):
        raise OSError("no answer")

    monkeypatch.setattr(outbox, "incident_of", unreadable)
    house.script.plan.extend([Rejected("no such key")] * 3)
    await accept(house, "a")
    await house.until(lambda: ("platform-team", "firing") in {(who, kind) for who, kind, _ in house.script.sent})


async def test_a_start_in_doubt_that_is_refused_later_is_told_its_end(house):
    """It may have arrived before the vendor said no; without its end, a page would stay open for ever."""
    house.script.plan.extend([TryLater("reset", ambiguous=True)] * 3)
    await accept(house, "a")
    await house.until(lambda: not house.script.plan)
    await house.until(lambda: _all(house, "queued"))
    house.script.plan.extend([Rejected("the key was revoked")] * 3)
    await house.clock.advance(30)
    await house.until(lambda: _all(house, "dead"))
    await accept(house, "a", status="resolved")
    await house.until(lambda: len(house.script.sent) == 3)
    assert {kind for _, kind, _ in house.script.sent} == {"resolved"}


async def test_a_start_under_way_is_not_tried_again_once_it_has_ended(house):
    """It was claimed when the end came, so could not be called off; then it failed. It may have arrived, so the end is
    told."""
    under_way = asyncio.get_running_loop().create_future()
    house.script.plan.extend([under_way] * 3)
    await accept(house, "a")
    await house.until(lambda: house.script.under_way == 3)
    await accept(house, "a", status="resolved")
    under_way.set_exception(TryLater("reset", ambiguous=True))
    await house.until(lambda: len(house.script.sent) == 3)
    assert {kind for _, kind, _ in house.script.sent} == {"resolved"}
    states = await house.states()
    assert {state for (_, kind), state in states.items() if kind == "firing"} == {"superseded"}


async def test_a_start_under_way_is_not_tried_again_once_it_rose(house):
    """The start of what it rose to waits behind it: a pager that took both would have two incidents."""
    under_way = asyncio.get_running_loop().create_future()
    house.script.plan.extend([under_way] * 2)
    await accept(house, "a", severity="warning")
    await house.until(lambda: house.script.under_way == 2)
    await accept(house, "b")
    under_way.set_exception(TryLater("reset"))

    async def settled():
        async with house.db.reader.connect() as connection:
            rows = (await reading.notifications(connection, None, 100, None)).items
        return {(row["receiver"], row["severity"]): row["state"] for row in rows if row["kind"] == "firing"}

    async def called():
        return (await settled())["on-call", "critical"] == "sent"

    await house.until(called)
    states = await settled()
    assert (states["on-call", "warning"], states["platform-team", "warning"]) == ("superseded", "queued")


async def test_retry_after_is_kept_to_the_second(house):
    """Nothing is sent before the time the vendor asked for."""
    house.script.plan.extend([TryLater("slow down", after=30, throttled=True)] * 3)
    await accept(house, "a")
    await house.until(lambda: not house.script.plan)
    await house.until(lambda: _all(house, "queued"))
    await house.clock.advance(29.9)
    await asyncio.sleep(0.05)
    assert house.script.sent == []
    await house.clock.advance(0.1)
    await house.until(lambda: len(house.script.sent) == 3)


async def test_a_failed_attempt_is_repeated_with_backoff(house):
    """A fault of the network ends as sent."""
    house.script.plan.extend([TryLater("reset"), TryLater("reset"), TryLater("reset")])
    await accept(house, "a")
    await house.until(lambda: not house.script.plan)
    await house.until(lambda: _all(house, "queued"))
    await house.clock.advance(30)
    await house.until(lambda: _all(house, "sent"))


async def test_a_fault_of_our_own_loses_no_message(house):
    """An exception nobody planned for is a retry."""
    house.script.plan.extend([RuntimeError("bug")] * 3)
    await accept(house, "a")
    await house.until(lambda: not house.script.plan)
    await house.until(lambda: _all(house, "queued"))
    await house.clock.advance(30)
    await house.until(lambda: _all(house, "sent"))


async def test_a_channel_that_hangs_holds_only_itself(house):
    """The others are told, starts and ends, and at most eight attempts hang."""
    hang = asyncio.Event()
    original = house.script.send

    async def send(delivery, settings, net):
        if delivery.notification.outlet.channel == "slack":
            house.script.under_way += 1
            house.script.most_under_way = max(house.script.most_under_way, house.script.under_way)
            await hang.wait()
        return await original(delivery, settings, net)

    house.script.send = send
    for number in range(20):
        await accept(house, f"n{number}", group={"n": str(number)})
    await house.until(lambda: sum(who == "on-call" for who, _, _ in house.script.sent) == 20)
    for number in range(20):
        await accept(house, f"n{number}", group={"n": str(number)}, status="resolved")
    await house.until(lambda: sum(kind == "resolved" for _, kind, _ in house.script.sent) == 40)
    assert house.script.under_way == 8
    hang.set()


@pytest.mark.parametrize("file", [file_for(rate=1.0)], indirect=True)
async def test_the_rate_of_a_target_is_kept(house):
    """One message a second leaves one a second."""
    for number in range(3):
        await accept(house, f"n{number}", group={"n": str(number)})
    await house.until(lambda: len(house.script.sent) == 3)
    for expected in (6, 9):
        await house.clock.advance(1)
        await house.until(lambda expected=expected: len(house.script.sent) == expected)
    assert house.clock.now() == T0 + 2_000


@pytest.mark.parametrize("file", [file_for(receiver("management", "email:boss@example.com", hold=120_000))],
                         indirect=True)
async def test_a_held_start_that_ends_in_time_is_never_sent(house):
    """The reason is kept."""
    await accept(house, "a")
    await house.until(lambda: len(house.script.sent) == 2)
    await accept(house, "a", status="resolved")
    await house.until(lambda: len(house.script.sent) == 4)
    await house.clock.advance(300)
    assert (await house.states())["management", "firing"] == "superseded"


async def test_stopping_finishes_what_is_under_way(house):
    """A message that was taken is recorded as sent."""
    gate = asyncio.Event()
    house.script.plan.extend([gate, gate, gate])
    await accept(house, "a")
    await house.until(lambda: house.script.under_way == 3)
    stopping = asyncio.create_task(house.couriers.stop(5))
    await asyncio.sleep(0.01)
    gate.set()
    await stopping
    assert await _all(house, "sent")


async def test_a_lost_lease_is_given_back(house):
    """What a dead process had claimed goes out again after its lease."""
    gate = asyncio.Event()
    house.script.plan.extend([gate, gate, gate])
    await accept(house, "a")
    await house.until(lambda: house.script.under_way == 3)
    await house.clock.advance(61)
    await house.upkeep.tick()
    await house.until(lambda: len(house.script.sent) == 3)
    gate.set()


async def test_an_end_does_not_overtake_a_start_whose_lease_ran_out(house):
    """The clock was set forward, so the start is still on its way: it is sent once more, and the end after it."""
    under_way = asyncio.get_running_loop().create_future()
    house.script.plan.extend([under_way] * 3)
    await accept(house, "a")
    await house.until(lambda: house.script.under_way == 3)
    await accept(house, "a", status="resolved")
    await house.clock.advance(61)
    await house.upkeep.tick()
    await house.until(lambda: len(house.script.sent) == 6)
    for place in {who for who, _, _ in house.script.sent}:  # each keeps its order; they do not wait for each other
        assert [kind for who, kind, _ in house.script.sent if who == place] == ["firing", "resolved"]
    under_way.cancel()


@pytest.mark.parametrize("file", [file_for(receiver("on-call", "slack:#a"), receiver("management", "slack:#b"),
                                           receiver("slack", "slack:#c"), rate=1.0)], indirect=True)
async def test_who_may_send_nothing_asks_the_store_for_nothing(house, monkeypatch):
    """However often a courier is woken before its place may be sent the next message."""
    asked = []
    original = house.writer.submit

    async def submit(handler, item):
        asked.append(handler.__name__)
        return await original(handler, item)

    monkeypatch.setattr(house.writer, "submit", submit)
    await accept(house, "a")
    await house.until(lambda: _all(house, "sent"))
    before = asked.count("claim")
    for number in range(5):
        await accept(house, f"n{number}", group={"n": str(number)})
        await asyncio.sleep(0.01)
    assert asked.count("claim") == before
    await house.clock.advance(1)
    await house.until(lambda: len(house.script.sent) == 6)


@pytest.mark.parametrize("file", [file_for(receiver("on-call", "slack:#a"), receiver("slack", "slack:#a"), rate=1.0)],
                         indirect=True)
async def test_two_receivers_of_one_target_share_its_rate(house):
    """What reaches the target is what counts, not who sends it."""
    await accept(house, "a", group={"n": "1"})
    await accept(house, "b", severity="warning", group={"n": "2"})
    for seconds in range(4):  # the courier that was slower looks again when the place is free
        await asyncio.sleep(0.05)
        reached = [who for who, _, _ in house.script.sent if who in ("on-call", "slack")]
        assert len(reached) <= 1 + seconds
        await house.clock.advance(1)
    await house.until(lambda: _all(house, "sent"))


async def test_a_place_that_only_fails_gets_a_rest(house):
    """What comes meanwhile is neither claimed nor tried until the rest is over, and then together."""
    house.script.plan.extend([TryLater("reset")] * TIRED)
    for number in range(TIRED):
        await accept(house, f"n{number}", severity="info", group={"n": str(number)})
    await house.until(lambda: not house.script.plan)
    await asyncio.sleep(0.05)  # the outcomes are written
    await accept(house, "later", severity="info", group={"n": "later"})
    await asyncio.sleep(0.05)
    assert house.script.sent == []
    await house.clock.advance(REST / SECOND)
    await house.until(lambda: house.script.sent)


class Adapting(Told):
    """A place that takes what it takes."""

    def adapts(self):
        return True


async def test_a_vendor_that_says_too_fast_sets_a_pace(house, monkeypatch):
    """After the wait it asked for, messages come at half of what is assumed, not as one."""
    settings = {key: Adapting(name=one.name) for key, one in house.current.file.settings.items()}
    house.current.file = dataclasses.replace(house.current.file, settings=settings)
    house.script.plan.extend([TryLater("too fast", after=1, throttled=True)] * 3)
    await accept(house, "a")
    await house.until(lambda: not house.script.plan)
    await house.until(lambda: _all(house, "queued"))
    for number in range(30):
        await accept(house, f"n{number}", group={"n": str(number)})
    await house.clock.advance(1)
    await house.until(lambda: len(house.script.sent) >= 15)
    await asyncio.sleep(0.1)
    paged = [who for who, _, _ in house.script.sent if who == "on-call"]
    assert len(paged) == 5


async def test_one_message_is_at_most_one_claim(house, monkeypatch):
    """An outlet that knows of nothing more that is due does not ask the store again, neither at once nor once the
    message was taken; nor does it ask for what was claimed with its webhook."""
    claims, claim = [], outbox.claim

    def counted(connection, wishes):
        claims.extend(wishes)
        return claim(connection, wishes)

    await asyncio.sleep(0.05)  # each has looked once, when it began
    monkeypatch.setattr(outbox, "claim", counted)
    await accept(house, "a")
    await house.until(lambda: _all(house, "sent"))
    await asyncio.sleep(0.05)
    assert len(claims) == len({wish.outlet for wish in claims}) == (3 if house.db.shared else 0)


async def test_what_waits_behind_a_message_leaves_once_that_was_taken(house):
    """The end of an incident whose start is still on its way, without waiting for anybody's next look."""
    under_way = asyncio.get_running_loop().create_future()
    house.script.plan.extend([under_way] * 3)
    await accept(house, "a")
    await house.until(lambda: house.script.under_way == 3)
    await accept(house, "a", status="resolved")
    await asyncio.sleep(0.05)
    under_way.set_result(None)
    await house.until(lambda: [kind for _, kind, _ in house.script.sent] == ["firing"] * 3 + ["resolved"] * 3)

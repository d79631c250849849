"""The intake claims for couriers with nothing to do."""

import asyncio
import threading

import pytest

from alertd.channels import Receipt
from alertd.engine import offers
from alertd.errors import StoreUnavailable
from alertd.store import outbox, reading
from tests.bodies import body
from tests.engine.conftest import file_for


async def accept(house, *names, **more):
    await house.intake.accept(body(*names, **more))


@pytest.fixture
def claims(house, monkeypatch):
    """How many messages were claimed, in the transaction of their webhook and in one of their own."""
    found = {"with it": 0, "later": 0}
    claim_new, claim = outbox.claim_new, outbox.claim

    def at_once(connection, wish, deliveries):
        found["with it"] += len(deliveries)
        return claim_new(connection, wish, deliveries)

    def by_itself(connection, wishes):
        answers = claim(connection, wishes)
        found["later"] += sum(len(answer.rows) for answer in answers)
        return answers

    monkeypatch.setattr(outbox, "claim_new", at_once)
    monkeypatch.setattr(outbox, "claim", by_itself)
    return found


@pytest.fixture
def alone(house):
    if house.db.shared:
        pytest.skip("a store of several processes takes no offers")


async def idle(house):
    """Each courier has looked once, when it began, and leaves an offer."""
    await house.until(lambda: house.offers._idle.keys() == house.couriers._couriers.keys())


async def sent(house, number):
    await house.until(lambda: len(house.script.sent) == number)
    await asyncio.sleep(0.05)


async def test_the_first_message_of_an_incident_is_claimed_with_it(house, claims, alone):
    """By each outlet that has nothing to do; its end is claimed by itself."""
    await idle(house)
    await accept(house, "a", group={"n": "a"})
    await sent(house, 3)
    await accept(house, "b", group={"n": "b"})
    await sent(house, 6)
    assert claims == {"with it": 6, "later": 0}
    await accept(house, "b", status="resolved", group={"n": "b"})
    await sent(house, 9)
    assert claims == {"with it": 6, "later": 3}


async def test_several_processes_make_no_offers(house, claims):
    """There a claim holds locks for which other webhooks would wait."""
    if not house.db.shared:
        pytest.skip("this store has one process")
    await accept(house, "a")
    await sent(house, 3)
    assert claims == {"with it": 0, "later": 3}


async def test_what_is_handed_over_is_what_the_store_would_say(house, monkeypatch, alone):
    """All that an attempt needs to know, the order of the alerts among it."""
    pairs, claim_new = [], outbox.claim_new

    def compared(connection, wish, deliveries):
        read = reading.deliveries(connection, [one.notification for one in deliveries], wish.alerts)
        pairs.append((list(deliveries), read))
        return claim_new(connection, wish, deliveries)

    await idle(house)
    monkeypatch.setattr(outbox, "claim_new", compared)
    await accept(house, *(f"n{number}" for number in range(60)), severity="critical")
    await sent(house, 3)
    assert len(pairs) == 3
    for given, read in pairs:
        assert len(given[0].alerts) == house.script.ALERTS
        assert given == read


async def test_what_is_claimed_by_an_offer_that_is_undone_waits_in_the_queue(house, monkeypatch, alone):
    """Nothing leaves of a transaction that is not on disk."""
    await idle(house)
    claim_new, broken = outbox.claim_new, [True]

    def failing(connection, wish, deliveries):
        claim_new(connection, wish, deliveries)
        if broken.pop() if broken else False:
            raise OSError("no space left on device")
        return []

    monkeypatch.setattr(outbox, "claim_new", failing)
    with pytest.raises(StoreUnavailable):
        await accept(house, "a")
    assert house.script.sent == []
    monkeypatch.setattr(outbox, "claim_new", claim_new)
    await accept(house, "a")
    await sent(house, 3)


async def test_nobody_offers_what_has_no_free_slot(house, claims, alone):
    """What comes while as many attempts as there may be are under way waits in the queue, not under a lease."""
    await idle(house)
    under_way = asyncio.get_running_loop().create_future()
    house.script.plan.extend([under_way] * 24)
    for number in range(9):
        await accept(house, f"n{number}", group={"n": str(number)})
    await house.until(lambda: house.script.under_way == 24)
    assert claims == {"with it": 24, "later": 0}
    under_way.set_result(None)
    await sent(house, 27)
    assert claims == {"with it": 24, "later": 3}


@pytest.mark.parametrize("file", [file_for(rate=1.0)], indirect=True)
async def test_what_an_offer_sends_counts_for_the_pace(house, alone):
    """Of two incidents at once the second waits for its second."""
    await idle(house)
    await accept(house, "a", group={"n": "a"})
    await accept(house, "b", group={"n": "b"})
    await sent(house, 3)
    await house.clock.advance(1)
    await sent(house, 6)


@pytest.mark.parametrize("file", [file_for(pages=frozenset({"slack"}))], indirect=True)
async def test_a_page_is_on_its_way_before_anything_else_is_begun(house, monkeypatch, alone):
    """What calls people has the turns that its writing takes to itself, although others were claimed before it."""
    steps = []

    async def send(delivery, settings, net):
        steps.append(f"{delivery.notification.outlet.channel} begins")
        await asyncio.sleep(0)
        steps.append(f"{delivery.notification.outlet.channel} writes")
        return Receipt("taken")

    await idle(house)
    monkeypatch.setattr(house.script, "send", send)
    await accept(house, "a")
    steps.append("the sender is answered")
    await house.until(lambda: len(steps) == 7)
    assert steps[:3] == ["slack begins", "slack writes", "the sender is answered"]


async def test_what_is_taken_while_it_ends_is_sent(house, monkeypatch, alone):
    """The end waits for the transaction under way, and for the attempt that comes of it; what was not taken by then
    stays in the queue."""
    await idle(house)
    begun, go, claim_new = threading.Event(), threading.Event(), outbox.claim_new

    def held(*given):
        begun.set()
        go.wait(5)
        return claim_new(*given)

    monkeypatch.setattr(outbox, "claim_new", held)
    accepting = asyncio.create_task(accept(house, "a"))
    assert await asyncio.to_thread(begun.wait, 5)
    stopping = asyncio.create_task(house.couriers.stop(5))
    await asyncio.sleep(0.05)
    go.set()
    await asyncio.gather(stopping, accepting)
    assert len(house.script.sent) == 1
    assert sorted((await house.states()).values()) == ["queued", "queued", "sent"]


def test_an_offer_is_withdrawn():
    """Nobody is asked for what he no longer offers; what was never left is withdrawn as well."""
    some = offers.Offers()
    some.withdraw("outlet")
    some.leave("outlet", None)
    some.withdraw("outlet")
    assert some._idle == {}

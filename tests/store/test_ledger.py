"""The ledger in a store: what is counted, what is taken out, how objectives stand."""

import dataclasses

import pytest

from alertd.audit import Act
from alertd.matchers import parse
from alertd.model import DAY, HOUR, MINUTE
from alertd.slo.budget import Standing
from alertd.slo.counts import SLOTS, Count, Hour
from alertd.slo.excluding import Exclusion
from alertd.slo.window import parse as window
from alertd.store import counting, ledger
from alertd.store.counting import Asked, Counted, Declared, Excluding, Named, Promise, Reading, Undoing
from alertd.store.rows import to_json

NOW = 1_800_000_000_000 // DAY * DAY + 12 * HOUR
AVAILABILITY = Promise("checkout", "availability", "0.999", 30 * DAY)
WHOLE = 30 * 24


def even(start, events=1000.0, bad=0.0, known=1.0):
    """An hour in which everything lies evenly."""
    slot = Count(events / SLOTS, bad / SLOTS)
    return Hour(start, Count(events, bad), known, (slot,) * SLOTS if bad else ())


@dataclasses.dataclass
class Book:
    """A ledger and how to write it."""

    db: object
    writer: object

    async def declare(self, *promises, now=NOW - 60 * DAY):
        await self.writer.submit(counting.declare, Declared(promises, now))

    async def series(self, promise=AVAILABILITY, **labels):
        name = Named(promise.service, promise.slo, to_json(labels))
        return (await self.writer.submit(counting.identify, (name,)))[name]

    async def write(self, hours, objective=0.999, source="rows", until=NOW, **labels):
        series = await self.series(**labels)
        counted = [Counted(series, hour, objective, source) for hour in hours]
        await self.writer.submit(counting.save, Reading(counted, {series: until}, (), until))
        return series

    async def stand(self, now=NOW, over=None):
        async with self.db.reader.connect() as connection:
            return await ledger.statuses(connection, now, over)

    async def exclude(self, starts, ends, *match):
        exclusion = Exclusion(f"x{starts}", tuple(map(parse, match)), starts, ends, "upgrade", "ann", NOW)
        act = Act(NOW, "ann", "command", "exclude", "budget", {})
        return await self.writer.submit(counting.exclude, Excluding(exclusion, act))

    async def undo(self, id):
        return await self.writer.submit(counting.undo, Undoing(id, Act(NOW, "ann", "command", "undo", "budget", {})))


@pytest.fixture
async def book(db, writer):
    kept = Book(db, writer)
    await kept.declare(AVAILABILITY)
    return kept


def month(**bad):
    """The hours of thirty days up to now; bad events by how many hours ago."""
    ago = {int(name[1:]): count for name, count in bad.items()}
    return [even(NOW - hours * HOUR, bad=ago.get(hours, 0.0)) for hours in range(WHOLE, 0, -1)]


async def test_what_is_left_is_one_less_what_was_spent(book):
    """720,000 events at 99.9 % allow 720 bad ones."""
    await book.write(month(h100=180.0))
    [status] = await book.stand()
    assert (status.state, status.id, status.events, status.bad) == (Standing.OK, "checkout:availability", 720000, 180)
    assert status.budget_remaining == pytest.approx(0.75)
    assert status.coverage == 1


async def test_an_objective_without_counts_is_unknown(book):
    """Never green, never zero; and it says what to do."""
    [status] = await book.stand()
    assert (status.state, status.budget_remaining, status.burn_rate, status.coverage) == ("unknown", None, None, None)
    assert "rules/generated" in status.reason


async def test_old_errors_leave_the_window(book):
    """An hour older than thirty days counts no more."""
    await book.write([even(NOW - (WHOLE + 1) * HOUR, bad=500.0), *month()])
    [status] = await book.stand()
    assert (status.bad, status.budget_remaining) == (0, 1)


async def test_a_changed_objective_does_not_rewrite_the_past(book):
    """Each hour is judged by the objective of its time."""
    hours = month()
    await book.write(hours[:360])
    await book.declare(dataclasses.replace(AVAILABILITY, objective="0.99"), now=NOW - 15 * DAY)
    await book.write([*hours[360:-1], even(NOW - HOUR, bad=396.0)], objective=0.99)
    await book.write(hours[:1], objective=0.5)  # read once more, with what is in force now
    [status] = await book.stand()
    assert status.slo.objective == 0.99
    assert status.budget_remaining == pytest.approx(1 - 396 / (360 + 3600))


async def test_what_is_written_twice_counts_once(book):
    """By a replica, or again after a crash."""
    for _ in range(2):
        await book.write(month(h5=72.0))
    [status] = await book.stand()
    assert status.budget_remaining == pytest.approx(0.9)


async def test_less_takes_nothing_back(book):
    """An older reading of an hour, of which less was known, does not replace a newer one."""
    await book.write(month(h5=72.0))
    await book.write([even(NOW - 5 * HOUR, events=10, known=0.5)])
    [status] = await book.stand()
    assert status.bad == 72


async def test_maintenance_is_taken_out_and_put_back(book):
    """After the fact, with its row in the audit; taken back, all is as before."""
    await book.write(month(h100=180.0, h50=36.0))
    hour = NOW - 100 * HOUR - MINUTE
    [covered] = await book.exclude(hour, hour + HOUR, 'service="checkout"')
    [status] = await book.stand()
    assert (covered.service, status.bad, status.events) == ("checkout", 36, 719000)
    assert status.coverage == 1
    assert await book.undo(f"x{hour}") == "done"
    assert (await book.stand())[0].bad == 216
    assert await book.undo(f"x{hour}") == "already"


async def test_other_objectives_keep_what_is_taken_out_of_one(book):
    """By its matchers."""
    await book.write(month(h100=180.0))
    await book.exclude(NOW - 200 * HOUR, NOW, 'service="other"')
    [status] = await book.stand()
    assert status.bad == 180


async def test_hours_that_are_written_later_are_excluded_too(book):
    """What is planned is taken out when it is counted."""
    await book.exclude(NOW - 101 * HOUR, NOW - 98 * HOUR, 'service="checkout"')
    await book.write(month(h100=180.0))
    [status] = await book.stand()
    assert status.bad == 0


async def test_a_gap_is_unknown_and_not_good(book):
    """A month of which only half is known has no budget, whatever the other half says."""
    await book.write(month(h5=30.0)[300:])
    [status] = await book.stand()
    assert (status.state, status.budget_remaining, status.forecast.exhausted_at) == ("unknown", None, None)
    assert status.coverage == pytest.approx(420 / 720, abs=0.001)
    assert "only 58% of the window is known" in status.reason


async def test_a_budget_that_is_gone_already_is_gone_whatever_is_not_known(book):
    """More bad events than the whole window could allow."""
    await book.write(month(h5=900.0)[300:])
    [status] = await book.stand()
    assert status.state == Standing.EXHAUSTED
    assert status.budget_remaining < 0


async def test_old_news_are_no_news(book):
    """Nothing new for over a quarter of an hour: how it stands is not known."""
    await book.write(month())
    [status] = await book.stand(NOW + 16 * MINUTE)
    assert (status.state, status.budget_remaining) == (Standing.UNKNOWN, None)
    assert "nothing was counted in the last 16 minutes" in status.reason


async def test_a_prometheus_that_does_not_answer_makes_it_unknown(book):
    """After three minutes; its words are the reason."""
    await book.write(month())
    await book.writer.submit(counting.note, Asked("http://p", "", NOW))
    await book.writer.submit(counting.note, Asked("http://p", "refused", NOW + MINUTE))
    assert (await book.stand(NOW + 2 * MINUTE))[0].state == Standing.OK
    [status] = await book.stand(NOW + 4 * MINUTE)
    assert (status.state, status.reason) == (Standing.UNKNOWN, "refused")


async def test_each_group_stands_for_itself(book):
    """An objective that is split by labels has a budget for each."""
    await book.declare(dataclasses.replace(AVAILABILITY, by=("tenant",)))
    await book.write(month(h5=72.0), tenant="a")
    await book.write(month(), tenant="b")
    assert [(one.id, one.bad) for one in await book.stand()] == [
        ("checkout:availability:tenant=a", 72), ("checkout:availability:tenant=b", 0)]


async def test_the_calendar_month_begins_at_local_midnight(book):
    """By the clocks of a zone: its hours and no others."""
    await book.write(month(h300=100.0))  # NOW is the 15th at noon, so 300 hours ago was the 3rd
    begin = window("month", "Europe/Berlin").begin(NOW)
    [status] = await book.stand(over=window("month", "Europe/Berlin"))
    hours = (NOW - begin) // HOUR
    assert status.events == hours * 1000
    assert status.budget_remaining == pytest.approx(1 - 100 / hours)


async def test_an_objective_may_be_of_the_calendar(book):
    """As rules/ says it; a change of the window is one of the objective's history, and the hours stay as they are."""
    await book.write(month(h300=100.0))
    await book.declare(dataclasses.replace(AVAILABILITY, calendar="month Europe/Berlin"), now=NOW - HOUR)
    [status] = await book.stand()
    [asked] = await book.stand(over=window("month", "Europe/Berlin"))
    assert status == asked
    shown = ledger.view(status)
    assert (shown["window"], shown["timezone"]) == ("month", "Europe/Berlin")
    assert shown["window_ends"] == "2027-01-31T23:00:00.000+00:00"
    async with book.db.reader.connect() as connection:
        was = await ledger.details(connection, status)
    assert [one["window"] for one in was["objectives"]] == ["month", "30d"]


async def test_a_zone_that_is_not_known_here_is_utc(book):
    """A budget by other clocks is better than none."""
    await book.declare(dataclasses.replace(AVAILABILITY, calendar="month Mars/Base"))
    [status] = await book.stand()
    assert status.slo.window == window("month", "UTC")


async def test_the_forecast_knows_that_old_errors_age_out(book):
    """Of 720 bad events 32 are left, and 12 come an hour: under three hours, but the 400 of an outage leave the window
    with its oldest hour. It lasts a day and a half, which is little enough to be at risk."""
    recent = {f"h{ago}": 12.0 for ago in range(1, 25)}
    await book.write(month(h720=400.0, **recent))
    [status] = await book.stand()
    assert status.budget_remaining == pytest.approx(32 / 720)
    assert 30 * HOUR < status.forecast.exhausted_at - NOW < 40 * HOUR
    assert status.state == Standing.AT_RISK

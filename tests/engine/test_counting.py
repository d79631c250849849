"""The ledger follows a Prometheus, one that a test tells what to answer."""

from __future__ import annotations

import dataclasses

import pytest

from alertd.config.routing_file import RoutingFile
from alertd.engine.acts import Person
from alertd.engine.budgets import Budgets, said_in
from alertd.engine.clock import Ids
from alertd.engine.counting import Counting
from alertd.engine.metrics import Metrics
from alertd.engine.setting import Current
from alertd.engine.source import Partial
from alertd.matchers import parse
from alertd.model import DAY, HOUR, MINUTE
from alertd.prometheus import PrometheusUnreachable
from alertd.schedule import Once, Window, Windows
from alertd.slo.budget import Standing
from alertd.slo.counts import SLOT, Count
from alertd.slo.excluding import Exclusion
from alertd.store import database, ledger
from alertd.store.writer import Writer
from tests.engine.conftest import VirtualClock
from tests.reports import T0, routing

NOW = T0 // HOUR * HOUR + 17 * MINUTE  # past the hour: the one before is complete
UP = (("service", "shop"), ("slo", "up"))
RULES = """
services:
  shop: {metrics: prometheus-http, selector: 'job="shop"', slos: {up: {objective: 99%, window: 2d}}}
"""


class FakeSource:
    """Answers as a Prometheus with these rows, at the marks, of this raw history, and of what is open."""

    url = "http://p"

    def __init__(self):
        self.rows: dict = {}
        self.history: dict = {}
        self.open = None
        self.fault = None
        self.asked: list[str] = []

    def evenly(self, since, until, events=10.0, bad=0.0):
        """Rows at every mark in this time."""
        for mark in range(-(-since // SLOT) * SLOT, until + 1, SLOT):
            self.rows[mark] = self.history[mark] = Count(events, bad)

    async def recorded(self, query, first, last):
        return self._answer("recorded", {UP: {at: one for at, one in self.rows.items() if first <= at <= last}})

    async def opened(self, query, at, group):
        return self._answer("open", {} if self.open is None else {UP: {at: self.open}})

    async def raw(self, query, first, last):
        return self._answer("raw", {(): {at: one for at, one in self.history.items() if first <= at <= last}})

    def _answer(self, kind, rows):
        self.asked.append(kind)
        if self.fault:
            raise self.fault
        return {group: counts for group, counts in rows.items() if counts}


@dataclasses.dataclass
class Desk:
    source: FakeSource
    budgets: Budgets
    clock: VirtualClock
    current: Current
    reader: object

    async def minute(self, minutes=1):
        """A minute passes."""
        self.clock.time += minutes * MINUTE
        await self.budgets.tick()

    async def stand(self):
        [status] = await self.budgets.statuses()
        return status


@pytest.fixture
async def desk(tmp_path):
    """Rules are loaded, and a Prometheus has had rows for three days."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/a.yaml").write_text(RULES)
    db = database.connect(f"sqlite:///{tmp_path}/a.db")
    await database.migrate(db)
    writer, clock, source = Writer(db.writer), VirtualClock(), FakeSource()
    writer.start()
    clock.time = NOW
    source.evenly(NOW - 3 * DAY, NOW + DAY)
    source.open = Count(0.0, 0.0)
    current = Current(RoutingFile(routing(), {}, {}), NOW)
    counting = Counting(source, writer, db.reader, clock, Metrics())
    budgets = Budgets(counting, writer, db.reader, current, clock, Ids(1))
    await budgets.declare(said_in(tmp_path / "rules"))
    yield Desk(source, budgets, clock, current, db.reader)
    await writer.stop()
    await db.close()


async def test_two_questions_a_minute(desk):
    """Once history is read: the hour under way, and what came since its last row."""
    await desk.budgets.tick()
    desk.source.asked.clear()
    await desk.minute()
    assert desk.source.asked == ["recorded", "open"]
    status = await desk.stand()
    assert (status.state, status.budget_remaining, status.burn_rate) == (Standing.OK, 1, 0)
    assert status.coverage == 1


async def test_an_outage_is_in_the_budget_with_the_next_minute(desk):
    """What is open counts before its row is there, and is replaced by it."""
    await desk.budgets.tick()
    desk.source.open = Count(10.0, 10.0)
    await desk.minute()
    assert (await desk.stand()).bad == 10
    assert (await desk.stand()).burn_rate > 5
    desk.source.open = Count(0.0, 0.0)
    mark = NOW // SLOT * SLOT
    desk.source.rows[mark] = Count(10.0, 9.0)
    await desk.minute(10)
    assert (await desk.stand()).bad == 9


@pytest.mark.parametrize("fault", [PrometheusUnreachable(url="http://p", query="q", reason="refused"),
                                   Partial(url="http://p", warnings="a store is away")])
async def test_no_answer_and_half_an_answer_are_unknown_and_made_good_later(desk, fault):
    """Not zero and not green; once it answers again nothing is missing."""
    await desk.budgets.tick()
    desk.source.fault = fault
    for _ in range(5):
        await desk.minute()
    status = await desk.stand()
    assert (status.state, status.budget_remaining, status.bad) == (Standing.UNKNOWN, None, None)
    assert "refused" in status.reason or "only in part" in status.reason
    await desk.minute(5 * 60)
    desk.source.fault = None
    await desk.minute()
    status = await desk.stand()
    assert (status.state, status.remarks) == (Standing.OK, ())
    assert status.coverage == 1


async def test_rows_that_stopped_coming_make_it_unknown(desk):
    """Prometheus answers, and has nothing new."""
    desk.source.rows = {at: one for at, one in desk.source.rows.items() if at <= NOW - 30 * MINUTE}
    desk.source.open = None
    await desk.budgets.tick()
    status = await desk.stand()
    assert status.state == Standing.UNKNOWN
    assert "its metrics are gone" in status.reason


async def test_a_gap_is_filled_from_the_raw_series_once(desk):
    """The first row behind it holds what it left out; that hour is read raw too, so that nothing counts twice."""
    gap = NOW // HOUR * HOUR - 6 * HOUR
    first = gap + 2 * HOUR + SLOT
    for mark in range(gap + SLOT, first, SLOT):
        del desk.source.rows[mark]
    desk.source.rows[first] = Count(10.0 + 24 * 10, 5.0)
    desk.source.history[gap + HOUR] = Count(10.0, 5.0)
    await desk.budgets.tick()
    status = await desk.stand()
    true = sum(10 for mark in desk.source.history if status.since < mark <= NOW - 6 * MINUTE)
    assert (status.bad, status.coverage) == (5, 1)
    assert status.events == pytest.approx(true, abs=10)  # a slot at the newest end
    assert "raw" in desk.source.asked
    desk.source.asked.clear()
    for _ in range(3):
        await desk.minute(60)
    assert "raw" not in desk.source.asked


async def test_what_the_raw_series_do_not_know_either_stays_unknown(desk):
    """A Prometheus that was down: the coverage says so, and the row behind it still counts what it held."""
    gap = NOW // HOUR * HOUR - 6 * HOUR
    for mark in range(gap + SLOT, gap + 2 * HOUR + 1, SLOT):
        del desk.source.rows[mark], desk.source.history[mark]
    lump = Count(250.0, 5.0)
    desk.source.rows[gap + 2 * HOUR + SLOT] = desk.source.history[gap + 2 * HOUR + SLOT] = lump
    await desk.budgets.tick()
    status = await desk.stand()
    assert status.bad == 5
    assert status.coverage == pytest.approx(46 / 48, abs=0.01)
    assert "are not known" in status.remarks[0]


async def test_a_window_that_says_so_is_taken_out_as_it_goes_on(desk):
    """`exclude_from_budget`, of the file; ended early, the rest of it counts."""
    await desk.budgets.tick()
    window = Window("upgrade", (parse('service="shop"'),), Once(NOW, NOW + 3 * HOUR), line=7, exclude_from_budget=True)
    file = desk.current.file
    desk.current.file = dataclasses.replace(file, routing=dataclasses.replace(file.routing, windows=Windows([window])))
    for mark in range(NOW // SLOT * SLOT + SLOT, NOW + 4 * HOUR, SLOT):
        desk.source.rows[mark] = Count(10.0, 1.0 if mark <= NOW + HOUR else 0.0)
    for _ in range(60):
        await desk.minute()
    desk.current.file = file  # taken out of the file after an hour
    for _ in range(6):
        await desk.minute(10)
    assert (await desk.stand()).bad <= 1
    async with desk.reader.connect() as connection:
        [one] = await ledger.exclusions(connection, NOW - DAY, NOW + DAY)
    assert (one.starts, one.origin, one.creator) == (NOW, "upgrade", "routing.yaml:7")
    assert one.ends == pytest.approx(NOW + HOUR, abs=2 * MINUTE)


async def test_another_replica_reads_the_same_and_leaves_the_same(desk):
    """Both write; every hour counts once."""
    await desk.budgets.tick()
    before = await desk.stand()
    other = Counting(desk.source, desk.budgets._writer, desk.reader, desk.clock, Metrics())
    other.watch(desk.budgets._counting._watches.values())
    await other.follow()
    desk.budgets._statuses = None
    assert await desk.stand() == before


async def test_nobody_who_asks_waits_for_the_sums(desk, monkeypatch):
    """What was seen in the last minute is the answer, while a new one is made too; what a person took out is seen at
    once."""
    await desk.budgets.tick()
    seen = await desk.budgets.statuses()
    looks, look = [], desk.budgets._look

    async def slow(over):
        looks.append(over)
        assert await desk.budgets.statuses() is seen
        return await look(over)

    monkeypatch.setattr(desk.budgets, "_look", slow)
    await desk.minute()
    assert (await desk.budgets.statuses() is not seen, len(looks)) == (True, 1)
    monkeypatch.setattr(desk.budgets, "_look", look)
    await desk.budgets.exclude(Exclusion("", (), NOW - HOUR, NOW, "test", "", NOW), Person("ann", "command"))
    assert (await desk.stand()).excluded > 0


async def test_without_a_prometheus_it_is_looked_at_beforehand_too(desk):
    """Every few minutes, so that no visitor pays for it."""
    await desk.budgets.tick()
    alone = Budgets(None, desk.budgets._writer, desk.reader, desk.current, desk.clock, Ids(2))
    await alone.tick()
    seen = await alone.statuses()
    assert seen[0].reason.startswith("no Prometheus is asked")
    desk.clock.time += 3 * MINUTE
    await alone.tick()
    assert await alone.statuses() is seen
    desk.clock.time += 2 * MINUTE
    await alone.tick()
    assert (await alone.statuses())[0].at == desk.clock.time

"""Budgets against a real Prometheus with five weeks of history, of which every event is known."""

from __future__ import annotations

import pytest

from alertd.audit import fault
from alertd.config.routing_file import RoutingFile
from alertd.demo import processes
from alertd.engine.acts import Person
from alertd.engine.budgets import Budgets, said_of
from alertd.engine.clock import Ids
from alertd.engine.counting import Counting
from alertd.engine.metrics import Metrics
from alertd.engine.setting import Current
from alertd.engine.source import Source
from alertd.matchers import parse
from alertd.model import DAY, HOUR, MINUTE
from alertd.slo import window
from alertd.slo.excluding import Exclusion
from alertd.store import audit, database
from alertd.store.writer import Writer
from bench.slo.server import prometheus
from tests.engine.conftest import VirtualClock
from tests.flows.budget_world import END, filled
from tests.reports import routing

pytestmark = pytest.mark.skipif(not processes.find_prometheus(), reason="Prometheus is missing")
POINT = 0.001  # a tenth of a percentage point of the budget


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The data, written once."""
    folder = tmp_path_factory.mktemp("history")
    data, declared, truth = filled(folder)
    with prometheus(folder, data) as server:
        yield server, declared, truth


@pytest.fixture
async def budgets(world, tmp_path):
    """An alertd's budgets at the end of that history, and the truth."""
    server, declared, truth = world
    db = database.connect(f"sqlite:///{tmp_path}/a.db")
    await database.migrate(db)
    writer, metrics, clock = Writer(db.writer), Metrics(), VirtualClock()
    writer.start()
    clock.time = END
    source = Source(server.url, metrics)
    counting = Counting(source, writer, db.reader, clock, metrics)
    budgets = Budgets(counting, writer, db.reader, Current(RoutingFile(routing(), {}, {}), clock.time), clock, Ids(1))
    await budgets.declare(said_of(declared))
    await budgets.tick()
    yield budgets, truth, db
    source.close()
    await writer.stop()
    await db.close()


async def test_every_budget_is_the_truth_on_its_first_day(budgets):
    """The rules were loaded six hours ago; the weeks before are filled from the raw counters. Rolling windows, and a
    calendar month by the clocks of Berlin, which changed in it."""
    budgets, truth, _ = budgets
    found = {one.id: one for one in await budgets.statuses()}
    for id, name, objective, days in (("checkout:availability", "checkout", 0.999, 30),
                                      ("checkout:weekly", "checkout", 0.99, 7),
                                      ("checkout:latency", "checkout", 0.99, 7),
                                      ("checkout:steady", "checkout steady", 0.99, 7),
                                      ("tenants:each:tenant=a", "tenants a", 0.995, 28),
                                      ("tenants:each:tenant=b", "tenants b", 0.995, 28)):
        true = truth[name].left(objective, END - days * DAY, END)
        assert found[id].budget_remaining == pytest.approx(true, abs=POINT), id
        assert found[id].coverage > 0.999


async def test_the_calendar_month_is_the_truth(budgets):
    """March by the clocks of Berlin, which changed in it, and by UTC."""
    budgets, truth, _ = budgets
    for zone, begin in (("UTC", END - 30 * DAY - 12 * HOUR), ("Europe/Berlin", END - 30 * DAY - 13 * HOUR)):
        found = {one.id: one for one in await budgets.statuses(window.parse("month", zone))}
        assert found["checkout:availability"].since == begin
        true = truth["checkout"].left(0.999, begin, END)
        assert found["checkout:availability"].budget_remaining == pytest.approx(true, abs=POINT)


@pytest.mark.parametrize(("ago", "length"), [
    (3 * DAY + 2 * HOUR + 17 * MINUTE, 25 * MINUTE),  # just the outage
    (12 * DAY + 2 * HOUR, 100 * MINUTE),  # the outage goes on before and after
    (29 * DAY + 7 * HOUR, 2 * HOUR)])  # full hours, the outage within
async def test_maintenance_is_taken_out_after_the_fact(budgets, ago, length):
    """To the minute, though rows are of five; with its row in the audit, and back again when it is undone."""
    budgets, truth, db = budgets
    before = {one.id: one.budget_remaining for one in await budgets.statuses()}
    starts = END - ago
    matchers = (parse('service="checkout"'),)
    made, covered = await budgets.exclude(
        Exclusion("", matchers, starts, starts + length, "upgrade", "", END), Person("ann", "command"))
    assert {series.slo for series in covered} == {"availability", "weekly", "latency", "steady"}
    [status] = [one for one in await budgets.statuses() if one.id == "checkout:availability"]
    true = truth["checkout"].left(0.999, END - 30 * DAY, END, (starts, starts + length))
    assert status.budget_remaining == pytest.approx(true, abs=POINT)
    await budgets.undo(made.id, Person("ann", "command"))
    assert {one.id: one.budget_remaining for one in await budgets.statuses()} == before
    async with db.reader.connect() as connection:
        links, head = await audit.whole(connection)
    assert [link.act.action for link in links] == ["exclude", "undo"]
    assert fault(links, [head]) is None

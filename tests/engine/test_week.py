"""A week of simulated time: what alertd keeps does not grow from one day to the next."""

from __future__ import annotations

import dataclasses
import gc
import tracemalloc

import pytest

from alertd import channels
from alertd.engine.cleanup import Cleanup
from alertd.engine.metrics import Metrics
from alertd.engine.setting import Current
from alertd.model import DAY, HOUR
from tests.engine.simulation import Name, Simulation, routing_file

DAYS, STEP, EACH = 7, 3, 3  # incidents every so many hours
STEADY = 3  # days after which as much goes as comes: one is kept, one is on its way, one to fill what SQLite grows by


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_a_week_leaves_no_more_than_its_last_days() -> None:
    """With a day kept: the store has as many pages at the end of the week as after three days, and the process holds
    as many bytes, to a tenth; though every few hours other alerts begin and end, and are told."""
    file = dataclasses.replace(routing_file(), retention=DAY)
    sim = Simulation(file)
    cleanup = Cleanup(sim.engine.writer, Current(file, 0), sim, Metrics())
    pages, held = [], []
    tracemalloc.start()
    for hour in range(0, DAYS * 24, STEP):
        _hours(sim, hour)
        sim.do(cleanup.tick())
        if hour % 24 == 24 - STEP:
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
            with sim.reading() as connection:
                pages.append(connection.exec_driver_sql("PRAGMA page_count").scalar())
    tracemalloc.stop()
    sim.close()
    assert pages[-1] <= pages[STEADY - 1] * 1.1, pages
    assert held[-1] <= held[STEADY - 1] * 1.1, held


def _hours(sim: Simulation, hour: int) -> None:
    """Some begin, burn for half of it, and end; then what the world outside remembers is forgotten."""
    names = [Name(f"Alert{hour}-{number}", "a", ("critical", "warning", "info")[number % 3]) for number in range(EACH)]
    for change in (sim.alertmanager.fire, sim.alertmanager.end):
        for name in names:
            change(name, sim.truth())
            sim.do(sim.engine.intake.accept(sim.alertmanager.body(name.alertname)))
        sim.run(STEP * HOUR / 2 / 1000, lambda: None)
    sim.vendors.effects.clear()
    sim.alertmanager.ended.clear()
    channels.load.reset_mock()  # type: ignore[attr-defined]  # the simulation's: it remembers every call

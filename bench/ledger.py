"""The job: a thousand objectives with a month of hours in the store, and the turn that reads an hour that is over."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import shutil
import signal
import time
from pathlib import Path

from alertd.config import rules_file
from alertd.config.routing_file import RoutingFile
from alertd.engine.budgets import Budgets, said_in, said_of
from alertd.engine.clock import Ids
from alertd.engine.counting import Counting
from alertd.engine.metrics import Metrics
from alertd.engine.process import collect_rarely, share_often
from alertd.engine.setting import Current
from alertd.engine.source import Source
from alertd.model import DAY, HOUR, MINUTE, SECOND, Millis
from alertd.routing import Routing
from alertd.slo.counts import SLOT, Count, Hour
from alertd.store import counting, database
from alertd.store.counting import Counted, Named, Reading
from alertd.store.progress import Filled
from alertd.store.writer import Writer
from bench import processes
from bench.figures import Figure
from bench.lagged import watch
from bench.slo.server import load, prometheus

FEW, MANY = 10, 1_000
OBJECTIVES = ("a", "b", "c", "d", "e")  # of each service
NOW: Millis = 1_774_958_400_000 + 7 * MINUTE  # seven past: the hour before is complete, and was not read yet
HOURS = 30 * 24


@dataclasses.dataclass(slots=True)
class _Clock:
    time: Millis = NOW

    def now(self) -> Millis:
        return self.time

    async def sleep_until(self, event: asyncio.Event, wake_at: Millis | None) -> None:
        await event.wait()


@dataclasses.dataclass(frozen=True, slots=True)
class _Turn:
    seconds: float
    queries: float
    longest: float  # seconds that the loop was away
    known: int


def ledger(folder: Path, rounds: int) -> list[Figure]:
    """Seconds and queries of a turn, and how long the event loop was away in it; few objectives beside many."""
    found: dict[tuple[int, str], list[_Turn]] = {}
    idle: list[float] = []
    for number in (FEW, MANY):
        place = folder / f"ledger{number}"
        _world(place, number)
        with prometheus(place, place / "data") as server:
            for _ in range(rounds):
                with processes.idle_watch() as beside:
                    beside.process.send_signal(signal.SIGUSR1)
                    hour, minute = asyncio.run(_turns(place, server.url))
                found.setdefault((number, "hour"), []).append(hour)
                found.setdefault((number, "minute"), []).append(minute)
                idle += [beside.said[-1]["longest"] * 1000] if number == MANY else []
    if any(turn.known < number for (number, _), turns in found.items() for turn in turns):
        raise RuntimeError("an objective is unknown after its turn: this measures nothing")

    def of(number: int, name: str, field: str, scale: float = 1.0) -> tuple[float, ...]:
        return tuple(getattr(turn, field) * scale for turn in found[number, name])

    return [
        Figure(f"F {MANY} objectives, the turn of an hour and how all stand", "s", of(MANY, "hour", "seconds"), (), 5,
               False),
        Figure(f"F the same of a minute within the hour, {MANY} against {FEW}", "s", of(MANY, "minute", "seconds"),
               of(FEW, "minute", "seconds"), None, False),
        Figure(f"F its queries, {MANY} objectives against {FEW}", "", of(MANY, "hour", "queries"),
               of(FEW, "hour", "queries"), 2, False),
        Figure("F longest block of the event loop meanwhile", "ms", of(MANY, "hour", "longest", 1000), (), 50, False),
        Figure("F the same of a loop that does nothing beside it", "ms", tuple(idle), (), None, False),
    ]


def _world(place: Path, number: int) -> None:
    """Rules, the rows of the last two hours in a Prometheus' data, and a store with the month before them."""
    (place / "rules").mkdir(parents=True)
    services = number // len(OBJECTIVES)
    slos = ", ".join(f"{name}: {{objective: 99.9%}}" for name in OBJECTIVES)
    (place / "rules/all.yaml").write_text("services:\n" + "".join(
        f"  s{at}: {{metrics: prometheus-http, selector: 'job=\"s{at}\"', slos: {{{slos}}}}}\n"
        for at in range(services)))
    hour, points = NOW // HOUR * HOUR, {}
    for at in range(services):
        for name in OBJECTIVES:
            labels = f'service="s{at}",slo="{name}"'
            for part, value in (("events", 1000.0), ("bad", 0.0)):
                points[f"slo:{part}:increase5m{{{labels}}}"] = [
                    ((mark + 40 * SECOND) / 1000, value) for mark in range(hour - 2 * HOUR, NOW - MINUTE, SLOT)]
                among = ',slo_bad="true"' * (part == "bad")
                points[f'slo:events:open{{{labels},part="among"{among}}}'] = [
                    (second / 1000, value) for second in range(NOW - 10 * MINUTE, NOW + 2 * MINUTE, 30 * SECOND)]
    load(place / "data", points)
    asyncio.run(_store(place, hour - HOUR))


async def _store(place: Path, until: Millis) -> None:
    db = database.connect(f"sqlite:///{place}/month.db")
    await database.migrate(db)
    writer, clock = Writer(db.writer), _Clock(until - 31 * DAY)
    writer.start()
    declared = rules_file.load(place / "rules").declared
    await Budgets(None, writer, db.reader, _current(), clock, Ids(1)).declare(said_of(declared))
    names = tuple(Named(service.name, slo.name, "{}") for service in declared.services for slo in service.objectives)
    ids = list((await writer.submit(counting.identify, names)).values())
    for at in range(until - HOURS * HOUR, until, HOUR):
        hours = [Counted(id, Hour(at, Count(12_000.0, 0.0), 1.0), 0.999, counting.ROWS) for id in ids]
        await writer.submit(counting.save, Reading(hours, {}, (at,), until))
    done = tuple(Filled(name.service, name.slo, until - 40 * DAY, until) for name in names)
    read = range(until - 100 * DAY, until, HOUR)
    await writer.submit(counting.save, Reading((), dict.fromkeys(ids, until), tuple(read), until, done))
    await writer.stop()
    await db.close()


async def _turns(place: Path, url: str) -> tuple[_Turn, _Turn]:
    """The turn that finds an hour over, and the one a minute later; each with how all stand."""
    for name in ("month.db", "month.db-wal"):
        if (place / name).exists():
            shutil.copy(place / name, place / name.replace("month", "turn"))
    db = database.connect(f"sqlite:///{place}/turn.db")
    writer, clock, metrics, lags = Writer(db.writer), _Clock(), Metrics(), list[float]()
    writer.start()
    collect_rarely()
    share_often()
    watching = asyncio.create_task(watch(lags))
    with contextlib.closing(Source(url, metrics)) as source:
        count = Counting(source, writer, db.reader, clock, metrics)
        budgets = Budgets(count, writer, db.reader, _current(), clock, Ids(1))
        await budgets.declare(await asyncio.to_thread(said_in, place / "rules"))
        turns = []
        for _ in range(2):
            before = _queries(metrics)
            lags.clear()
            begun = time.monotonic()
            await budgets.tick()
            statuses = await budgets.statuses()
            seconds = time.monotonic() - begun
            turns.append(_Turn(seconds, _queries(metrics) - before, max(lags, default=0.0),
                               sum(one.budget_remaining is not None for one in statuses)))
            clock.time += MINUTE
    watching.cancel()
    await writer.stop()
    await db.close()
    return turns[0], turns[1]


def _current() -> Current:
    return Current(RoutingFile(Routing({}, {}), {}, {}), 0)


def _queries(metrics: Metrics) -> float:
    return sum(sample.value for family in metrics.ledger_queries.collect() for sample in family.samples
               if sample.name.endswith("_total"))

"""Ninety days of history: alerts by the million straight in the store, what it takes to count their hours, what people
ask of it, and what the daily cleanup takes and leaves."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import random
import sqlite3
import statistics
import time
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from alertd.audit import Act, hash_of
from alertd.config.routing_file import RoutingFile
from alertd.engine.cleanup import Cleanup
from alertd.engine.clock import SystemClock, first_id
from alertd.engine.metrics import Metrics
from alertd.engine.setting import Current
from alertd.engine.tallying import Tallying
from alertd.model import DAY, MINUTE
from alertd.routing import Routing
from alertd.store import database, tallies
from alertd.store.writer import Writer
from bench import processes
from bench.figures import Figure, because, percentile
from bench.state import resident

ALERTS = 1_000_000  # ten million by `--alerts 10000000`: a quarter of an hour in all, and 6 GB
DAYS = 91  # one more than is kept, so that there is a day for the cleanup
EACH = 10  # alerts of an incident
OPEN = 2_000  # the newest incidents
LOOKS = 20
ACKNOWLEDGED = 25  # one incident of so many, by a person
RESIDENT = 400  # MB of the daemon that answers
NOTES = {
    "digest": "it sums the hours that are counted and reads the edges of its day; of its facts, 37 ms at a million "
              "alerts, a third is to ask two dozen times by the driver's thread, 0.4 ms each, and an eighth to find "
              "what is open and which critical incidents have no runbook",
    "statistics": "it sums the days that are counted, a row for each kind of alert: tens of thousands of kinds a day "
                  "are too many; ?weeks= asks for fewer",
}
DISK = (
    "it is some thousands of rows and their sync, and on a disk that stalls the stall too: at a million alerts 8 ms, "
    "and 50 in a run in which a page that was synced beside it took 52 (the row below); at ten million 299 beside 316, "
    "and of the cleanup 276 beside 264. It would take a disk that does not stall, or a PostgreSQL that has one")
RAW = 700  # bytes of a webhook with ten alerts, deflated

# Every table from `made`, which numbers the incidents and says when each began. Ids sort by time, as alertd's do.
_FILL = f"""
INSERT INTO webhooks SELECT id, at, 'http://am', key, {EACH}, 0, 'accepted', '', randomblob({RAW}) FROM made;
INSERT INTO incidents (id, key, source, labels, severity, epoch, revision, state, opened_at, firing, alerts,
  resolved_at) SELECT id || '-0', key, 'http://am', labels, severity, 1, 2, iif(burns, 'open', 'resolved'), at,
  iif(burns, {EACH}, 0), {EACH}, iif(burns, NULL, at + 600000) FROM made;
INSERT INTO alerts (id, source, fingerprint, incident, severity, labels, annotations, starts_at, newest_start, ends_at,
  closed_at, generator_url) SELECT id || '.' || part, 'http://am', printf('%016x', n * 16411 + part), id || '-0',
  severity, labels, '{{"summary":"Checkout errors 4.2 % in namespace","runbook_url":"https://runbooks.example.com/a"}}',
  at, at, iif(burns, NULL, at + 600000), iif(burns, NULL, at + 600000), 'http://prometheus.example.com:9090/graph'
  FROM made, parts;
INSERT INTO notifications (id, incident, kind, severity, rank, epoch, receiver, channel, target, style, state, reason,
  created_at, next_at, attempts, ambiguous, settled_at) SELECT printf('%016x%02d', n, part), id || '-0',
  iif(part, 'resolved', 'firing'), severity, 3, 1, iif(severity = 'critical', 'on-call', 'slack'),
  iif(severity = 'critical', 'pagerduty', 'slack'), iif(severity = 'critical', '', '#alerts'),
  'responder', 'sent', 'taken', at, at, 1, 0, at + 900 FROM made, parts WHERE part < 2 AND NOT (burns AND part);
INSERT INTO attempts (notification, started_at, finished_at, event, detail) SELECT printf('%016x%02d', n, part), at,
  at + 900, 'accept', 'taken' FROM made, parts WHERE part < 2;
INSERT INTO decisions (webhook, incident, at, verdict, why) SELECT id, id || '-0', at, 'opened as ' || severity,
  '["routing.yaml:9 warning → slack"]' FROM made;
"""


def years(folder: Path, rounds: int, alerts: int = ALERTS) -> list[Figure]:
    """One store for all rounds: only to look at it is repeated. The cleanup takes the oldest of 91 days, and then a day
    is written anew, for which the file has room by then."""
    store, now = folder / "years.db", time.time_ns() // 1_000_000
    with processes.sink() as sink:
        with contextlib.ExitStack() as once:
            once.enter_context(processes.alertd(folder, sink.said[0], store=store))  # makes the store
        incidents = alerts // EACH
        fill(store, range(incidents), now - DAYS * DAY, now, OPEN)
        bare = store.stat().st_size
        with processes.disk_watch(folder) as counted:
            counting, kept = asyncio.run(_by_hand(store, _count))
        size = store.stat().st_size
        got: dict[str, list[float]] = {}
        for number in range(rounds):
            begun = time.monotonic()
            with processes.alertd(folder, sink.said[0], store=store, digest=True) as daemon:
                got.setdefault("ready", []).append(time.monotonic() - begun)
                _look(got, f"http://127.0.0.1:{daemon.port}", _some(store, number))
                got.setdefault("resident", []).append(resident(daemon.process.pid))
    with processes.disk_watch(folder) as cleaned:
        cleaning, gone = asyncio.run(_by_hand(store, _clean))
    write, batch = counting.longest * 1000, cleaning.longest * 1000
    while_counting, while_cleaning = (watch.said[-1]["longest"] * 1000 for watch in (counted, cleaned))
    day = incidents // DAYS
    fill(store, range(incidents, incidents + day), now, now + 1000, 0)
    figures = [Figure(f"Y {name}, {alerts // 1000}k alerts of 90 days, {what}", "ms", tuple(got[f"{name} {what}"]), (),
                      150 if what == "median" else None, False, NOTES.get(name, ""))
               for name in ("first page", "digest", "explain", "incident's page", "statistics")
               for what in ("median", "p95")]
    return [*figures,
            Figure("Y ready on that store", "s", tuple(got["ready"]), (), 5, False),
            Figure("Y resident after all these looks", "MB", tuple(got["resident"]), (), RESIDENT, False),
            Figure("Y bytes of the store an alert, with what belongs to it", "B", (size / alerts,), (), 1500, False),
            Figure("Y of these the figures of its hours", "B", ((size - bare) / alerts,), (), 50, False),
            Figure(f"Y to count all hours and days, {kept} of them", "s", (counting.seconds,), (), 3600, False),
            Figure("Y the longest write of that, which webhooks wait for", "ms", (write,), (), 100, False,
                   because(DISK, [write], [while_counting])),
            Figure("Y the longest sync of a page of the same disk, counting", "ms", (while_counting,), (), None, False),
            Figure(f"Y the day's cleanup, {gone} rows", "s", (cleaning.seconds,), (), 3600, False),
            Figure("Y its longest batch, which webhooks wait for", "ms", (batch,), (), 100, False,
                   because(DISK, [batch], [while_cleaning])),
            Figure("Y the longest sync of a page of the same disk, cleaning", "ms", (while_cleaning,), (), None, False),
            Figure("Y the store after a day went and a day came, against before", "", (store.stat().st_size / size,),
                   (), 1.02, False)]


def fill(store: Path, numbers: range, since: int, until: int, burning: int) -> None:
    """Incidents with these numbers, evenly from `since` to `until`; the last `burning` are open."""
    with contextlib.closing(sqlite3.connect(store)) as db:
        db.create_function("first_id", 1, first_id, deterministic=True)
        db.execute("PRAGMA synchronous = OFF")  # filling is not what is measured
        db.execute("PRAGMA journal_mode = OFF")  # nor is there a second copy of gigabytes to write and take back
        db.execute("PRAGMA temp_store = MEMORY")
        db.execute("CREATE TEMP TABLE parts AS WITH RECURSIVE p(part) AS "
                   f"(SELECT 0 UNION ALL SELECT part + 1 FROM p WHERE part < {EACH - 1}) SELECT part FROM p")
        step = (until - since) / len(numbers)
        db.execute(
            "CREATE TEMP TABLE made AS WITH RECURSIVE c(n) AS (SELECT ? UNION ALL SELECT n + 1 FROM c WHERE n < ?) "
            "SELECT n, cast(? + (n - ?) * ? AS INTEGER) AS at, first_id(cast(? + (n - ?) * ? AS INTEGER)) "
            "|| substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + n % 32, 1) "
            "|| substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + n / 32 % 32, 1) AS id, printf('%016x', n) AS key, "
            "CASE n % 3 WHEN 0 THEN 'critical' WHEN 1 THEN 'warning' ELSE 'info' END AS severity, "
            "json_object('alertname', 'Alert' || (n % 40), 'cluster', 'eu-1', 'service', 'service-' || (n % 1000)) "
            "AS labels, n > ? AS burns FROM c",
            (numbers[0], numbers[-1], since, numbers[0], step, since, numbers[0], step,
             numbers[-1] - burning))
        db.executescript(f"BEGIN; {_FILL} COMMIT;")
        _acknowledge(db)
        db.execute("PRAGMA journal_mode = WAL")
    with store.open("rb") as file:
        os.fsync(file.fileno())  # nor is the first sync of the disk after it


def _acknowledge(db: sqlite3.Connection) -> None:
    """Some incidents, three minutes after each began, as the audit has it."""
    seq, before = db.execute("SELECT seq, hash FROM audit_head").fetchone()
    rows = []
    for id, opened in db.execute(
            f"SELECT id || '-0', at FROM made WHERE n % {ACKNOWLEDGED} = 0 ORDER BY n").fetchall():
        act = Act(opened + 3 * MINUTE, "jane", "page", "acknowledge", f"incident {id}", {})
        seq, before, previous = seq + 1, hash_of(act, before), before
        rows.append((seq, act.at, act.actor, act.via, act.action, act.object, "{}", previous, before))
    with db:
        db.executemany("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        db.execute("UPDATE audit_head SET seq = ?, hash = ?", (seq, before))


def _some(store: Path, seed: int) -> list[str]:
    """Ids of incidents from all over the ninety days."""
    with contextlib.closing(sqlite3.connect(store)) as db:
        most = db.execute("SELECT max(rowid) FROM incidents").fetchone()[0]
        rows = random.Random(seed).sample(range(1, most), LOOKS)
        return [db.execute("SELECT id FROM incidents WHERE rowid = ?", (row,)).fetchone()[0] for row in rows]


def _look(got: dict[str, list[float]], base: str, ids: list[str]) -> None:
    for name, addresses in (("first page", ["/"] * LOOKS), ("digest", ["/api/v1/digest/preview"] * LOOKS),
                            ("explain", [f"/api/v1/incidents/{id}" for id in ids]),
                            ("incident's page", [f"/incidents/{id}" for id in ids]),
                            ("statistics", ["/statistics"] * 3)):
        times = []
        for address in addresses:
            begun = time.perf_counter()
            with urllib.request.urlopen(base + address, timeout=120) as answer:
                answer.read()
            times.append((time.perf_counter() - begun) * 1000)
        got.setdefault(f"{name} median", []).append(statistics.median(times))
        got.setdefault(f"{name} p95", []).append(percentile(times, 0.95))


@dataclasses.dataclass(slots=True)
class Hand:
    """A writer that the engine's own work is given, and how long (seconds) it took in all and in its longest write."""

    writer: Writer
    reader: AsyncEngine
    seconds: float = 0.0
    longest: float = 0.0

    async def submit(self, handler: Any, item: Any) -> Any:
        begun = time.monotonic()
        answer = await self.writer.submit(handler, item)
        self.longest = max(self.longest, time.monotonic() - begun)
        return answer


async def _by_hand(store: Path, work: Callable[[Hand], Awaitable[int]]) -> tuple[Hand, int]:
    """The work without a daemon around it, and what it returns."""
    db = database.connect(f"sqlite:///{store}")
    hand = Hand(Writer(db.writer), db.reader)
    hand.writer.start()
    begun = time.monotonic()
    found = await work(hand)
    hand.seconds = time.monotonic() - begun
    await hand.writer.stop()
    await db.close()
    return hand, found


async def _count(hand: Hand) -> int:
    """Every hour and day that is over, those too that the cleanup then takes."""
    await Tallying(hand, hand.reader, _nothing(retention=(DAYS + 1) * DAY), SystemClock(), pause=0).tick()  # type: ignore[arg-type]  # all it asks of
    async with hand.reader.connect() as connection:
        return sum(map(len, await tallies.counted(connection, 0, SystemClock().now())))


async def _clean(hand: Hand) -> int:
    """The daily cleanup; how many rows it took."""
    metrics = Metrics()
    await Cleanup(hand, _nothing(), SystemClock(), metrics).tick()  # type: ignore[arg-type]  # likewise
    return int(metrics.cleaned._value.get())


def _nothing(**more: Any) -> Current:
    """No receivers and no routes."""
    return Current(RoutingFile(Routing({}, {}), {}, {}, **more), 0)

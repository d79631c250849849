"""A hundred thousand alerts that fire at once: what they take of memory, and how soon a daemon is back with them."""

from __future__ import annotations

import time
from pathlib import Path

from sqlalchemy import create_engine

from bench import processes
from bench.crowd import dead_letters
from bench.figures import Figure
from bench.load import Plan
from bench.page import worked

ALERTS, EACH = 100_000, 10
QUEUED = 10_000  # messages that wait
RATE = 400  # webhooks a second, well below what is taken
MIB = 1.048576  # megabytes


def state(folder: Path, rounds: int) -> list[Figure]:
    """Memory over that of the same daemon at rest, while all fire and a minute's messages leave; then a restart with
    all of them and 10,000 messages in the queue, from the start of the process until it is ready."""
    over, ready, work = list[float](), list[float](), list[float]()
    for number in range(rounds):
        store = folder / f"state-{number}.db"
        with processes.sink("limit-pagerduty") as sink:
            with processes.alertd(folder, sink.said[0], "slack", store=store) as daemon:
                time.sleep(1)
                rest = resident(daemon.process.pid)
                groups = ALERTS // EACH
                report = processes.load(Plan(daemon.port, groups / RATE, alerts=EACH, rate=RATE))
                if report.answered < groups:
                    raise RuntimeError(f"{groups - report.answered} of {groups} webhooks were not taken")
                time.sleep(2)
                over.append((resident(daemon.process.pid) - rest) / MIB)
            engine = create_engine(f"sqlite:///{store}")
            with engine.begin() as connection:
                dead_letters(connection, QUEUED, "queued")
            engine.dispose()
            begun = time.monotonic()
            with processes.alertd(folder, sink.said[0], "slack", store=store) as daemon:
                ready.append(time.monotonic() - begun)
                work.append(worked(daemon.process.pid) / 1000)
        store.unlink()
    return [Figure("M memory of 100,000 firing alerts, over rest", "MiB", tuple(over), (), 250, False),
            Figure("M ready after a restart with them and 10,000 messages queued", "s", tuple(ready), (), 5, False),
            Figure("M the same, the work of the daemon until then", "s", tuple(work), (), 5, False)]


def resident(pid: int) -> float:
    """Megabytes."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024 / 1e6

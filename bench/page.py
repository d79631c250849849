"""How long the first page takes on a very bad day, and how large it is."""

from __future__ import annotations

import os
import signal
import statistics
import time
import urllib.request
from pathlib import Path

from sqlalchemy import create_engine

from alertd.web.frame import PLACES
from bench import processes
from bench.crowd import crowd
from bench.figures import Figure, percentile

INCIDENTS, SLOS, HOURS = 2_000, 1_000, 720
LOOKS = 30
SETTLE = 8  # seconds, longer than between two looks of the daemon's own
TIME, SIZE = 100, 200  # ms, kB
BLOCK = 20  # ms, as among large webhooks
LONG = ("/metrics", "/api/v1/status", "/api/v1/slos?limit=1000", "/api/v1/incidents?limit=1000",
        "/api/v1/alerts?limit=1000", "/api/v1/notifications?limit=1000")


def page(folder: Path, rounds: int) -> list[Figure]:
    """Of 2,000 open incidents and 1,000 objectives with a month of counts. How the objectives stand is worked out
    beside, before anybody asks; the first look after that draws the worst of them, and is shown apart."""
    first, middle, slow, size, work = list[float](), list[float](), list[float](), list[float](), list[float]()
    block = list[float]()
    with processes.sink() as sink:
        for number in range(rounds):
            store = folder / f"page-{number}.db"
            with processes.alertd(folder, sink.said[0], store=store) as daemon:
                engine = create_engine(f"sqlite:///{store}")
                with engine.begin() as connection:
                    crowd(connection, INCIDENTS, SLOS, hours=HOURS)
                engine.dispose()
                _seen(daemon.port)
                looks = [_look(daemon.port) for _ in range(2)]
                before = worked(daemon.process.pid)
                looks += [_look(daemon.port) for _ in range(LOOKS)]
                work.append((worked(daemon.process.pid) - before) / LOOKS)
                times = [took for took, _ in looks[2:]]
                first.append(looks[0][0])
                middle.append(statistics.median(times))
                slow.append(percentile(times, 0.95))
                size.append(max(length for _, length in looks) / 1000)
            with processes.alertd(folder, sink.said[0], store=store, watched=True) as daemon:
                _seen(daemon.port)
                daemon.process.send_signal(signal.SIGUSR1)
                for place in (*(place for place, _ in PLACES), *LONG):
                    _look(daemon.port, place)
            block.append(daemon.said[-1]["longest"] * 1000)
            store.unlink()
    return [
        Figure("H first page, 2,000 open incidents, 1,000 objectives, median", "ms", tuple(middle), (), TIME, False),
        Figure("H the same, the work of the server on each", "ms", tuple(work), (), TIME, False),
        Figure("H the same, p95 of 30", "ms", tuple(slow), (), None, False),
        Figure("H the first look after how the objectives stand was seen anew", "ms", tuple(first), (), None, False),
        Figure("H its size", "kB", tuple(size), (), SIZE, False),
        Figure("H longest block of the event loop, each place of the navigation and long list asked for once", "ms",
               tuple(block), (), BLOCK, False),
    ]


def _seen(port: int) -> None:
    """Wait until the daemon has seen the objectives by itself, as it does every few seconds while there were none."""
    for _ in range(60):
        time.sleep(SETTLE)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/slos?limit=1", timeout=60) as answer:
            if b'"service"' in answer.read():
                return
    raise RuntimeError("the daemon sees no objective: this measures nothing")


def worked(pid: int) -> float:
    """Milliseconds of a core that the process has had: what neighbours on the machine do does not count."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def _look(port: int, place: str = "/") -> tuple[float, int]:
    """Milliseconds, and bytes."""
    began = time.perf_counter()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{place}", timeout=60) as answer:
        length = len(answer.read())
    return (time.perf_counter() - began) * 1000, length

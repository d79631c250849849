"""The jobs. Each is a number of rounds; what is compared is measured in turn within a round."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import processes
from bench.alerta import alerta
from bench.build import build
from bench.figures import Figure, because, percentile
from bench.ledger import ledger
from bench.load import Plan, Report
from bench.page import page
from bench.peer import peer
from bench.processes import Running
from bench.replicas import replicas
from bench.slo.job import budgets
from bench.state import state
from bench.vendors import throttled
from bench.years import years

Rounds = Mapping[str, list[float]]
SECONDS = 3.0  # of one measurement; long enough for some checkpoints of the store
MANY = 20.0  # where a share of each kind of message is compared: a p99 is the tenth of a thousand
ROUNDS = 3
SETTLE = 4.0  # for what is late: it counts, and late it is
BUSIEST = 0.8  # of a core, for the sender
UNCHANGED = 1.25  # what two runs of the same differ by on a shared machine
REPEATED = 64  # groups that fire again and again
ONE = "a webhook with 1 alert, critical to on-call"
ONE_INTERPRETER = (
    "one interpreter does it all, 0.36 ms for a webhook of 10 (py-spy, perf): HTTP 0.05, decoding 0.04, deciding 0.07, "
    "rows and statements 0.12, the commit 0.04. While all that sends waits for one commit its threads take turns: of "
    "12 ms for 32 webhooks 7.5 are the writer's, 4 the loop's. Transactions of half as many, begun while the others "
    "are answered and read, made the two fight for the interpreter: 8 % less, and 10 % less where those are answered "
    "only while the next one is written. In a slow hour of the machine the two took a tenth more where they were kept "
    "on one core (by hand, four rounds in turn); decoding in the writer's thread gained nothing, nor did uvloop. "
    "Processes of their own for its parts do not reach it on two cores: built roughly, with nothing read back and "
    "nothing sent, so that it is the most there can be, SQLite apart took 1.25 times as many, HTTP and SQLite apart "
    "1.29 times (eleven rounds in turn, 0.9 to 1.6): 0.7 of the bare server in place of 0.55, with the parts and the "
    "sender on both cores all the time. What might: to decode, decide and make rows in a compiled language, with all "
    "else as it is. Those are 0.16 ms; with the rows of a first webhook in their place, in which calls of C write the "
    "id and the group of each further one, and with nothing looked up or remembered, so that it is the most there can "
    "be, it took 0.84 of the bare server at the median of seven rounds in turn (0.63 to 0.96), and 0.48 as it is. "
    "mypyc, which would leave the code as it is, gave 6 to 8 %")
REPEATS = (
    "a repeat of 10 costs the one interpreter, besides HTTP (0.05 ms) and decoding (0.03), 0.08 ms to find that it is "
    "one (timed in one thread, 32 to a transaction): 0.026 to fetch what is known of its alerts, 0.022 to make values "
    "of that, 0.02 to compare; and the commit 0.03 to 0.09, as the disk is. It would take, by reckoning, to fetch only "
    "what is compared and to compare texts as they are kept: a tenth of it all")
WAITED = (
    "no yes is given before the sync, so a disk that stalls is waited for, as by the store-only server in the row "
    "below: of four rounds in turn at 800 webhooks/s its p99 was 4.3, 5.0, 110 and 185 ms, alertd's 16 to 33. It would "
    "take a disk that does not stall, or a PostgreSQL that has one")
LEFT = (
    "where the loop was away for longest a sampler found the collector's look at what a webhook of 10,000 alerts "
    "brought (5 to 10 ms in a slow hour, in whichever thread), or other threads at their turns, decoding, deciding and "
    "composing; letting go of such a webhook and its changes takes 4 to 6 (timed by itself). It would take looks of "
    "the collector while nobody waits, and changes let go of in parts")


def intake(folder: Path, rounds: int) -> list[Figure]:
    """How many webhooks are taken a second, of new groups (each opens an incident with 4 messages) and repeats.

    Delivery is on, with the usual rates of every channel, to a sink that accepts at once; PagerDuty takes as many as
    the vendor does. The last row is without that limit: then sending takes a share of the one interpreter.
    """
    names = ("decode", "store", "new", "repeat", "p99", "bare p99", "unlimited")
    got: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for kind in ("decode", "store"):
            with processes.bare(kind, folder) as server:
                got[kind].append(_rate(processes.load(Plan(server.port, SECONDS))))
        got["new"].append(_taken(folder, "limit-pagerduty"))
        got["repeat"].append(_taken(folder, "limit-pagerduty", groups=REPEATED))
        with processes.sink("limit-pagerduty") as sink, processes.alertd(folder, sink.said[0]) as daemon:
            processes.load(Plan(daemon.port, 0.5))  # its clients and statements are built
            got["p99"].append(_answered(daemon, got["new"][-1] / 2))
        with processes.bare("store", folder) as server:
            processes.load(Plan(server.port, 0.5))
            got["bare p99"].append(_answered(server, got["new"][-1] / 2))
        got["unlimited"].append(_taken(folder))
    return [
        Figure("A intake, new groups of 10, against store-only", "webhooks/s", *_pair(got, "new", "store"), 0.8, True,
               ONE_INTERPRETER),
        Figure("A intake, new groups of 10, against decode-only", "webhooks/s", *_pair(got, "new", "decode"), 0.15,
               True, ONE_INTERPRETER),
        Figure("A intake, repeats of 10, against store-only", "webhooks/s", *_pair(got, "repeat", "store"), 0.8, True,
               REPEATS),
        Figure("A answer p99 at half of that load", "ms", tuple(got["p99"]), (), 100, False,
               because(WAITED, got["p99"], got["bare p99"])),
        Figure("A the same of the store-only server", "ms", tuple(got["bare p99"]), (), None, False),
        Figure("A the first, PagerDuty without its limit", "webhooks/s", *_pair(got, "unlimited", "store"), None, True),
    ]


def _taken(folder: Path, *faults: str, groups: int = 0) -> float:
    """Webhooks a second, once the first have warmed it up."""
    with processes.sink(*faults) as sink, processes.alertd(folder, sink.said[0]) as daemon:
        processes.load(Plan(daemon.port, 0.5, groups=groups))
        return _rate(processes.load(Plan(daemon.port, SECONDS, groups=groups, first=0 if groups else 1_000_000)))


def _answered(server: Running, rate: float) -> float:
    """The p99, in milliseconds, of its answers to so many new groups a second."""
    report = processes.load(Plan(server.port, SECONDS, rate=rate, first=1_000_000))
    if report.refused:
        raise RuntimeError(f"{report.refused} webhooks were refused")
    return percentile(report.latencies, 0.99) * 1000


def _rate(report: Report) -> float:
    if report.refused:
        raise RuntimeError(f"{report.refused} of {report.answered + report.refused} webhooks were refused")
    if report.cpu > BUSIEST:
        raise RuntimeError(f"the sender was busy for {report.cpu:.0%} of the time: this measures the sender")
    return report.answered / report.seconds


def _pair(got: Rounds, value: str, base: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(got[value]), tuple(got[base])


def lag(folder: Path, rounds: int) -> list[Figure]:
    """How long the event loop is away while webhooks with 10,000 alerts come among small ones; beside it, how long the
    machine keeps an idle loop away at the same time."""
    longest, idle = [], []
    for _ in range(rounds):
        with (processes.idle_watch() as watch, processes.sink() as sink,
              processes.alertd(folder, sink.said[0], watched=True) as daemon):
            processes.load(Plan(daemon.port, 0.2, alerts=1))
            for watched in (daemon, watch):
                watched.process.send_signal(signal.SIGUSR1)
            small = processes.start_load(Plan(daemon.port, SECONDS, alerts=1, rate=50, first=1_000_000))
            processes.load(Plan(daemon.port, SECONDS - 1, alerts=10_000, connections=1, first=2_000_000, lean=True))
            processes.finish_load(small)
        longest.append(daemon.said[-1]["longest"] * 1000)
        idle.append(watch.said[-1]["longest"] * 1000)
    return [
        Figure("B longest block of the event loop, 10,000-alert webhooks", "ms", tuple(longest), (), 20, False,
               LEFT),
        Figure("B the same of a loop that does nothing beside it", "ms", tuple(idle), (), None, False),
    ]


def latency(folder: Path, rounds: int) -> list[Figure]:
    """From a webhook to PagerDuty's acceptance at 100 webhooks/s, and what Slack hanging changes in it."""
    got: dict[str, list[float]] = {}
    connections = []
    for _ in range(rounds):
        _latency(folder, got, "alone", "on-call", resolve_after=0)
        _latency(folder, got, "well", "on-call + slack", resolve_after=1)
        connections.append(_latency(folder, got, "hung", "on-call + slack", "hang-slack", resolve_after=1)["slack"])
    figures = [
        Figure(f"C {ONE}, median", "ms", tuple(got["alone firing p50"]), (), 20, False),
        Figure(f"C {ONE}, p99", "ms", tuple(got["alone firing p99"]), (), 100, False),
    ]
    for status in ("firing", "resolved"):
        for share in ("p50", "p99"):
            pair = _pair(got, f"hung {status} {share}", f"well {status} {share}")
            figures.append(Figure(f"C {status} to PagerDuty {share}, Slack hanging against well", "ms", *pair, 1.2,
                                  False))
    return [*figures, Figure("C connections to the hanging Slack", "", tuple(connections), (), 8, False)]


def faults(folder: Path, rounds: int) -> list[Figure]:
    """What three sick channels cost the healthy one and the intake: Slack hangs, a webhook answers 429 with
    Retry-After 30, another resets every connection. Baseline: the same load and receivers, all well."""
    got: dict[str, list[float]] = {}
    everyone = "on-call + slack + ledger + partner"
    for _ in range(rounds):
        _latency(folder, got, "well", everyone, resolve_after=1, seconds=MANY)
        _latency(folder, got, "sick", everyone, "hang-slack", "reset-webhook", "refuse-partner", resolve_after=1,
                 seconds=MANY)
    figures = [Figure(f"C {status} to PagerDuty {share}, three other channels sick against well", "ms",
                      *_pair(got, f"sick {status} {share}", f"well {status} {share}"), 1.2, False)
               for status in ("firing", "resolved") for share in ("p50", "p99")]
    return [*figures, Figure("C answer p50 to webhooks, three channels sick against well", "ms",
                             *_pair(got, "sick answer", "well answer"), UNCHANGED, False)]


def _latency(folder: Path, got: dict[str, list[float]], name: str, critical: str, *faults: str,
             resolve_after: float, seconds: float = SECONDS) -> dict[str, float]:
    """One run; its percentiles go into `got`. Returns the most connections that each vendor had."""
    with processes.sink(*faults) as sink, processes.alertd(folder, sink.said[0], critical, slack_rate="none") as daemon:
        processes.load(Plan(daemon.port, 0.5, alerts=1, rate=20, first=9_000_000))  # its clients are built
        report = processes.load(Plan(daemon.port, seconds, alerts=1, rate=100, resolve_after=resolve_after))
        time.sleep(SETTLE)
        if faults:
            daemon.process.kill()  # what hangs would hold up the orderly end
    if report.refused:
        raise RuntimeError(f"{name}: {report.refused} webhooks were refused")
    came = sink.said[-1]["came"]
    for status in ("firing", "resolved") if resolve_after else ("firing",):
        due = {key: at for key, at in report.due.items() if key.startswith(status)}
        if missing := due.keys() - came.keys():
            raise RuntimeError(f"{name}: {len(missing)} of {len(due)} {status} did not come to PagerDuty")
        taken = [came[key] - at for key, at in due.items()]
        for share, value in (("p50", 0.5), ("p99", 0.99)):
            got.setdefault(f"{name} {status} {share}", []).append(percentile(taken, value) * 1000)
    got.setdefault(f"{name} answer", []).append(percentile(report.latencies, 0.5) * 1000)
    return dict(sink.said[-1]["connections"])


def rest(folder: Path, rounds: int) -> list[Figure]:
    """What `--help` takes, and what a daemon takes that does nothing."""
    nothing, help = [], []
    for _ in range(rounds * 3):
        nothing.append(_seconds("-c", "pass"))
        help.append(_seconds("-m", "alertd", "--help"))
    store, sizes = folder / "rest.db", []
    with processes.sink() as sink:
        for _ in range(rounds + 1):  # the first makes the store and is not counted
            with processes.alertd(folder, sink.said[0], store=store) as daemon:
                time.sleep(1)
                sizes.append(_resident(daemon.process.pid))
    return [
        Figure("D alertd --help, against python -c pass", "ms", tuple(1000 * value for value in help),
               tuple(1000 * value for value in nothing), 3, False),
        Figure("D a daemon at rest, resident", "MB", tuple(sizes[1:]), (), 100, False),
    ]


def _seconds(*arguments: str) -> float:
    start = time.monotonic()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - start


def _resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def chain(_folder: Path, rounds: int) -> list[Figure]:
    """alertd's part of the whole way, behind a real Prometheus and Alertmanager: the demo's own figure."""
    medians = []
    for _ in range(rounds):
        done = subprocess.run([sys.executable, "-m", "alertd", "demo", "--once"], stdout=subprocess.PIPE, text=True,
                              check=True)
        found = re.search(r"(\d+) ms at the median", done.stdout)
        if found is None or "recorded webhooks" in done.stdout:
            raise RuntimeError("the demo did not run on a real Prometheus and Alertmanager")
        medians.append(float(found[1]))
    return [Figure("E webhook to message behind a real Prometheus, median", "ms", tuple(medians), (), 100, False)]


JOBS: dict[str, Callable[[Path, int], list[Figure]]] = {
    "intake": intake, "lag": lag, "latency": latency, "faults": faults, "rest": rest, "chain": chain, "build": build,
    "budgets": budgets, "replicas": replicas, "ledger": ledger,
    "page": page, "peer": peer, "alerta": alerta, "throttled": throttled, "years": years, "state": state,
}

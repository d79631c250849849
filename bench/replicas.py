"""Three replicas on one PostgreSQL against one daemon on SQLite: the same load, in the same round, on the same cores.

Where a machine has fewer cores than processes, what this shows is what a webhook costs, not what replicas can do.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from bench import processes
from bench.figures import Figure
from bench.load import Plan
from tests.postgres import Server, serving

SECONDS = 5.0
REPLICAS = 3
CONNECTIONS = 32  # in all
REPEATED = 64


def replicas(folder: Path, rounds: int) -> list[Figure]:
    """Webhooks a second, of new groups and repeats."""
    got: dict[str, list[float]] = {}
    with serving() as server:
        for turn in range(rounds):
            for name, groups in (("new", 0), ("repeat", REPEATED)):
                got.setdefault(f"{name} sqlite", []).append(_taken(folder, [None], groups))
                for count in (1, REPLICAS):
                    store = _store(server, f"{name}_{count}_{turn}")
                    got.setdefault(f"{name} {count}", []).append(_taken(folder, [store] * count, groups))
    return [Figure(f"F {title}, {count} on PostgreSQL against 1 on SQLite", "webhooks/s", tuple(got[f"{name} {count}"]),
                   tuple(got[f"{name} sqlite"]), 1.0 if count == REPLICAS else None, True)
            for name, title in (("new", "new groups of 10"), ("repeat", "repeats of 10")) for count in (REPLICAS, 1)]


def _store(server: Server, name: str) -> str:
    server.ask(f"CREATE DATABASE {name}")
    return server.url(name)


def _taken(folder: Path, stores: list[str | None], groups: int) -> float:
    """Webhooks a second that all daemons take together, once the first have warmed them up."""
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(processes.sink("limit-pagerduty"))
        ports = [stack.enter_context(processes.alertd(folder, sink.said[0], store=store)).port for store in stores]
        connections = CONNECTIONS // len(ports)
        for number, port in enumerate(ports):
            processes.load(Plan(port, 0.5, connections=connections, groups=groups, first=number * 1_000_000))
        plans = [Plan(port, SECONDS, connections=connections, groups=groups,
                      first=number * 1_000_000 if groups else 10_000_000 * (number + 1))
                 for number, port in enumerate(ports)]
        senders = [processes.start_load(plan) for plan in plans]
        reports = [processes.finish_load(sender) for sender in senders]
    if refused := sum(report.refused for report in reports):
        raise RuntimeError(f"{refused} webhooks were refused")
    return sum(report.answered / report.seconds for report in reports)

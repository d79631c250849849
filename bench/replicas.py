"""One, two and three processes on one PostgreSQL against one daemon on SQLite: the same load, in the same round, on the
same cores; and how many connections to the server they take.

Where a machine has fewer cores than processes, what this shows is what a webhook costs, not what replicas can do.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from bench import processes
from bench.figures import Figure
from bench.load import Plan
from tests.postgres import Server, serving

SECONDS = 5.0
REPLICAS = 3
ONE = 32  # connections of the senders: in all, or to each; the more of them, the more is committed together
REPEATED = 64
EACH = 5  # connections to the server that a process may take, as --store.connections is by itself
# what is sent: the number of different groups (0: all are new), the senders' connections in all, and how many take it
LOADS = {
    f"new groups of 10, {ONE} connections in all": (0, ONE, (3, 2, 1)),
    f"repeats of 10, {ONE} connections in all": (REPEATED, ONE, (3, 2, 1)),
    f"new groups of 10, {ONE} connections to each": (0, REPLICAS * ONE, (REPLICAS,)),
    f"repeats of 10, {ONE} connections to each": (REPEATED, REPLICAS * ONE, (REPLICAS,)),
}
NOTE = ("three interpreters, the server and the senders share two cores, which are full; on PostgreSQL a webhook is "
        "worked on by two processes, on SQLite by one. With fewer connections for each, fewer webhooks share a "
        "transaction, which costs 1.3 ms before its first one: half of it the writer's thread, by four turns with the "
        "server, half the server's. The smallest change: a core for each process, or a driver that sends ahead without "
        "waiting for each answer")


def replicas(folder: Path, rounds: int) -> list[Figure]:
    """Webhooks a second, of new groups and repeats, against the most that one daemon on SQLite took of the same in that
    round, by however many connections; and the server's connections. What three can take at most they take from as many
    senders to each as one has; how they fare with its senders shared among them stands beside it, without a goal."""
    alone: dict[int, list[float]] = {}
    got: dict[tuple[str, int], list[float]] = {}
    used: dict[int, list[float]] = {}
    with serving() as server:
        for turn in range(rounds):
            for title, (groups, connections, counts) in LOADS.items():
                best = alone.setdefault(groups, [0.0] * rounds)
                best[turn] = max(best[turn], _taken(folder, [None], groups, connections))
                for count in counts:
                    name = _made(server)
                    there: list[float] = used.setdefault(count, [])
                    got.setdefault((title, count), []).append(_taken(
                        folder, [server.url(name)] * count, groups, connections,
                        lambda name=name, there=there: there.append(_connections(server, name))))
    return [
        *(Figure(f"F {title}, {count} on PostgreSQL against the best of 1 on SQLite", "webhooks/s",
                 tuple(got[title, count]), tuple(alone[groups]), 1.0 if connections > ONE else None, True, NOTE)
          for title, (groups, connections, counts) in LOADS.items() for count in counts),
        *(Figure(f"F connections to PostgreSQL that {count} take", "", tuple(numbers), (), EACH * count, False)
          for count, numbers in used.items()),
    ]


def _made(server: Server) -> str:
    """A new database's name."""
    number = server.ask("SELECT count(*) FROM pg_database")
    server.ask(f"CREATE DATABASE bench_{number}")
    return f"bench_{number}"


def _connections(server: Server, name: str) -> int:
    """How many there are to a database. Who takes one keeps it: after the load they are the most there ever were."""
    return int(server.ask(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'"))


def _taken(folder: Path, stores: list[str | None], groups: int, connections: int,
           then: Callable[[], None] = lambda: None) -> float:
    """Webhooks a second that all daemons take together, once the first have warmed them up; `then` is called while
    they still run."""
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(processes.sink("limit-pagerduty"))
        ports = [stack.enter_context(processes.alertd(folder, sink.said[0], store=store)).port for store in stores]
        each = connections // len(ports)
        for number, port in enumerate(ports):
            processes.load(Plan(port, 0.5, connections=each, groups=groups, first=number * 1_000_000))
        plans = [Plan(port, SECONDS, connections=each, groups=groups,
                      first=number * 1_000_000 if groups else 10_000_000 * (number + 1))
                 for number, port in enumerate(ports)]
        senders = [processes.start_load(plan) for plan in plans]
        reports = [processes.finish_load(sender) for sender in senders]
        then()
    if refused := sum(report.refused for report in reports):
        raise RuntimeError(f"{refused} webhooks were refused")
    return sum(report.answered / report.seconds for report in reports)

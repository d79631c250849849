"""Alertmanager beside alertd: the same alerts at the same rate to the same receivers, in turn within a round.

Alertmanager is handed them as a Prometheus does it and groups them by the same label, without waiting to gather any
(`group_wait: 0s`); it keeps what it is handed in memory, while alertd says yes when it is on disk.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from bench import processes
from bench.figures import Figure, Skipped, percentile
from bench.load import Plan
from bench.processes import Running

SECONDS = 5.0
SETTLE = 8.0  # seconds for what is late: it counts, and late it is
WARM = 2.5  # seconds before what counts: what is looked at as time goes by was looked at once, its statements are built
ROUTING = """\
route:
  receiver: everyone
  group_by: [alertname, namespace]
  group_wait: 0s
  group_interval: 1s
receivers:
- name: everyone
  pagerduty_configs:
  - {{url: "{pagerduty}/v2/enqueue", routing_key: "00000000000000000000000000000000"}}
"""
SLACK = """\
  slack_configs:
  - {{api_url: "{slack}/services/T/B/x", channel: "#alerts"}}
"""
SENDING = (
    "sending shares the interpreter with the intake: with nobody to tell, the same load is answered in 2.2 ms at the "
    "median and 5.7 at p99, as by Alertmanager. It would take a process of its own for sending")
DURABLE = (
    "of 2.9 ms at the median 1.0 is the sender's timer and HTTP, as for Alertmanager, whose other 1.1 ms is the rest; "
    "here 0.2 is the change to the writer's thread, 0.5 deciding and its rows, 0.5 the commit with its sync, 0.15 "
    "until the attempt begins, 0.55 until it has come. At p99 the sender's timer is 2.4 for both. Where the disk "
    "stalls, p99 is the stall: of four runs of 20 s, timed step by step, one had 89 ms, by three commits of 93 to 182; "
    "three had 5.8 to 6.7 (deciding at most 1.2 of it, HTTP 1.3 to 1.5), and of their five slow commits, of 14 to 118 "
    "ms, none was beside a checkpoint. A server in Python that only decodes, and sends while it commits, had a p99 of "
    "3.9 both times, beside 4.7 and 4.0 of Alertmanager and 5.8 and 5.6 here. This one, changed by hand so that the "
    "page leaves while its commit is under way, had in three rounds in turn 0.83, 0.99 and 1.06 of Alertmanager's with "
    "Slack told (1.52, 0.99 and 1.13 as it is), and alone 1.16 and 1.25 where no commit stalled (1.43 where neither "
    "did). So it would take that, with keys that a webhook sent again makes again, since nothing of it is on disk yet; "
    "and for a page alone deciding in a few tenths as well, in a compiled language")
Got = dict[str, list[float]]


@contextlib.contextmanager
def alertmanager(folder: Path, addresses: dict[str, str], *, slack: bool) -> Iterator[Running]:
    """A new one, that tells PagerDuty and maybe Slack."""
    port, binary = processes.free_port(), shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if binary is None:
        raise Skipped("no alertmanager is installed (Debian has it as prometheus-alertmanager)")
    config = folder / f"alertmanager-{port}.yml"
    config.write_text((ROUTING + (SLACK if slack else "")).format(**addresses))
    with processes.program(binary, f"--config.file={config}", f"--storage.path={folder / f'alertmanager-{port}'}",
                           f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", "--log.level=error",
                           port=port, log=folder / "alertmanager.log") as server:
        yield server


def peer(folder: Path, rounds: int) -> list[Figure]:
    """How long the sender waits for its answer at 200 webhooks/s of mixed sizes; and the way of one critical alert to
    PagerDuty at 100/s. Slack is told too, as of all that is critical; beside it stands the same without Slack, and
    what it takes on this disk to make anything durable, for which Alertmanager does not wait."""
    got: Got = {}
    for _ in range(rounds):
        for name, posted in (("theirs", True), ("ours", False)):
            _run(folder, got, f"{name} mix", Plan(0, SECONDS, rate=200, mixed=True, posted=posted), slack=True)
            for told in ("one", "page"):
                _run(folder, got, f"{name} {told}", Plan(0, SECONDS, alerts=1, rate=100, posted=posted),
                     slack=told == "one")
        with processes.bare("store", folder) as server:
            processes.load(Plan(server.port, WARM, alerts=1, rate=20))
            report = processes.load(Plan(server.port, SECONDS, alerts=1, rate=100, first=9_000_000))
        got.setdefault("durable", []).append(percentile(report.latencies, 0.99) * 1000)

    def figure(title: str, key: str, goal: float | None, note: str = "") -> Figure:
        return Figure(f"P {title}, against Alertmanager", "ms", tuple(got[f"ours {key}"]), tuple(got[f"theirs {key}"]),
                      goal, False, note)

    return [figure("answer p99 at 200 webhooks/s of mixed sizes", "mix answer p99", 2, SENDING),
            figure("answer p50 there", "mix answer p50", None),
            figure("webhook to PagerDuty p50 at 100/s, Slack told too", "one told p50", 2, DURABLE),
            figure("webhook to PagerDuty p99 at 100/s, Slack told too", "one told p99", 1, DURABLE),
            figure("webhook to PagerDuty p50 at 100/s, nobody else told", "page told p50", 2, DURABLE),
            figure("webhook to PagerDuty p99 at 100/s, nobody else told", "page told p99", 1, DURABLE),
            Figure("P answer p99 of the store-only server at 100/s", "ms", tuple(got["durable"]), (), None, False),
            figure("webhook to PagerDuty p99 at 200/s of mixed sizes, Slack told too", "mix told p99", None)]


def _run(folder: Path, got: Got, name: str, plan: Plan, *, slack: bool) -> None:
    """One run; its percentiles go into `got`, in milliseconds."""
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(processes.sink())
        critical = "on-call + slack" if slack else "on-call"
        server = stack.enter_context(
            alertmanager(folder, sink.said[0], slack=slack) if plan.posted else
            processes.alertd(folder, sink.said[0], critical, slack_rate="none", storms=False))
        processes.load(Plan(server.port, WARM, alerts=1, rate=20, first=9_000_000, posted=plan.posted))
        plan = Plan(server.port, plan.seconds, plan.alerts, rate=plan.rate, mixed=plan.mixed, posted=plan.posted)
        report = processes.load(plan)
        time.sleep(SETTLE)
    if report.refused:
        raise RuntimeError(f"{name}: {report.refused} were refused")
    came = sink.said[-1]["came"]
    if missing := report.due.keys() - came.keys():
        raise RuntimeError(f"{name}: {len(missing)} of {len(report.due)} did not come to PagerDuty")
    told = [came[key] - at for key, at in report.due.items()]
    for share, at in (("p50", 0.5), ("p99", 0.99)):
        got.setdefault(f"{name} answer {share}", []).append(percentile(report.latencies, at) * 1000)
        got.setdefault(f"{name} told {share}", []).append(percentile(told, at) * 1000)

"""`python -m bench [JOB…] [--rounds N]`: measures, prints the table, and keeps the figures in bench/results/."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from bench.figures import Figure, table
from bench.jobs import JOBS, ROUNDS
from bench.slo import world
from bench.slo.job import budgets

RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """0 when every goal is met, 1 when one is not."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=f"which of {', '.join(JOBS)}; all when none is named")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each is measured (%(default)s)")
    parser.add_argument("--services", type=int, default=len(world.SERVICES),
                        help="how many services of the budgets' history, for a quick look (%(default)s)")
    options = parser.parse_args()
    if unknown := set(options.jobs) - set(JOBS):
        parser.error(f"no such job: {', '.join(sorted(unknown))}")
    RESULTS.mkdir(exist_ok=True)
    jobs = JOBS | {"budgets": functools.partial(budgets, services=options.services)}
    figures: list[Figure] = []
    # beside the results and not in /tmp, which may be memory: a sync has to reach a disk
    with tempfile.TemporaryDirectory(dir=RESULTS, prefix="run-") as folder:
        for name in options.jobs or JOBS:
            print(f"measuring {name} …", file=sys.stderr, flush=True)
            figures += jobs[name](Path(folder), options.rounds)
    print(table(figures))
    keep(figures)
    return 0 if all(figure.met for figure in figures) else 1


def keep(figures: list[Figure]) -> None:
    """The newest figures in latest.json, all of them in history.jsonl."""
    record = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "python": platform.python_version(),
        "machine": platform.machine(), "cores": len(os.sched_getaffinity(0)),
        "figures": [dataclasses.asdict(figure) | {"ratios": figure.ratios, "met": figure.met} for figure in figures],
    }
    (RESULTS / "latest.json").write_text(json.dumps(record, indent=1) + "\n")
    with (RESULTS / "history.jsonl").open("a") as history:
        history.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    sys.exit(main())

"""`python -m bench [JOB…] [--rounds N]`: measures, prints the table, keeps the figures in bench/results/ and draws them
beside those of earlier runs."""

from __future__ import annotations

import argparse
import functools
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

from bench.figures import Figure, Skipped, table
from bench.jobs import JOBS, ROUNDS
from bench.record import keep, record
from bench.slo import world
from bench.slo.job import budgets
from bench.years import ALERTS, years

RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """0 when every goal is met, 1 when one is not or a job broke."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=f"which of {', '.join(JOBS)}; all when none is named")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each is measured (%(default)s)")
    parser.add_argument("--services", type=int, default=len(world.SERVICES),
                        help="how many services of the budgets' history, for a quick look (%(default)s)")
    parser.add_argument("--rough", action="store_true", help="budgets where three targets a service restart in turn, "
                        "scrapes fail and come late, and evaluations are missed")
    parser.add_argument("--alerts", type=int, default=ALERTS,
                        help="how many alerts the ninety days of history have (%(default)s)")
    options = parser.parse_args()
    if unknown := set(options.jobs) - set(JOBS):
        parser.error(f"no such job: {', '.join(sorted(unknown))}")
    RESULTS.mkdir(exist_ok=True)
    jobs = JOBS | {"budgets": functools.partial(
        budgets, services=options.services, weather=world.ROUGH if options.rough else world.CALM),
        "years": functools.partial(years, alerts=options.alerts)}
    figures, without, broken, load = list[Figure](), dict[str, str](), False, os.getloadavg()[0]
    seconds = dict[str, float]()
    # beside the results and not in /tmp, which may be memory: a sync has to reach a disk
    with tempfile.TemporaryDirectory(dir=RESULTS, prefix="run-") as folder:
        for name in options.jobs or JOBS:
            print(f"measuring {name} …", file=sys.stderr, flush=True)
            begun = time.monotonic()
            try:
                figures += jobs[name](Path(folder), options.rounds)
            except Skipped as skipped:
                without[name] = f"skipped: {skipped}"
            except Exception as error:  # what the other jobs measured is worth keeping
                traceback.print_exc()
                without[name], broken = f"BROKEN: {error}", True
            seconds[name] = round(time.monotonic() - begun, 1)
    print(table(figures))
    for name, reason in without.items():
        print(f"{name} {reason}")
    print(f"took {sum(seconds.values()) / 60:.0f} minutes: "
          + ", ".join(f"{name} {took:.0f} s" for name, took in seconds.items()))
    print(f"drawn beside earlier runs in {keep(RESULTS, record(figures, without, load, seconds))}")
    return 0 if not broken and all(figure.met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())

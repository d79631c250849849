"""`alertd rules backfill`: the past of budgets that are new, from the raw counters that Prometheus still has."""

from __future__ import annotations

import datetime
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alertd.cli.rules import faults, folder

if TYPE_CHECKING:
    from alertd.model import Millis
    from alertd.prometheus import Prometheus
    from alertd.rulegen.rows import Tracked


@click.command("backfill")
@click.option("--prometheus", "url", required=True, metavar="URL", help="The server that makes the records.")
@folder
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), default=Path("backfill"),
              show_default=True, metavar="DIR", help="Where rules for promtool, and its blocks, are written.")
@click.option("--timeout", default=60.0, show_default=True, help="Seconds for one query.")
def command(url: str, folder: Path, output: Path, timeout: float) -> None:
    """Write rules by which promtool makes the records of the time before they were loaded, and print its commands. Each
    budget is asked for on the server: what its window covers already is left alone.

    Exit codes: 0 printed or nothing to do, 1 bad input, 2 usage, 3 the Prometheus does not answer.
    """
    from alertd import prometheus
    from alertd.config import generated, rules_file
    from alertd.rulegen import backfill, objectives

    with faults():
        declared = rules_file.load(folder).declared
        every = [watch.tracked for service in declared.services for watch in objectives.watches(service)]
        version = generated.known(folder / generated.FOLDER)
    source = prometheus.Prometheus(url, timeout)
    try:
        began = [(tracked, _began(source, tracked)) for tracked in every]
        storage = source.storage() or "the folder of its --storage.tsdb.path"
    except prometheus.PrometheusUnreachable as error:
        click.echo(str(error), err=True)
        sys.exit(3)
    for tracked, first in began:
        if first is None:
            click.echo(f"{tracked.service} {tracked.slo}: the server has no rows of it; load the rules first, and ask "
                       "again", err=True)
    now = int(time.time() * 1000)
    plans = backfill.plans([(tracked, first) for tracked, first in began if first is not None], now, version)
    if not plans:
        click.echo("nothing to fill", err=True)
        return
    with faults():
        output.mkdir(parents=True, exist_ok=True)
        for plan in plans:
            (output / plan.file).write_text(plan.text, encoding="utf-8")
    for plan in plans:
        when = "" if plan.ready <= now else f"; not before {_clock(plan.ready)}, when its last hours are stored"
        click.echo(f"# {', '.join(plan.objectives)}{when}\n{plan.command(url, output)}")
    click.echo(f"# then, on the server's machine; it takes them up within a minute, the budgets within two hours\n"
               f"mv {output / 'data'}/* {storage}/")


def _began(source: Prometheus, tracked: Tracked) -> Millis | None:
    """When the first row of the window was made; None where there is none."""
    from alertd.rulegen import promql

    row = promql.selector("slo:events:increase5m", (), f"service={promql.quoted(tracked.service)}",
                          f"slo={promql.quoted(tracked.slo)}")
    window = promql.duration(tracked.window)
    samples = source.instant(f"min(min_over_time(timestamp({row})[{window}:5m]))").samples
    return round(samples[0].value * 1000) if samples and samples[0].value is not None else None


def _clock(at: Millis) -> str:
    return f"{datetime.datetime.fromtimestamp(at // 1000, datetime.UTC):%Y-%m-%d %H:%M} UTC"

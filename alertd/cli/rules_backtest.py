"""`alertd rules backtest`: history read from a Prometheus, and what the rules and routes would have made of it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alertd.cli.rules import faults, folder

if TYPE_CHECKING:
    from alertd.backtest.report import Span
    from alertd.cli._replay import Side


def _duration(ctx: click.Context, parameter: click.Parameter, text: str) -> int:
    from alertd.config import units

    try:
        millis = units.duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if millis <= 0:
        raise click.BadParameter("must be longer than nothing")
    return millis


@click.command("backtest")
@click.option("--prometheus", required=True, metavar="URL", help="Where the history is.")
@click.option("--since", default="30d", show_default=True, callback=_duration, metavar="DURATION", help="How far back.")
@click.option("--step", default="1m", show_default=True, callback=_duration, metavar="DURATION",
              help="How often rules are evaluated.")
@folder
@click.option("--config", type=click.Path(path_type=Path), default=Path("routing.yaml"), show_default=True,
              help="Who is told.")
@click.option("--against", "revision", metavar="REV", help="A git revision to compare with, rules and routes.")
@click.option("--group-by", default="alertname,service", show_default=True, metavar="LABELS",
              help="Alertmanager's group_by.")
@click.option("--group-wait", default="10s", show_default=True, callback=_duration, help="Alertmanager's group_wait.")
@click.option("--group-interval", default="1m", show_default=True, callback=_duration,
              help="Alertmanager's group_interval.")
@click.option("--timezone", default="UTC", show_default=True, help="Where it is night.")
@click.option("--timeout", default=120.0, show_default=True, help="Seconds for one query.")
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True,
              help="For a terminal, a pull request or a program.")
def command(prometheus: str, since: int, step: int, folder: Path, config: Path, revision: str | None, group_by: str,
            group_wait: int, group_interval: int, timezone: str, timeout: float, form: str) -> None:
    """Replay the rules of DIR and the routes of routing.yaml on the history of a Prometheus: per alert how often and
    how long it would have fired, at night and flapping, and per receiver what it would have been told.

    SLOs are replayed on the server's own records where it has them as far back, else on the raw counters; records of
    thresholds are put into the alerts' expressions. What cannot be replayed is listed.
    Exit codes: 0 replayed, 1 a faulty file or nothing could be replayed, 2 usage, 3 the Prometheus does not answer.
    """
    from alertd import prometheus as server
    from alertd.backtest import report
    from alertd.backtest.telling import Grouping
    from alertd.cli import _replay

    span = _span(since, step, timezone)
    grouping = Grouping(tuple(label.strip() for label in group_by.split(",")), group_wait, group_interval)
    with faults():
        sides = _sides(folder, config, revision)
    source = server.Prometheus(prometheus, timeout)
    try:
        metrics = source.values("__name__")
    except server.PrometheusUnreachable as error:
        click.echo(str(error), err=True)
        sys.exit(3)
    with _replay.Replay(source, metrics, span, sides.values()) as replay:
        found = {name: report.figures(replay.of(side, grouping), span) for name, side in sides.items()}
    new, old = found["new"], found.get("old")
    if form == "text":
        click.echo(_text(span, new, old), nl=False)
    else:
        click.echo({"markdown": report.markdown, "json": report.as_json}[form](span, new, old), nl=False)
    sys.exit(0 if new["alerts"] else 1)


def _span(since: int, step: int, timezone: str) -> Span:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from alertd.backtest.report import Span

    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise click.BadParameter(f"{timezone!r} is no time zone", param_hint="--timezone") from error
    end = int(time.time() * 1000) // step * step
    return Span(end - since // step * step, end, step, zone)


def _sides(folder: Path, config: Path, revision: str | None) -> dict[str, Side]:
    """The rules and routes as they are, and as they were at the revision."""
    from alertd.cli import _revision

    sides = {"new": _side("new", folder, config)}
    if revision is not None:
        with _revision.files(revision, [folder, config]) as (old_folder, old_config):
            sides["old"] = _side("old", old_folder, old_config)
    return sides


def _side(name: str, folder: Path, config: Path) -> Side:
    from alertd import channels, rulegen
    from alertd.cli._replay import Side
    from alertd.config import generated, routing_file, rule_files, rules_file
    from alertd.rulegen import objectives

    routing = routing_file.load(config, channels.settings_types(), read_secrets=False).routing
    if not folder.exists():  # at the revision
        return Side(name, (), {}, routing)
    declared = rules_file.load(folder).declared
    written = rulegen.files(declared, generated.known(folder / generated.FOLDER))
    tracked = {(service.name, watch.tracked.slo): watch.tracked
               for service in declared.services for watch in objectives.watches(service)}
    return Side(name, rule_files.generated(written), tracked, routing)


def _text(span: Span, new: dict[str, Any], old: dict[str, Any] | None) -> str:
    from alertd.backtest import report
    from alertd.cli.asking import table

    parts = [report.heading(span)]
    parts += [table([list(row) for row in rows]) for rows in report.tables(new, old) if len(rows) > 1]
    parts += ["\n".join(report.notes(new, old))] if report.notes(new, old) else []
    return "\n\n".join(parts) + "\n"

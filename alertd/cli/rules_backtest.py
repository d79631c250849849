"""`alertd rules backtest`: history read from a Prometheus, and what the rules and routes would have made of it."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alertd.cli.rules import faults, folder

if TYPE_CHECKING:
    from alertd.backtest.report import Replayed, Span
    from alertd.backtest.telling import Grouping
    from alertd.lint import Rule
    from alertd.prometheus import Prometheus
    from alertd.routing import Routing

_Sides = dict[str, tuple[list["Rule"], "Routing"]]


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

    Records that the server may not have are put into the alerts' expressions; what cannot be replayed is listed.
    Exit codes: 0 replayed, 1 a faulty file or nothing could be replayed, 2 usage, 3 the Prometheus does not answer.
    """
    from alertd import prometheus as server
    from alertd.backtest import report
    from alertd.backtest.telling import Grouping

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
    found = {name: report.figures(_replayed(source, metrics, rules, routing, span, grouping, name), span)
             for name, (rules, routing) in sides.items()}
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


def _sides(folder: Path, config: Path, revision: str | None) -> _Sides:
    """The rules and routes as they are, and as they were at the revision."""
    from alertd.cli import _revision

    sides = {"new": _side(folder, config)}
    if revision is not None:
        with _revision.files(revision, [folder, config]) as (old_folder, old_config):
            sides["old"] = _side(old_folder, old_config)
    return sides


def _side(folder: Path, config: Path) -> tuple[list[Rule], Routing]:
    from alertd import channels, rulegen
    from alertd.config import generated, routing_file, rule_files, rules_file

    routing = routing_file.load(config, channels.settings_types(), read_secrets=False).routing
    version = generated.known(folder / generated.FOLDER)
    written = rulegen.files(rules_file.load(folder).declared, version) if folder.exists() else {}
    return [rule for name, text in written.items() if name.endswith(".rules.yaml")
            for rule in rule_files.parsed(text, name)[0]], routing


def _replayed(source: Prometheus, metrics: frozenset[str], rules: list[Rule], routing: Routing, span: Span,
              grouping: Grouping, name: str) -> Replayed:
    """One rule set replayed; a query that fails costs its alert alone."""
    from alertd.backtest import chunks, telling
    from alertd.backtest.firing import Episode
    from alertd.backtest.report import Replayed
    from alertd.prometheus import PrometheusUnreachable
    from alertd.routing import WATCHDOG

    alerts = [rule for rule in rules if rule.kind == "alert" and rule.name != WATCHDOG]
    records = [rule for rule in rules if rule.kind == "record"]
    pieces = list(chunks(span.start, span.end, span.step))
    episodes: dict[str, list[Episode]] = {rule.name: [] for rule in alerts}
    left, remarks = {}, dict[str, None]()
    with click.progressbar(length=len(alerts) * len(pieces), label=f"history ({name})", file=sys.stderr,
                           hidden=not sys.stderr.isatty()) as bar:
        for rule in alerts:
            try:
                query, remark = _query(rule, records, metrics)
                remarks |= dict.fromkeys(remark)
                episodes[rule.name] += _episodes(source, rule, query, pieces, span, bar, remarks)
            except (ValueError, PrometheusUnreachable) as error:
                left[_called(rule)] = str(error)
    replayed = {alert: found for alert, found in episodes.items()
                if found or any(rule.name == alert and _called(rule) not in left for rule in alerts)}
    told = telling.told([each for found in replayed.values() for each in found], routing, grouping)
    return Replayed(replayed, told, left, list(remarks))


def _called(rule: Rule) -> str:
    labels = ", ".join(value for name, value in sorted(rule.labels.items()) if name != "severity")
    return f"{rule.name} ({', '.join(filter(None, [labels, rule.labels.get('severity', '')]))})"


def _query(rule: Rule, records: Sequence[Rule], metrics: frozenset[str]) -> tuple[str, list[str]]:
    """What to ask for, and what to say of it. Where records cannot be put into the expression, the server's own serve,
    if it has them all."""
    from alertd import expressions
    from alertd.backtest.inlining import NotReplayable, inlined

    try:
        return inlined(rule, records), []
    except NotReplayable:
        asked = {selector.metric for selector in expressions.selectors(rule.expr)} if rule.expr else set()
        own = asked & {record.name for record in records}
        if not own or own - metrics:
            raise
        return rule.text, [f"{_called(rule)} was replayed on the server's own {', '.join(sorted(own))}, "
                           "as far back as it has them"]


def _episodes(source: Prometheus, rule: Rule, query: str, pieces: Sequence[tuple[int, int]], span: Span, bar: Any,
              remarks: dict[str, None]) -> Iterator[Any]:
    from alertd.backtest import firing

    held: dict[tuple[tuple[str, str], ...], list[int]] = defaultdict(list)
    for start, end in pieces:
        history = source.range(query, start, end, span.step)
        remarks |= dict.fromkeys(f"the server says of {_called(rule)}: {warning}" for warning in history.warnings)
        for series in history.series:
            labels = {name: value for name, value in series.labels.items() if name != "__name__"}
            labels |= {**rule.labels, "alertname": rule.name}
            held[tuple(sorted(labels.items()))] += series.times
        bar.update(1)
    for labels_of, times in held.items():
        yield from firing.episodes(dict(labels_of), times, span.step, span.end, rule.lasting, rule.keep_firing)


def _text(span: Span, new: dict[str, Any], old: dict[str, Any] | None) -> str:
    from alertd.backtest import report
    from alertd.cli.asking import table

    parts = [report.heading(span)]
    parts += [table([list(row) for row in rows]) for rows in report.tables(new, old) if len(rows) > 1]
    parts += ["\n".join(report.notes(new, old))] if report.notes(new, old) else []
    return "\n\n".join(parts) + "\n"

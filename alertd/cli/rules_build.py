"""`alertd rules build`: the files of rules/generated/, all of them or none."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alertd.cli.rules import faults, folder

SHOWN = 5

if TYPE_CHECKING:
    from alertd.cost import Cost
    from alertd.rulegen.declared import Declared
    from alertd.rulegen.version import PrometheusVersion


@click.command("build")
@folder
@click.option("--check", is_flag=True, help="Write nothing; print what would change and exit 1 if anything would.")
@click.option("--format", "form", type=click.Choice(["prometheus", "prometheusrule"]), default=None,
              help="PrometheusRule objects beside the plain files, or plain files alone. Default: as it was.")
@click.option("--prometheus-version", "version", metavar="VERSION",
              help="The oldest Prometheus that will load the rules, such as 3.0. Default: as it was, at first 2.42.")
@click.option("--dashboards", metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
              help="Write Grafana dashboards into this folder, which then holds nothing else.")
@click.option("--cost", is_flag=True, help="Print what each SLO costs Prometheus, in samples read a second.")
@click.option("--cost-limit", type=click.FloatRange(min=0, min_open=True), metavar="SAMPLES",
              help="Refuse an SLO whose rules read more samples a second.")
@click.option("--series", type=click.IntRange(min=1), default=20, show_default=True,
              help="How many series to assume behind each counter, for the cost.")
def command(folder: Path, check: bool, form: str | None, version: str | None, dashboards: Path | None, cost: bool,
            cost_limit: float | None, series: int) -> None:
    """Write DIR/generated from DIR/*.yaml. Every file is complete on disk before the first one changes place; a build
    that was killed in between leaves whole files, `--check` says so, and the next build mends it.

    Exit codes: 0 written or current, 1 bad input or stale, 2 usage.
    """
    from alertd import rulegen
    from alertd.config import generated, rules_file

    with faults(), _uncollected():
        _refuse_bad_presets(folder)
        rules = rules_file.load(folder)
        for remark in rules.remarks:
            click.echo(str(remark), err=True)
        place = folder / generated.FOLDER
        have = generated.heads(place)
        made_for = _version(version) if version else generated.version_of(have)
        if rules.declared.query_offset and not made_for.has_query_offset:
            click.echo(f"`query_offset` is left out: Prometheus {made_for} does not know it, 2.53 and later do "
                       "(--prometheus-version)", err=True)
        want = rulegen.each(rules.declared, made_for)
        if cost or cost_limit is not None:
            want = _costed(want, series, cost, cost_limit)
        want = generated.in_format(want, form or generated.format_of(have), place)
        if check:
            stale = [_stale(place, want), dashboards is not None and _stale(dashboards, _pictures(rules.declared))]
            sys.exit(1 if any(stale) else 0)
        if dashboards is not None:
            generated.heads(dashboards)  # where something else stands there, nothing is written anywhere
        new = list(_new(rules.declared, place))
        changed = _write(place, want)
        if dashboards is not None:
            dashboards.parent.mkdir(parents=True, exist_ok=True)
            _write(dashboards, _pictures(rules.declared))
    if changed and new:
        shown = new if len(new) <= SHOWN else [*new[:SHOWN], f"and {len(new) - SHOWN} more"]
        click.echo(f"new budgets know nothing of the time before their rules are loaded ({', '.join(shown)}): they say "
                   "how much of their window they cover, and `alertd rules backfill` prints how to fill it", err=True)


def _pictures(declared: Declared) -> Iterator[tuple[str, str]]:
    from alertd import dashboards

    return dashboards.each(declared)


def _stale(place: Path, want: Iterable[tuple[str, str]]) -> bool:
    """Whether anything in `place` is not as it should be; prints what."""
    from alertd.config import generated

    stale = False
    for line in generated.changes(place, want):
        click.echo(line, nl=False)
        stale = True
    return stale


def _write(place: Path, want: Iterable[tuple[str, str]]) -> int:
    """How many files changed."""
    from alertd.config import generated

    count, changed = generated.write(place, want)
    click.echo(f"{place}: {count} files, {f'{changed} changed' if changed else 'already current'}", err=True)
    return changed


def _new(declared: Declared, place: Path) -> Iterator[str]:
    """The objectives that have no records yet."""
    for service in declared.services:
        path = place / f"{service.name}.rules.yaml"
        have = path.read_text(encoding="utf-8") if path.exists() else ""
        yield from (f"{service.name} {objective.name}" for objective in service.objectives
                    if f"- name: {service.name} {objective.name} rows\n" not in have)


def _version(text: str) -> PrometheusVersion:
    from alertd.rulegen.version import parse

    try:
        return parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--prometheus-version") from None


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """What a build makes lives to its end, and has no cycles: looking for garbage in it took a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _refuse_bad_presets(folder: Path) -> None:
    """PromQL of a preset that does not parse would make a rule that Prometheus does not load."""
    from alertd import lint
    from alertd.config import preset_file, rule_files
    from alertd.errors import BadInput
    from alertd.lint import Setting

    if not (folder / preset_file.FOLDER).is_dir():
        return  # and promql-parser need not be loaded
    wrong = [finding for finding in lint.findings(list(rule_files.preset_expressions(folder / preset_file.FOLDER)),
                                                  Setting()) if finding.id == "promql-syntax"]
    if wrong:
        raise BadInput(wrong)


def _costed(files: Iterable[tuple[str, str]], series: int, shown: bool, limit: float | None
            ) -> Iterator[tuple[str, str]]:
    """The files as they come; behind the last one prints the table, and refuses what is over the limit."""
    from alertd import cost
    from alertd.cli.asking import table
    from alertd.config import rule_files

    costs: list[Cost] = []
    for name, text in files:
        yield name, text
        if name.endswith(".rules.yaml"):
            costs += cost.per_slo(rule_files.parsed(text, name)[0], series)
    costs.sort(key=lambda cost: (-cost.samples, cost.service, cost.slo))
    if shown and costs:
        click.echo(table([["SERVICE", "SLO", "SAMPLES/S", "RULES"], *map(_row, costs)]))
        click.echo(f"{sum((each.samples for each in costs), Decimal()):.1f} samples a second in all, "
                   f"assuming {series} series behind each counter", err=True)
    over = [each for each in costs if limit is not None and each.samples > limit]
    for each in over:
        click.echo(f"{each.service}: the SLO {each.slo!r} would read {each.samples:.1f} samples a second, over the "
                   f"limit of {limit:g}; nothing was written", err=True)
    if over:
        sys.exit(1)


def _row(cost: Cost) -> list[str]:
    return [cost.service, cost.slo, f"{cost.samples:.1f}", str(cost.rules)]

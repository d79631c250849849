"""`alertd check`: every fault of routing.yaml, rules/ and hand-written rule files, before anything runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from alertd.errors import Finding
    from alertd.lint import Rule, Setting

_DEFAULT = click.core.ParameterSource.DEFAULT


def _duration(ctx: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    from alertd.config import units

    try:
        return None if text is None else units.duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("check")
@click.option("--config", type=click.Path(path_type=Path), default=Path("routing.yaml"), show_default=True,
              help="Who is told.")
@click.option("--rules", type=click.Path(path_type=Path), default=Path("rules"), show_default=True,
              help="What is watched.")
@click.option("--prometheus-rules", "files", multiple=True, metavar="FILE",
              type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="A Prometheus rule file (or PrometheusRule) written by hand; may be given several times.")
@click.option("--retention", callback=_duration, metavar="DURATION", help="How long Prometheus keeps samples.")
@click.option("--scrape-interval", "scrape", callback=_duration, metavar="DURATION",
              help="How often targets are scraped.")
@click.option("--prometheus", metavar="URL", help="A Prometheus to ask for both, for metrics and for buckets.")
@click.option("--format", "form", type=click.Choice(["text", "json", "github", "sarif"]), default="text",
              show_default=True, help="For a person, a program, GitHub's annotations, or SARIF.")
@click.pass_context
def command(ctx: click.Context, config: Path, rules: Path, files: tuple[Path, ...], retention: int | None,
            scrape: int | None, prometheus: str | None, form: str) -> None:
    """Find every fault in routing.yaml and rules/, and whether rules/generated/ is current. Opens no secret, and needs
    no network unless --prometheus is given. docs/findings.md explains each finding.

    Exit codes: 0 clean (remarks allowed), 1 findings, 2 usage, 3 the Prometheus that was named does not answer.
    """
    from alertd.cli import _report

    if ctx.get_parameter_source("rules") is not _DEFAULT and not rules.exists():
        raise click.UsageError(f"--rules {rules}: no such folder")
    findings: list[Finding] = []
    if config.exists() or not files or ctx.get_parameter_source("config") is not _DEFAULT:
        findings += _routing_findings(config)
    written: list[Rule] = []
    if rules.exists():
        wrong, written = _rules_findings(rules)
        findings += wrong
    findings += _lint_findings(rules, files, written, (retention, scrape, prometheus))
    errors = sum(finding.level == "error" for finding in findings)
    click.echo(_report.FORMATS[form](findings), nl=False)
    click.echo(_verdict(config, errors, len(findings) - errors), err=True)
    sys.exit(1 if errors else 0)


def _routing_findings(config: Path) -> list[Finding]:
    from alertd import channels
    from alertd.config import coverage, routing_file

    file, findings = routing_file.examine(config, channels.settings_types(), read_secrets=False)
    uncovered = coverage.findings(str(config), file.routing, time.time_ns() // 1_000_000) if file else []
    return sorted([*findings, *uncovered])


def _rules_findings(rules: Path) -> tuple[list[Finding], list[Rule]]:
    """What is wrong in `rules`, generated files that are not current included; and the rules a build would write."""
    from alertd import rulegen
    from alertd.config import generated, rule_files, rules_file
    from alertd.errors import BadInput

    try:
        read = rules_file.load(rules)
    except BadInput as error:
        return list(error.findings), []
    folder = rules / generated.FOLDER
    written: list[Rule] = []

    def files() -> Iterator[tuple[str, str]]:
        for name, text in rulegen.each(read.declared, generated.known(folder)):
            if name.endswith(".rules.yaml"):
                written.extend(rule_files.parsed(text, str(folder / name))[0])
            yield name, text

    want = files()
    findings = [*read.remarks, *generated.findings(rules, want)]
    for _ in want:  # what was not asked for, since a file there is none of ours
        pass
    return findings, written


def _lint_findings(folder: Path, files: tuple[Path, ...], written: list[Rule], told: tuple[Any, ...]) -> list[Finding]:
    """What the lints and promtool say of hand-written rules, presets' expressions and generated rules."""
    from alertd import lint
    from alertd.cli import _promtool
    from alertd.config import preset_file, rule_files

    findings: list[Finding] = []
    rules = [*written, *rule_files.preset_expressions(folder / preset_file.FOLDER)]
    for file in files:
        read, wrong = rule_files.load(file)
        rules += read
        findings += wrong
    findings += lint.findings(rules, _setting(rules, *told))
    if promtool := _promtool.path():
        generated = [path for path in sorted({Path(rule.file) for rule in written}) if path.exists()]
        findings = _promtool.instead_of_ours(findings, _promtool.findings(promtool, [*files, *generated], rules), rules)
    return sorted(findings)


def _setting(rules: list[Rule], retention: int | None, scrape: int | None, url: str | None) -> Setting:
    """What is said of the server, completed by what the server says of itself."""
    from alertd.lint import Known, Setting

    if url is None:
        return Setting(retention, scrape)
    from alertd import expressions
    from alertd.prometheus import Prometheus, PrometheusUnreachable

    server = Prometheus(url)
    histograms = {selector.metric for rule in rules if rule.expr for selector in expressions.selectors(rule.expr)
                  if any(label == "le" for label, _, _ in selector.matchers)}
    try:
        known = Known(server.values("__name__"),
                      {metric: server.values("le", metric) for metric in sorted(histograms - {""})})
        return Setting(retention or server.retention(), scrape or server.scrape_interval(), known)
    except PrometheusUnreachable as error:
        click.echo(str(error), err=True)
        sys.exit(3)


def _verdict(config: Path, errors: int, remarks: int) -> str:
    counts = [f"{number} {word}{'' if number == 1 else 's'}"
              for number, word in ((errors, "error"), (remarks, "remark")) if number]
    return f"{config}: {', '.join(counts) or 'no findings'}"

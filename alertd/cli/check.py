"""`alertd check`: every fault of routing.yaml and rules/, before anything runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from alertd.errors import Finding


@click.command("check")
@click.option("--config", type=click.Path(path_type=Path), default=Path("routing.yaml"), show_default=True,
              help="Who is told.")
@click.option("--rules", type=click.Path(path_type=Path), default=Path("rules"), show_default=True,
              help="What is watched.")
@click.option("--format", "form", type=click.Choice(["text", "json", "github", "sarif"]), default="text",
              show_default=True, help="For a person, a program, GitHub's annotations, or SARIF.")
@click.pass_context
def command(ctx: click.Context, config: Path, rules: Path, form: str) -> None:
    """Find every fault in routing.yaml and rules/, and whether rules/generated/ is current. Needs no network and
    opens no secret.

    Exit codes: 0 clean (remarks allowed), 1 findings, 2 usage.
    """
    from alertd.cli import _report

    given = ctx.get_parameter_source("rules") is not click.core.ParameterSource.DEFAULT
    if given and not rules.exists():
        raise click.UsageError(f"--rules {rules}: no such folder")
    findings = _routing_findings(config) + (_rules_findings(rules) if rules.exists() else [])
    errors = sum(finding.level == "error" for finding in findings)
    click.echo(_report.FORMATS[form](findings), nl=False)
    click.echo(_verdict(config, errors, len(findings) - errors), err=True)
    sys.exit(1 if errors else 0)


def _routing_findings(config: Path) -> list[Finding]:
    from alertd import channels
    from alertd.config import routing_file

    return routing_file.examine(config, channels.settings_types(), read_secrets=False)[1]


def _rules_findings(rules: Path) -> list[Finding]:
    """What is wrong in `rules`, generated files that are not current included."""
    from alertd import rulegen
    from alertd.config import generated, rules_file
    from alertd.errors import BadInput

    try:
        read = rules_file.load(rules)
    except BadInput as error:
        return list(error.findings)
    return [*read.remarks, *generated.findings(rules, rulegen.files(read.declared))]


def _verdict(config: Path, errors: int, remarks: int) -> str:
    counts = [f"{number} {word}{'' if number == 1 else 's'}"
              for number, word in ((errors, "error"), (remarks, "remark")) if number]
    return f"{config}: {', '.join(counts) or 'no findings'}"

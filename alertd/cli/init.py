"""`alertd init`: routing.yaml, rules/ and an Alertmanager configuration to begin with."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from alertd.errors import Finding
    from alertd.starting.policy import Understood
    from alertd.starting.writing import Start

ALERTMANAGER = Path("alertmanager.yml")
_IN_RULES = ("thresholds.yaml", "services.yaml", "guardrails.yaml")


@click.command("init")
@click.option("--from", "document", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="A policy document in Markdown: its YAML blocks and lists say what is watched and who is told.")
@click.option("--domain", default="example.com", show_default=True, help="Of your mail addresses and mail server.")
@click.option("--timezone", default="UTC", show_default=True, help="Of the daily summary, such as Europe/Berlin.")
@click.option("--url", default="http://127.0.0.1:9097", show_default=True,
              help="alertd's address, as Alertmanager reaches it.")
@click.option("--config", type=click.Path(path_type=Path), default=Path("routing.yaml"), show_default=True,
              help="Who is told; written.")
@click.option("--rules", type=click.Path(path_type=Path), default=Path("rules"), show_default=True,
              help="What is watched; written.")
def command(document: Path | None, domain: str, timezone: str, url: str, config: Path, rules: Path) -> None:
    """Write routing.yaml, rules/ and alertmanager.yml into this folder: all of them or none. What stands there already
    is kept as it is. No secret is asked for or written: the files name others, such as secrets/slack, which you make.

    With --from, what the document declares takes the place of the usual; every line that is not used is listed with
    the reason.

    Exit codes: 0 written (or all kept), 1 something in the document cannot be read, or nothing could be written.
    """
    from alertd.starting import writing
    from alertd.starting.policy import Declared

    understood = _understood(document) if document else None
    start = writing.Start(understood.declared if understood else Declared(), document.name if document else "",
                          domain=domain, timezone=timezone, url=url.rstrip("/"), rules=rules.name)
    _write(start, config, rules)


def _understood(document: Path) -> Understood:
    """What the document declares. Says what is not used; leaves where something cannot be read."""
    from alertd.cli import _report
    from alertd.errors import BadInput
    from alertd.starting import document as documents
    from alertd.starting import policy

    try:
        understood = policy.understand(documents.read(document), {})
        errors = [finding for finding in understood.findings if finding.level == "error"]
    except BadInput as error:
        errors = list(error.findings)
    if errors:
        click.echo(_report.text(errors), err=True, nl=False)
        click.echo("nothing was written", err=True)
        sys.exit(1)
    for finding in understood.findings:
        click.echo(str(finding), err=True)
    return understood


def _write(start: Start, config: Path, rules: Path) -> None:
    from alertd.starting import placing, writing

    targets = [config, rules, ALERTMANAGER]
    kept = [path for path in targets if placing.taken(path)]
    texts = writing.files(start)
    try:
        with placing.beside([path for path in targets if path not in kept]) as made:
            if config in made:
                made[config].write_text(texts["routing.yaml"], encoding="utf-8")
            if ALERTMANAGER in made:
                made[ALERTMANAGER].write_text(texts["alertmanager.yml"], encoding="utf-8")
            if rules in made:
                made[rules].mkdir()
                for name in _IN_RULES:
                    if name in texts:
                        (made[rules] / name).write_text(texts[name], encoding="utf-8")
            wrong = _wrong(made, config, rules)
            if wrong:
                click.echo("\n".join(map(str, wrong)) + "\nnothing was written", err=True)
                sys.exit(1)
            judged = _amtool(made[ALERTMANAGER]) if ALERTMANAGER in made else ""
            placing.put(made)
    except OSError as error:
        click.echo(f"{error.filename2 or error.filename}: {error.strerror}; nothing was written", err=True)
        sys.exit(1)
    said = {config: "who is told", rules: "what is watched, and its generated rules", ALERTMANAGER: judged}
    for path in targets:
        click.echo(f"{'kept ' if path in kept else 'wrote'} {path}  {'as it was' if path in kept else said[path]}",
                   err=True)


def _wrong(made: Mapping[Path, Path], config: Path, rules: Path) -> list[Finding]:
    """What `alertd check` would call an error, of the files where they were made; and writes rules/generated/."""
    from alertd import channels, rulegen
    from alertd.config import generated, routing_file, rules_file
    from alertd.errors import BadInput

    found: list[Finding] = []
    if config in made:
        _, findings = routing_file.examine(made[config], channels.settings_types(), read_secrets=False)
        found += [dataclasses.replace(each, file=str(config)) for each in findings if each.level == "error"]
    if rules in made:
        try:
            declared = rules_file.load(made[rules]).declared
            generated.write(made[rules] / generated.FOLDER, rulegen.each(declared))
        except BadInput as error:
            found += [dataclasses.replace(each, file=each.file.replace(str(made[rules]), str(rules)))
                      for each in error.findings]
    return found


def _amtool(file: Path) -> str:
    """What Alertmanager's own judge says of the file, where it is on PATH; leaves where it refuses it."""
    amtool = shutil.which("amtool")
    if amtool is None:
        return "takes everything to alertd; not checked, for amtool is not on PATH (on Debian: prometheus-alertmanager)"
    run = subprocess.run([amtool, "check-config", file], capture_output=True, text=True, check=False)  # noqa: S603  a fixed command, no shell
    if run.returncode:
        click.echo(f"{run.stdout}{run.stderr}".strip(), err=True)
        click.echo("amtool refuses alertmanager.yml; nothing was written", err=True)
        sys.exit(1)
    return "takes everything to alertd; amtool accepts it"

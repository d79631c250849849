"""`alertd init`: routing.yaml, rules/ and an Alertmanager configuration to begin with."""

from __future__ import annotations

import dataclasses
import functools
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

if TYPE_CHECKING:
    from alertd.presets import Preset
    from alertd.starting.policy import Declared, Understood
    from alertd.starting.writing import Service, Start


def _zone(_: click.Context | None, __: click.Parameter | None, text: str) -> str:
    try:
        return ZoneInfo(text.strip()).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise click.BadParameter(f"{text!r} is no time zone; write one such as Europe/Berlin") from error


def _address(_: click.Context | None, __: click.Parameter | None, text: str | None) -> str | None:
    if text and not re.fullmatch(r"https?://[^\s\"'#]+", text):
        raise click.BadParameter(f"{text!r} is no address; it begins with http:// or https://")
    return text.rstrip("/") if text else text


def _domain(_: click.Context | None, __: click.Parameter | None, text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", text.strip()):
        raise click.BadParameter(f"{text!r} is no domain; write one such as example.com")
    return text.strip()


def _named(_: click.Context, __: click.Parameter, given: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Services as NAME=PRESET."""
    for text in given:
        if not all(text.partition("=")):
            raise click.BadParameter(f"{text!r} is no service; write NAME=PRESET, such as checkout=prometheus-http")
    return tuple((name, preset) for name, _, preset in (text.partition("=") for text in given))


@click.command("init")
@click.option("--from", "document", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="A policy document in Markdown: its YAML blocks and lists say what is watched and who is told.")
@click.option("--prometheus", metavar="URL", callback=_address,
              help="A Prometheus to ask for the services that its metrics show.")
@click.option("--service", "services", multiple=True, metavar="NAME=PRESET", callback=_named,
              help="A service, its job called as it is, and how its metrics are; may be given several times.")
@click.option("--domain", default="example.com", show_default=True, callback=_domain,
              help="Of your mail addresses and mail server.")
@click.option("--timezone", default="UTC", show_default=True, callback=_zone,
              help="Of the daily summary, such as Europe/Berlin.")
@click.option("--url", default="http://127.0.0.1:9097", show_default=True, callback=_address,
              help="alertd's address, as Alertmanager reaches it.")
@click.option("--config", type=click.Path(path_type=Path), default=Path("routing.yaml"), show_default=True,
              help="Who is told; written.")
@click.option("--rules", type=click.Path(path_type=Path), default=Path("rules"), show_default=True,
              help="What is watched; written.")
@click.option("--timeout", default=10.0, show_default=True, help="Seconds for one query.")
@click.pass_context
def command(ctx: click.Context, document: Path | None, prometheus: str | None, services: tuple[tuple[str, str], ...],
            domain: str, timezone: str, url: str, config: Path, rules: Path, timeout: float) -> None:
    """Write routing.yaml, rules/ and alertmanager.yml into this folder: all of them or none. What stands there already
    is kept as it is. On a terminal it asks for what no option says. No secret is asked for or written: the files name
    others, such as secrets/slack, which you make.

    With --from, what the document declares takes the place of the usual; every line that is not used is listed with
    the reason. With --prometheus, services are found by their metrics.

    Exit codes: 0 written (or all kept), 1 something in the document cannot be read, or nothing could be written,
    2 usage, 3 the Prometheus does not answer.
    """
    from alertd.cli import _beginning
    from alertd.config import preset_file
    from alertd.starting import fitting, writing
    from alertd.starting.policy import Declared

    places = _beginning.Places(config, rules)
    if len(places.kept()) == len([*places]):
        click.echo("".join(f"kept {path} as it is\n" for path in places) + "nothing to write", err=True)
        return
    presets = preset_file.load(rules / preset_file.FOLDER)[0]
    understood = _understood(document, presets) if document else None
    declared = understood.declared if understood else Declared()
    known = _services(services, presets, declared)
    answers = _asked(ctx, {"prometheus": prometheus, "domain": domain, "timezone": timezone, "url": url})
    example = fitting.example(presets[writing.USUAL], declared)
    start = writing.Start(declared, example, document.name if document else "", known, (), answers["domain"],
                          answers["timezone"], answers["url"], rules.name)
    if answers["prometheus"]:
        start = _probed(start, answers["prometheus"], timeout, presets)
    if understood:
        _unused(understood, document)
    _beginning.write(start, places)


def _understood(document: Path, presets: Mapping[str, Preset]) -> Understood:
    """What the document declares; leaves where something cannot be read."""
    from alertd.cli import _report
    from alertd.config import limits
    from alertd.errors import BadInput
    from alertd.starting import document as documents
    from alertd.starting import policy

    readers = {name: functools.partial(limits.read, guardrail=guardrail)
               for preset in presets.values() for name, guardrail in preset.guardrails.items()}
    try:
        understood = policy.understand(documents.read(document), readers)
        errors = [finding for finding in understood.findings if finding.level == "error"]
    except BadInput as error:
        errors = list(error.findings)
    if errors:
        click.echo(_report.text(errors), err=True, nl=False)
        click.echo("nothing was written", err=True)
        sys.exit(1)
    return understood


def _unused(understood: Understood, document: Path | None) -> None:
    """Every line that becomes nothing, and why."""
    if understood.findings:
        lines = len({finding.line for finding in understood.findings})
        click.echo(f"{document}: {f'{lines} lines become' if lines > 1 else '1 line becomes'} no rule:", err=True)
    for finding in understood.findings:
        click.echo(f"  {finding}", err=True)
    click.echo(err=True)


def _services(named: Sequence[tuple[str, str]], presets: Mapping[str, Preset], declared: Declared
              ) -> tuple[Service, ...]:
    """Those of --service, each with the objectives that its preset can count."""
    from alertd.config import preset_file
    from alertd.config.yaml import did_you_mean
    from alertd.starting import fitting

    usable = preset_file.offering(presets.values())
    found = []
    for name, preset in named:
        if preset not in usable:
            raise click.UsageError(f"--service {name}={preset}: there is no preset {preset!r}; "
                                   f"{did_you_mean(preset, usable)}")
        service, word = fitting.service(fitting.Found(name, presets[preset], f'job="{name}"'), None, declared)
        if word:
            click.echo(word, err=True)
        found += [service] if service else []
    return tuple(found)


_QUESTIONS = {
    "prometheus": ("A Prometheus to look for services at (Enter: none)", _address),
    "domain": ("Your mail domain", _domain),
    "timezone": ("Time zone of the daily summary", _zone),
    "url": ("alertd's address, as Alertmanager reaches it", _address),
}


def _asked(ctx: click.Context, given: dict[str, Any]) -> dict[str, Any]:
    """What the options say, and what a person answers to the rest of the questions, on a terminal."""
    left = [name for name in _QUESTIONS if ctx.get_parameter_source(name) is click.core.ParameterSource.DEFAULT]
    if not (left and sys.stdin.isatty() and sys.stderr.isatty()):
        return given
    click.echo("Enter takes what stands in brackets; Ctrl-C leaves, and nothing is written.", err=True)
    for name in left:
        question, reader = _QUESTIONS[name]
        given[name] = click.prompt(question, default=given[name] or "", show_default=bool(given[name]), err=True,
                                   value_proc=functools.partial(reader, None, None))
    return given


def _probed(start: Start, url: str, timeout: float, presets: Mapping[str, Preset]) -> Start:
    """With what the Prometheus has; leaves where it does not answer."""
    from alertd.cli import _probing
    from alertd.prometheus import Prometheus, PrometheusUnreachable

    server = Prometheus(url, timeout)
    try:
        found = _probing.probe(server, presets, start.declared)
    except PrometheusUnreachable as error:
        click.echo(f"{error}\nnothing was written", err=True)
        sys.exit(3)
    for line in _probing.told(found, server):
        click.echo(line, err=True)
    named = {service.name for service in start.services}
    services = [*start.services, *(service for service in found.services if service.name not in named)]
    return dataclasses.replace(start, services=services, watch=found.watch,
                               declared=_kept(start.declared, found.kept))


def _kept(declared: Declared, kept: int | None) -> Declared:
    """How long the server keeps metrics, where no document says it; where it keeps less than one says, that is said."""
    from alertd.config import units
    from alertd.rulegen import promql
    from alertd.starting.policy import Setting

    if kept is None:
        return declared
    if declared.retention is None:
        return dataclasses.replace(declared, retention=Setting(promql.duration(kept)))
    if kept < units.duration(declared.retention.text):
        click.echo(f"it keeps metrics for {promql.duration(kept)}, and not {declared.retention.text} as the document "
                   "says: start it with --storage.tsdb.retention.time", err=True)
    return declared

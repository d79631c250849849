"""`alertd routes`: who is told of an alert with these labels, and which line of routing.yaml says so."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from alertd.config.routing_file import RoutingFile
    from alertd.errors import AlertdError
    from alertd.routing import Choice, Routing, Step

_config = click.option("--config", type=click.Path(path_type=Path), default=Path("routing.yaml"), show_default=True,
                       help="Who is told.")
_output = click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)


@click.group("routes")
def command() -> None:
    """Explain and test who is told."""


@command.command("explain", short_help="Say who is told, how, and which line says so.")
@click.argument("labels", nargs=-1, metavar="LABEL=VALUE...")
@_config
@_output
def explain(labels: tuple[str, ...], config: Path, output: str) -> None:
    """Say who is told of an alert with these labels, in which order, and the line of routing.yaml that says so.

    It asks the same function as the daemon. Example: alertd routes explain severity=critical service=checkout
    """
    from alertd.routing import choose

    file = _load(config)
    choice = choose(_pairs(labels), file.routing)
    if output == "json":
        then = [{"after_seconds": step.after // 1000, "receivers": list(step.receivers), "line": step.line}
                for step in _steps(choice, file)]
        _print_json({"severity": choice.severity.value, "receivers": list(choice.receivers), "why": list(choice.why),
                     **({"escalation": then} if then else {})})
    else:
        click.echo("\n".join(_explained(choice, file)))


@command.command("show", short_help="Show the whole table.")
@_config
@_output
def show(config: Path, output: str) -> None:
    """Show the whole table: the overrides in their order, then the routes by severity."""
    file = _load(config)
    rows = list(_rows(file.routing))
    if output == "json":
        _print_json([{"line": line, "match": match, "receivers": list(receivers)} for line, match, receivers in rows])
        return
    width = max(len(match) for _, match, _ in rows)
    for line, match, receivers in rows:
        click.echo(f"{file.routing.file}:{line:<4} {match:<{width}}  → {' + '.join(receivers)}")
    click.echo()
    for name in file.routing.receivers:
        click.echo("\n".join(_receiver(name, file)))


@command.command("test", short_help="Compare it with a table of what is expected.")
@click.argument("cases", type=click.Path(path_type=Path), metavar="FILE")
@_config
def test(cases: Path, config: Path) -> None:
    """Compare routing.yaml with a table of what is expected: a YAML list of {labels: {…}, receivers: […]}.

    The order of receivers does not matter. Exit codes: 0 all as expected, 1 not (each mismatch is named), 2 usage.
    """
    from alertd.config.routing_cases import mismatches, read
    from alertd.errors import BadInput

    file = _load(config)
    try:
        expected = read(cases, file.routing.receivers)
    except BadInput as error:
        _fail(error)
    wrong = mismatches(expected, file.routing)
    for line in wrong:
        click.echo(line)
    click.echo(f"{cases}: {len(expected) - len(wrong)} of {len(expected)} as expected", err=True)
    sys.exit(1 if wrong else 0)


def _load(config: Path) -> RoutingFile:
    """The file without its secrets; ends with 1 and all its faults where it has any."""
    from alertd import channels
    from alertd.config import routing_file
    from alertd.errors import BadInput

    try:
        return routing_file.load(config, channels.settings_types(), read_secrets=False)
    except BadInput as error:
        _fail(error)


def _fail(error: AlertdError) -> NoReturn:
    click.echo(str(error), err=True)
    sys.exit(1)


def _print_json(data: Any) -> None:
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def _pairs(labels: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for label in labels:
        name, equals, value = label.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{label!r} is not LABEL=VALUE; write for example severity=critical")
        if name in found:
            raise click.UsageError(f"{name!r} is given twice; an alert has each label once")
        found[name] = value
    return found


def _explained(choice: Choice, file: RoutingFile) -> Iterator[str]:
    """For someone at three at night: first who, then how, then why."""
    if choice.receivers:
        many = len(choice.receivers) > 1
        yield f"{choice.severity}: {' + '.join(choice.receivers)} {'are' if many else 'is'} told"
    else:
        yield f"{choice.severity}: nobody is told"
    for name in choice.receivers:
        yield from _receiver(name, file)
    for step in _steps(choice, file):
        again = f" and every {_in_words(step.repeat)} from then on" if step.repeat else ""
        yield (f"  after {_in_words(step.after)}{again}, while nobody acknowledges: {' + '.join(step.receivers)} "
               f"({file.routing.file}:{step.line})")
    yield "why:"
    yield from (f"  {reason}" for reason in choice.why)


def _steps(choice: Choice, file: RoutingFile) -> tuple[Step, ...]:
    return file.routing.escalation.get(choice.severity, ()) if choice.receivers else ()


def _receiver(name: str, file: RoutingFile) -> Iterator[str]:
    """A receiver, how it is told and when."""
    receiver = file.routing.receivers[name]
    style = "" if receiver.style == "responder" else f" ({receiver.style} style)"
    yield f"  {name}{style}"
    when = f"after {_in_words(receiver.hold)}, if it has not ended by then" if receiver.hold else "at once"
    for outlet in receiver.outlets:
        if outlet.channel != "digest":
            yield f"    {outlet.channel}{f' to {outlet.target}' if outlet.target else ''}, {when}"
    if digest := file.digests.get(name):
        ways = " and ".join(f"{outlet.channel}{f' to {outlet.target}' if outlet.target else ''}"
                            for outlet in digest.outlets)
        yield f"    in the digest of {digest.at:%H:%M} {digest.timezone.key}, {ways}"
    if receiver.fallback:
        yield f"    and {receiver.fallback}, where that cannot be delivered"


def _in_words(millis: int) -> str:
    return f"{millis / 60_000:g} min" if millis >= 60_000 else f"{millis / 1000:g} s"


def _rows(routing: Routing) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    for override in routing.overrides:
        yield override.line, "{" + ", ".join(map(str, override.matchers)) + "}", override.receivers
    for severity in sorted(routing.routes, key=lambda severity: -severity.rank):
        yield routing.routes[severity].line, severity.value, routing.routes[severity].receivers

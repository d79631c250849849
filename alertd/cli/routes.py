"""`alertd routes`: who is told of an alert with these labels, and which line of routing.yaml says so."""

from __future__ import annotations

import dataclasses
import datetime
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from alertd.cli._standing import Standing
from alertd.cli._standing import where as _where

if TYPE_CHECKING:
    from alertd.config.routing_file import RoutingFile
    from alertd.errors import AlertdError
    from alertd.routing import Choice, Routing, Step, Ways
    from alertd.schedule import Window

_config = click.option("--config", type=click.Path(path_type=Path), default=Path("routing.yaml"), show_default=True,
                       help="Who is told.")
_output = click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)


@click.group("routes")
def command() -> None:
    """Explain and test who is told."""


@command.command("explain", short_help="Say who is told, how, and which line says so.")
@click.argument("labels", nargs=-1, metavar="LABEL=VALUE...")
@click.option("--at", metavar="TIME", help="As of then: who of a rota is on call, which maintenance or "
              "acknowledgement holds. Such as 2026-12-24T03:00Z; without a zone, this machine's. Default: now.")
@_where
@_config
@_output
def explain(labels: tuple[str, ...], at: str | None, store: str | None, url: str | None, config: Path, output: str
            ) -> None:
    """Say who is told of an alert with these labels, in which order, and the line of routing.yaml that says so.

    It asks the same function as the daemon. With a store or a daemon it also says which maintenance that people made,
    which acknowledgement and which firing alert keeps it from being told. Example: alertd routes explain
    severity=critical service=checkout
    """
    file, now = _load(config), _moment(at)
    choice = _choice(pairs(labels), file, Standing(store, url), now)
    if output == "json":
        then = [{"after_seconds": step.after // 1000, "receivers": list(step.receivers), "line": step.line}
                for step in _steps(choice, file)]
        on_call = _on_call(choice, file, now)
        _print_json({"severity": choice.severity.value, "receivers": list(choice.receivers),
                     "why": [*choice.why, *(why for there in on_call.values() for why in there.why)],
                     **({"on_call": {name: [str(outlet) for outlet, _ in there.outlets]
                                     for name, there in on_call.items()}} if on_call else {}),
                     **({"inhibited_while": held} if (held := _inhibited(pairs(labels), choice, file)) else {}),
                     **({"held": _held(choice.window, now)} if choice.window else {}),
                     **({"escalation": then} if then else {})})
    else:
        click.echo("\n".join(_explained(pairs(labels), choice, file, now)))


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
        click.echo("\n".join(_receiver(name, file, _moment(None))))


@command.command("test", short_help="Compare it with a table of what is expected.")
@click.argument("cases", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--at", metavar="TIME", help="As of then, for cases that say `held`. Default: now.")
@_config
def test(cases: Path, at: str | None, config: Path) -> None:
    """Compare routing.yaml with a table of what is expected: a YAML list of {labels: {…}, receivers: […]}.

    A case may say `held: NAME` of the maintenance window that holds it ("" for none) at the time of the test. The
    order of receivers does not matter. Exit codes: 0 all as expected, 1 not (each mismatch is named), 2 usage.
    """
    from alertd.config.routing_cases import mismatches, read
    from alertd.errors import BadInput

    file = _load(config)
    try:
        expected = read(cases, file.routing.receivers)
    except BadInput as error:
        _fail(error)
    wrong = mismatches(expected, file.routing, _moment(at))
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


def pairs(labels: tuple[str, ...]) -> dict[str, str]:
    """LABEL=VALUE words as labels."""
    found: dict[str, str] = {}
    for label in labels:
        name, equals, value = label.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{label!r} is not LABEL=VALUE; write for example severity=critical")
        if name in found:
            raise click.UsageError(f"{name!r} is given twice; an alert has each label once")
        found[name] = value
    return found


def _moment(text: str | None) -> int:
    try:
        return round(datetime.datetime.fromisoformat(text).timestamp() * 1000) if text else time.time_ns() // 1_000_000
    except ValueError:
        raise click.UsageError(f"--at takes a time such as 2026-12-24T03:00Z, not {text!r}") from None


def _choice(labels: dict[str, str], file: RoutingFile, standing: Standing, now: int) -> Choice:
    """Who is told, with every reason that stands in the file, in a store or with a daemon."""
    from alertd.inhibiting import instead
    from alertd.routing import choose
    from alertd.schedule import Windows

    windows = Windows((*file.routing.windows.every, *standing.windows(now)))
    choice = choose(labels, file.routing, windows.active(now))
    if choice.receivers and (why := standing.inhibited(labels, file.routing)):
        return instead(choice, why)
    return dataclasses.replace(choice, why=(*choice.why, *standing.acknowledged(labels, choice, now)))


def _on_call(choice: Choice, file: RoutingFile, now: int) -> dict[str, Ways]:
    """Where the receivers that have rotas would be told at this time."""
    from alertd.routing import ways

    receivers = [file.routing.receivers[name] for name in choice.receivers]
    return {receiver.name: ways(receiver, file.routing, now) for receiver in receivers if receiver.rotas}


def _inhibited(labels: dict[str, str], choice: Choice, file: RoutingFile) -> list[str]:
    """What would keep it quiet; whether that fires now, only the daemon knows."""
    from alertd.inhibiting import possible

    return possible(labels, file.routing) if choice.receivers else []


def _explained(labels: dict[str, str], choice: Choice, file: RoutingFile, now: int) -> Iterator[str]:
    """For someone at three at night: first who, then how, then why."""
    if choice.receivers:
        many = len(choice.receivers) > 1
        held = f", if it still burns when maintenance ends, {_held(choice.window, now)['until']}" if (
            choice.window) else ""
        yield f"{choice.severity}: {' + '.join(choice.receivers)} {'are' if many else 'is'} told{held}"
    else:
        yield f"{choice.severity}: nobody is told"
    for name in choice.receivers:
        yield from _receiver(name, file, now, "then" if choice.window else "at once")
    for step in _steps(choice, file):
        again = f" and every {_in_words(step.repeat)} from then on" if step.repeat else ""
        yield (f"  after {_in_words(step.after)}{again}, while nobody acknowledges: {' + '.join(step.receivers)} "
               f"({file.routing.file}:{step.line})")
    yield "why:"
    yield from (f"  {reason}" for reason in choice.why)
    yield from (f"  {reason}" for there in _on_call(choice, file, now).values() for reason in there.why)
    yield from (f"  {reason}" for reason in _inhibited(labels, choice, file))


def _held(window: Window, now: int) -> dict[str, str]:
    """What holds it, and until when: for people, by the clocks of this machine."""
    stretch = window.active(now)
    assert stretch is not None  # it was chosen because it is
    until = datetime.datetime.fromtimestamp(stretch[1] / 1000).astimezone().isoformat()
    return {"window": window.name, "mode": window.mode.value, "until": until}


def _steps(choice: Choice, file: RoutingFile) -> tuple[Step, ...]:
    return file.routing.escalation.get(choice.severity, ()) if choice.receivers else ()


def _receiver(name: str, file: RoutingFile, now: int, first: str = "at once") -> Iterator[str]:
    """A receiver, how it is told and when; of a rota, who is on call at this time."""
    from alertd.routing import ways

    receiver = file.routing.receivers[name]
    style = "" if receiver.style == "responder" else f" ({receiver.style} style)"
    yield f"  {name}{style}"
    when = f"after {_in_words(receiver.hold)}, if it has not ended by then" if receiver.hold else first
    for outlet, owner in ways(receiver, file.routing, now).outlets:
        if outlet.channel != "digest":
            other = "" if owner is receiver else f"{owner.name} by "
            yield f"    {other}{outlet.channel}{f' to {outlet.target}' if outlet.target else ''}, {when}"
    if digest := file.digests.get(name):
        carriers = " and ".join(f"{outlet.channel}{f' to {outlet.target}' if outlet.target else ''}"
                            for outlet in digest.outlets)
        yield f"    in the digest of {digest.at:%H:%M} {digest.timezone.key}, {carriers}"
    if receiver.fallback:
        yield f"    and {receiver.fallback}, where that cannot be delivered, or a critical start is not taken within " \
              f"{_in_words(receiver.late)}"


def _in_words(millis: int) -> str:
    return f"{millis / 60_000:g} min" if millis >= 60_000 else f"{millis / 1000:g} s"


def _rows(routing: Routing) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    for override in routing.overrides:
        yield override.line, "{" + ", ".join(map(str, override.matchers)) + "}", override.receivers
    for severity in sorted(routing.routes, key=lambda severity: -severity.rank):
        yield routing.routes[severity].line, severity.value, routing.routes[severity].receivers

"""`alertd oncall`: who is on call, at any time, by the rotas of routing.yaml."""

from __future__ import annotations

import dataclasses
import datetime
import json
import time
import urllib.parse
import zoneinfo
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alertd.cli.asking import output, table

if TYPE_CHECKING:
    from alertd.config.routing_file import RoutingFile
    from alertd.rotas import Rota, StandIn

_config = click.option("--config", type=click.Path(path_type=Path), default=Path("routing.yaml"), show_default=True,
                       help="Who is told.")
_rota = click.option("--rota", "name", help="Only this rota.")
WEEK = 7 * 24 * 3_600_000
YEARS = 520 * WEEK  # before and after today: how far somebody may ask about


@click.group("oncall")
def command() -> None:
    """Say who is on call."""


@command.command("who", short_help="Who is on call now, or at another time.")
@click.option("--at", "text", metavar="TIME", help="Such as 2026-12-24T03:00, by the rota's clocks unless it has a "
              "zone of its own (Z, +01:00). Default: now.")
@_rota
@_config
@output
def who(text: str | None, name: str | None, config: Path, form: str) -> None:
    """Say who is on call by each rota, until when, how they are reached, and who follows."""
    file = load(config)
    entries = [_entry(rota, moment(text, rota.timezone), file) for rota in rotas_of(file, name).values()]
    if form == "json":
        click.echo(json.dumps({"oncall": entries}, indent=2, ensure_ascii=False))
        return
    for entry in entries:
        reached = ", ".join(f"{channel} {address}" for channel, address in entry["addresses"].items())
        stands_in = " (stands in)" if entry["stands_in"] else ""
        follows = f" then {entry['next']}" if entry["next"] else " then nobody"
        click.echo(f"{entry['rota']}: {entry['person'] or 'nobody'}{stands_in}"
                   + (f", {reached}" if reached else ""))
        click.echo(f"  until {entry['until']},{follows}")


@command.command("list", short_help="The shifts of the weeks to come.")
@click.option("--weeks", type=click.IntRange(1, 104), default=4, show_default=True)
@_rota
@_config
@output
def list_(weeks: int, name: str | None, config: Path, form: str) -> None:
    """List the shifts of the weeks to come, with the hours nobody covers."""
    rows = [row for rota in rotas_of(load(config), name).values() for row in _shifts(rota, weeks)]
    if form == "json":
        click.echo(json.dumps({"items": rows, "next": None}, indent=2, ensure_ascii=False))
    elif rows:
        click.echo(table([["ROTA", "FROM", "TO", "PERSON"],
                          *([row["rota"], _shown(row["from"]), _shown(row["to"]),
                             f"{row['person'] or 'NOBODY'}{' (stands in)' if row['stands_in'] else ''}"]
                            for row in rows)]))


@command.command("export", short_help="The shifts as an iCal calendar.")
@click.option("--ical", is_flag=True, required=True, help="As iCal, the only form there is.")
@click.option("--weeks", type=click.IntRange(1, 104), default=12, show_default=True)
@_rota
@_config
def export(ical: bool, weeks: int, name: str | None, config: Path) -> None:
    """Print the shifts to come as a calendar; a shift keeps its UID from one export to the next.

    A daemon serves the same at /api/v1/oncall.ics?rota=NAME, for calendars to subscribe to.
    """
    from alertd import calendars

    now = time.time_ns() // 1_000_000
    click.echo(calendars.written(rotas_of(load(config), name).values(), now, now + weeks * WEEK, now), nl=False)


def load(config: Path) -> RoutingFile:
    """The file without its secrets and with what its calendars say; ends with 1 and all its faults where it has any.
    Of a calendar at an address only the daemon knows."""
    from alertd import channels
    from alertd.config import routing_file
    from alertd.errors import BadInput

    try:
        file = routing_file.load(config, channels.settings_types(), read_secrets=False)
    except BadInput as error:
        click.echo(str(error), err=True)
        raise SystemExit(1) from None
    rotas = {name: dataclasses.replace(rota, calendar=_said(file, name)) for name, rota in file.routing.rotas.items()}
    return dataclasses.replace(file, routing=dataclasses.replace(file.routing, rotas=rotas))


def _said(file: RoutingFile, name: str) -> tuple[StandIn, ...]:
    """What the calendar of a rota says, where it is a file; else a remark on stderr."""
    from alertd import calendars

    calendar = file.calendars.get(name)
    if calendar is None:
        return ()
    if calendar.file is None:
        click.echo(f"rota {name}: its calendar is at an address and not read here; a daemon says who stands in at "
                   f"/api/v1/oncall.ics?rota={urllib.parse.quote(name)}", err=True)
        return ()
    now = time.time_ns() // 1_000_000
    try:
        body = (file.folder / calendar.file).read_bytes()
        return calendars.heard(body, file.people, file.routing.rotas[name].timezone, now - YEARS,
                               now + YEARS).stand_ins
    except (OSError, ValueError) as error:
        click.echo(f"rota {name}: {calendar.file}: {error}", err=True)
        return ()


def rotas_of(file: RoutingFile, name: str | None) -> Mapping[str, Rota]:
    """All rotas of the file, or the one of this name."""
    from alertd.config.yaml import did_you_mean

    rotas = file.routing.rotas
    if name is not None and name not in rotas:
        raise click.UsageError(f"unknown rota {name!r}; {did_you_mean(name, rotas)}")
    if not rotas:
        click.echo(f"{file.routing.file} has no rotas", err=True)
    return rotas if name is None else {name: rotas[name]}


def moment(text: str | None, zone: zoneinfo.ZoneInfo) -> int:
    """The time a person typed, in milliseconds; now where they typed none."""
    if text is None:
        return time.time_ns() // 1_000_000
    try:
        typed = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--at takes a time such as 2026-12-24T03:00, not {text!r}") from None
    return round((typed if typed.tzinfo else typed.replace(tzinfo=zone)).timestamp() * 1000)


def _entry(rota: Rota, at: int, file: RoutingFile) -> dict[str, Any]:
    """Who is on call at a time, and what changes next within the eight weeks after it."""
    from alertd.rotas import gaps

    person, end = rota.on_call(at), at + 8 * WEEK
    shifts = rota.shifts(at, end)
    if person:
        until, stands_in = shifts[0].ends, shifts[0].stands_in
    else:
        until, stands_in = gaps([rota], at, end)[0][1], False
    return {"rota": rota.name, "at": _iso(at, rota.timezone), "person": person, "stands_in": stands_in,
            "until": _iso(until, rota.timezone), "next": rota.on_call(until),
            "addresses": dict(file.people.get(person or "", {}))}


def _shifts(rota: Rota, weeks: int) -> list[dict[str, Any]]:
    from alertd.rotas import gaps

    now = time.time_ns() // 1_000_000
    since, until = rota.turn_began(now), now + weeks * WEEK
    rows: list[tuple[int, int, str | None, bool]] = [
        (shift.starts, shift.ends, shift.person, shift.stands_in) for shift in rota.shifts(since, until)]
    rows += [(*gap, None, False) for gap in gaps([rota], since, until)]
    return [{"rota": rota.name, "from": _iso(starts, rota.timezone), "to": _iso(ends, rota.timezone), "person": person,
             "stands_in": stands_in} for starts, ends, person, stands_in in sorted(rows, key=lambda row: row[0])]


def _iso(at: int, zone: zoneinfo.ZoneInfo) -> str:
    return datetime.datetime.fromtimestamp(at // 1000, zone).isoformat()


def _shown(text: str) -> str:
    return f"{datetime.datetime.fromisoformat(text):%a %Y-%m-%d %H:%M %z}"

"""`alertd maintenance`: what is planned, when it comes, and windows for once that people make and end."""

from __future__ import annotations

import datetime
import getpass
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alertd.cli._saying import aware, here, refuse
from alertd.cli.acting import Store, at_daemon, at_store, who
from alertd.cli.asking import from_daemon, from_store, output, table, where

if TYPE_CHECKING:
    from alertd.config.wished import Wished
    from alertd.engine.acts import Outcome
    from alertd.engine.maintenance import Maintenance
    from alertd.schedule import Window

_config = click.option("--config", type=click.Path(path_type=Path), default=Path("routing.yaml"), show_default=True,
                       help="The routing file, where no daemon is asked.")


@click.group("maintenance")
def command() -> None:
    """Plan work, within which nobody is told of what it covers."""


@command.command("add", short_help="Make a window for once.")
@click.option("--match", multiple=True, metavar="MATCHER", help="Such as 'service=\"db\"'; may be repeated: all must "
              "match. Without any it covers everything.")
@click.option("--from", "starts", metavar="TIME", help="Such as 2026-12-01T20:00; without a zone, this machine's. "
              "Default: now.")
@click.option("--to", "ends", metavar="TIME", help="When it ends.")
@click.option("--for", "length", metavar="DURATION", help="Or how long it lasts, such as 2h.")
@click.option("--reason", required=True, help="Why; stands in every record of what it held.")
@click.option("--name", default="", help="What to call it; the reason where it has none.")
@click.option("--mode", type=click.Choice(["hold", "digest"]), default="hold", show_default=True,
              help="Keep what fires to the end, or collect it for the digest as well.")
@click.option("--no-notices", is_flag=True, help="Announce neither its start nor its end.")
@click.option("--exclude-from-budget", "excluded", is_flag=True, help="Leave it out of error budgets too.")
@click.option("--yes", is_flag=True, help="Make it although it covers much.")
@where
@who
def add(match: tuple[str, ...], starts: str | None, ends: str | None, length: str | None, reason: str, name: str,
        mode: str, no_notices: bool, excluded: bool, yes: bool, store: str, url: str | None, config: Path,
        by: str | None) -> None:
    """Make a window for once: what begins to fire within it is told at its end, if it still burns then.

    One that covers more than half of what fired within the last seven days is made only with --yes.
    """
    fields: dict[str, Any] = {
        "match": list(match), "reason": reason, "name": name, "mode": mode, "notices": not no_notices, "confirm": yes,
        **({"exclude_from_budget": True} if excluded else {}),
        "by": by or getpass.getuser(), **({"from": aware("--from", starts)} if starts else {}),
        **({"to": aware("--to", ends)} if ends else {}), **({"for": length} if length else {})}
    if url:
        status, made = at_daemon(url, "POST", "/api/v1/maintenance", fields, asked=(400, 409))
        if status >= 400:
            refuse(made["error"].replace("say `confirm: true`", "say --yes"), 2 if status == 400 else 1)
    else:
        made = _made_at_store(store, config, fields)
    stretch = made["next"][0]
    click.echo(made["id"])
    click.echo(f"from {here(stretch['from'])} to {here(stretch['to'])}; `alertd maintenance end {made['id']}` ends "
               "it early", err=True)


@command.command("list", short_help="What is planned, and what Alertmanager silences.")
@click.option("--alertmanager", "alertmanagers", multiple=True, metavar="URL", help="List its silences too; may be "
              "repeated.")
@where
@_config
@output
def list_(alertmanagers: tuple[str, ...], store: str, url: str | None, config: Path, form: str) -> None:
    """List windows that are active or planned; with --alertmanager its own silences too."""
    items = _windows(store, url, config)
    silences = [silence for address in alertmanagers for silence in _silences(address)]
    if form == "json":
        click.echo(json.dumps({"items": items, "silences": silences}, indent=2, ensure_ascii=False))
        return
    rows = [[item["id"], item["state"], item["mode"], _next(item), ", ".join(item["match"]) or "everything",
             item["name"] + (f", {item['reason']}" if item["reason"] else ""), item["by"]] for item in items]
    rows += [[f"silence {silence['id'][:8]}", silence["state"], "", f"to {here(silence['to'])}",
              ", ".join(silence["match"]), silence["reason"], silence["by"]] for silence in silences]
    if rows:
        click.echo(table([["WINDOW", "STATE", "MODE", "WHEN", "COVERS", "WHY", "BY"], *rows]))
    else:
        click.echo("no maintenance is planned", err=True)


@command.command("preview", short_help="The next times of every window, or of one.")
@click.argument("name", required=False)
@click.option("--every", help="Of a window that is not written yet, such as 'SUN 02:00-04:00', or an RRULE with --for.")
@click.option("--for", "length", metavar="DURATION", help="How long each occurrence of an RRULE lasts.")
@click.option("--timezone", default="UTC", show_default=True, help="Of --every.")
@click.option("--number", type=click.IntRange(1, 100), default=5, show_default=True)
@where
@_config
@output
def preview(name: str | None, every: str | None, length: str | None, timezone: str, number: int, store: str,
            url: str | None, config: Path, form: str) -> None:
    """Print the next occurrences of every window, or of the one of this NAME or id, by the clocks of its zone."""
    if every is not None:
        items = [_tried(every, length, timezone, number)]
    else:
        items = [item for item in _windows(store, url, config, number) if name in (None, item["name"], item["id"])]
        if name is not None and not items:
            refuse(f"no maintenance window {name!r}; `alertd maintenance list` names them", 1)
    if form == "json":
        click.echo(json.dumps({"items": items}, indent=2, ensure_ascii=False))
        return
    for item in items:
        click.echo(f"{item['name']} ({item['id']})" if item["id"] else item["name"])
        for stretch in item["next"]:
            starts, ends = (datetime.datetime.fromisoformat(stretch[edge]) for edge in ("from", "to"))
            click.echo(f"  {starts:%a %Y-%m-%d %H:%M %z} to {ends:%a %Y-%m-%d %H:%M %z}")
        if not item["next"]:
            click.echo("  never again")


@command.command("end", short_help="End a window now.")
@click.argument("id")
@where
@who
def end(id: str, store: str, url: str | None, config: Path, by: str | None) -> None:
    """End a window that somebody made: what it held and still burns is told at once."""
    name = by or getpass.getuser()
    if url:
        status, said = at_daemon(url, "DELETE", f"/api/v1/maintenance/{id}", {"by": name}, asked=(404, 409))
        if status >= 400:
            refuse(said["error"], 1)
        outcome = said["outcome"]
    else:
        outcome = at_store(store, config, lambda inside: _end(inside, id, name)).value
    if outcome == "unknown":
        refuse(f"no maintenance window {id!r}; one of routing.yaml is taken out there", 1)
    click.echo("ended" if outcome == "done" else "it was over already: nothing changed", err=True)


def _made_at_store(store: str, config: Path, fields: Mapping[str, Any]) -> dict[str, Any]:
    from alertd.config import wished

    now = time.time_ns() // 1_000_000
    try:
        wish = wished.read(fields, now)
    except ValueError as error:
        refuse(str(error), 2)
    made, refusal, code = at_store(store, config, lambda inside: _add(inside, wish))
    if refusal:
        refuse(refusal, code)
    return made


async def _add(inside: Store, wish: Wished) -> tuple[dict[str, Any], str, int]:
    """The window as lists show it; or why there is none, and the status to leave with."""
    from alertd.engine.acts import Person
    from alertd.maintaining import shown

    if wish.window.mode == "digest" and not inside.current.file.digests:
        return {}, "--mode digest: no receiver has a digest that would collect it", 2
    maintenance = _maintenance(inside)
    if not wish.confirm and (refusal := await maintenance.refusal(wish.window)):
        return {}, f"not made: {refusal}; say --yes if that is meant", 1
    made = await maintenance.add(wish.window, Person(wish.by, "command"))
    return shown(made, inside.current.file.routing.file, inside.clock.now()), "", 0


async def _end(inside: Store, id: str, by: str) -> Outcome:
    from alertd.engine.acts import Person

    return await _maintenance(inside).end(id, Person(by, "command"))


def _maintenance(inside: Store) -> Maintenance:
    from alertd.engine.clock import Ids
    from alertd.engine.maintenance import Maintenance

    return Maintenance(inside.writer, inside.reader, inside.current, inside.clock, Ids(os.getpid()),
                       lambda _outlets: None, serving=False)


def _windows(store: str, url: str | None, config: Path, number: int = 5) -> list[dict[str, Any]]:
    """Those of the routing file, and those that people made."""
    if url:
        items: list[dict[str, Any]] = from_daemon(url, "/api/v1/maintenance", next=str(number))["items"]
        return items
    from alertd.cli.oncall import load
    from alertd.maintaining import shown
    from alertd.store import database
    from alertd.store.maintenance import planned

    now, routing = time.time_ns() // 1_000_000, load(config).routing
    made: list[Window] = from_store(store, planned, now) if database.exists(store) else []
    return [shown(window, routing.file, now, number) for window in (*routing.windows.every, *made)]


def _tried(every: str, length: str | None, timezone: str, number: int) -> dict[str, Any]:
    from alertd.config.maintenance import tried
    from alertd.maintaining import shown

    try:
        window = tried(every, length, timezone)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return shown(window, "", time.time_ns() // 1_000_000, number) | {"id": ""}


def _silences(address: str) -> list[dict[str, Any]]:
    """Alertmanager's own, those that hold or will."""
    from alertd.alertmanager import silence_of

    return [silence for one in from_daemon(address, "/api/v2/silences")
            if (silence := silence_of(one))["state"] != "expired"]


def _next(item: Mapping[str, Any]) -> str:
    if not item["next"]:
        return ""
    stretch = item["next"][0]
    return f"to {here(stretch['to'])}" if item["state"] == "active" else f"from {here(stretch['from'])}"

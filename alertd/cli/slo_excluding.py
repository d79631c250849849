"""`alertd slo exclude`, `exclusions` and `undo`: what error budgets leave out, after the fact, and its record."""

from __future__ import annotations

import getpass
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alertd.cli._saying import aware, here, refuse
from alertd.cli.acting import Store, at_daemon, at_store, who
from alertd.cli.asking import from_daemon, from_store, output, table, where

if TYPE_CHECKING:
    from alertd.engine.budgets import Budgets

AHEAD = 366 * 24 * 3_600_000  # milliseconds; an exclusion may be planned


@click.command("exclude", short_help="Take a stretch of time out of budgets.")
@click.argument("name", required=False, metavar="[SERVICE[:SLO]]")
@click.option("--match", multiple=True, metavar="MATCHER", help="Such as 'tenant=\"a\"', of the labels service, "
              "slo and those an objective is split by; may be repeated: all must match.")
@click.option("--from", "starts", required=True, metavar="TIME", help="Such as 2026-12-01T20:00; without a zone, this "
              "machine's.")
@click.option("--to", "ends", metavar="TIME", help="When it ended.")
@click.option("--for", "length", metavar="DURATION", help="Or how long it lasted, such as 2h.")
@click.option("--reason", required=True, help="Why; stands beside the budget and in the audit.")
@where
@who
def exclude(name: str | None, match: tuple[str, ...], starts: str, ends: str | None, length: str | None, reason: str,
            store: str, url: str | None, config: Path, by: str | None) -> None:
    """Leave what happened then out of the budgets of a SERVICE, of one SLO of it, or of what --match names.

    Exit codes: 0 taken out, 1 it covers no objective, 2 usage, 3 there is no such store or daemon.
    """
    fields: dict[str, Any] = {
        "match": [*_named(name), *match], "reason": reason, "by": by or getpass.getuser(),
        "from": aware("--from", starts), **({"to": aware("--to", ends)} if ends else {}),
        **({"for": length} if length else {})}
    made = _by_daemon(url, fields) if url else _in_store(store, config, fields)
    click.echo(made["id"])
    if not made["covers"]:
        refuse(f"it covers no objective that was ever counted; `alertd slo undo {made['id']}` takes it back", 1)
    click.echo(f"taken out of {', '.join(made['covers'])}; `alertd slo undo {made['id']}` takes it back", err=True)


@click.command("exclusions", short_help="What is and was taken out.")
@click.option("--since", default="90d", show_default=True, metavar="DURATION", help="How far back.")
@where
@output
def exclusions(since: str, store: str, url: str | None, form: str) -> None:
    """List what budgets leave out, by whom and why; what was taken back too."""
    from alertd.config.units import duration
    from alertd.times import iso

    now = time.time_ns() // 1_000_000
    try:
        first = now - duration(since)
    except ValueError as error:
        raise click.UsageError(f"--since: {error}") from error
    if url:
        items = from_daemon(url, "/api/v1/exclusions", since=iso(first))["items"]
    else:
        from alertd.store import ledger

        found = from_store(store, _all, first, now + AHEAD)
        items = [ledger.exclusion_view(one) for one in found]
    if form == "json":
        click.echo(json.dumps({"items": items, "next": None}, indent=2, ensure_ascii=False))
        return
    rows = [[item["id"], here(item["from"]), here(item["to"]), ", ".join(item["match"]), item["reason"], item["by"],
             f"undone by {item['undone_by']}" if item["undone_at"] else ""] for item in items]
    if rows:
        click.echo(table([["EXCLUSION", "FROM", "TO", "OF", "WHY", "BY", ""], *rows]))
    else:
        click.echo("nothing is taken out", err=True)


@click.command("undo", short_help="Let it count again.")
@click.argument("id")
@where
@who
def undo(id: str, store: str, url: str | None, config: Path, by: str | None) -> None:
    """Let what an exclusion took out count again."""
    name = by or getpass.getuser()
    if url:
        status, said = at_daemon(url, "DELETE", f"/api/v1/exclusions/{id}", {"by": name})
        outcome = "unknown" if status == 404 else str(said["outcome"])
    else:
        outcome = at_store(store, config, lambda inside: _undo(inside, id, name))
    if outcome == "unknown":
        refuse(f"no exclusion {id!r}; `alertd slo exclusions` lists them", 1)
    click.echo("it counts again" if outcome == "done" else "it counted again already: nothing changed", err=True)


async def _all(connection: Any, since: int, until: int) -> list[Any]:
    from alertd.store import ledger

    return await ledger.exclusions(connection, since, until, undone=True)


def _by_daemon(url: str, fields: dict[str, Any]) -> dict[str, Any]:
    status, made = at_daemon(url, "POST", "/api/v1/exclusions", fields, asked=(400,))
    if status == 400:
        refuse(made["error"], 2)
    return made


def _in_store(store: str, config: Path, fields: dict[str, Any]) -> dict[str, Any]:
    from alertd.config import excluded

    try:
        wish = excluded.read(fields, time.time_ns() // 1_000_000)
    except ValueError as error:
        refuse(str(error), 2)
    return at_store(store, config, lambda inside: _exclude(inside, wish))


async def _exclude(inside: Store, wish: Any) -> dict[str, Any]:
    from alertd.engine.acts import Person
    from alertd.store import ledger

    made, covered = await _budgets(inside).exclude(wish, Person(wish.creator, "command"))
    return {"id": made.id, "covers": [ledger.name_of(one) for one in covered]}


async def _undo(inside: Store, id: str, by: str) -> str:
    from alertd.engine.acts import Person

    return (await _budgets(inside).undo(id, Person(by, "command"))).value


def _budgets(inside: Store) -> Budgets:
    from alertd.engine.budgets import Budgets
    from alertd.engine.clock import Ids

    return Budgets(None, inside.writer, inside.reader, inside.current, inside.clock, Ids(os.getpid()))


def _named(name: str | None) -> list[str]:
    """`checkout:availability` as matchers."""
    service, _, slo = (name or "").partition(":")
    return [f'{label}="{value}"' for label, value in (("service", service), ("slo", slo)) if value]

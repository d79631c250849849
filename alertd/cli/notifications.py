"""`alertd notifications`: the queue and the dead letters."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from alertd.cli.acting import act, who
from alertd.cli.asking import from_daemon, from_store, output, table, where

STATES = ["queued", "claimed", "sent", "superseded", "expired", "held", "folded", "dead"]


@click.group("notifications")
def command() -> None:
    """Look at what was to be told: sent, waiting, or dead. Have the dead tried again, or drop them."""


@command.command("list")
@where
@output
@click.option("--state", type=click.Choice(STATES), help="Only these; `dead` are the dead letters.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
def list_notifications(store: str, url: str | None, form: str, state: str | None, limit: int) -> None:
    """The newest notifications, each with the reason of its state."""
    if url:
        items = from_daemon(url, "/api/v1/notifications", state=state, limit=str(limit))["items"]
    else:
        from alertd.store import reading

        items = from_store(store, reading.notifications, state, limit, None).items
    if form == "json":
        click.echo(json.dumps({"items": items}))
    elif not items:
        click.echo("no notifications", err=True)
    else:
        click.echo(table([["NOTIFICATION", "INCIDENT", "TO", "KIND", "STATE", "TRIES", "REASON"]] + [
            [row["id"], row["incident"] or "", " ".join((row["receiver"], row["channel"], row["target"])).strip(),
             row["kind"], row["state"], str(row["attempts"]), row["reason"]] for row in items]))


@command.command("show")
@click.argument("id")
@where
@output
def show(id: str, store: str, url: str | None, form: str) -> None:
    """One notification, with every attempt to send it."""
    if url:
        found: Any = from_daemon(url, f"/api/v1/notifications/{id}")
    else:
        from alertd.store import reading

        found = from_store(store, reading.notification, id)
    if found is None:
        click.echo(f"no notification {id!r}; `alertd notifications list` names them", err=True)
        sys.exit(1)
    click.echo(json.dumps(found) if form == "json" else "\n".join([
        f"{found['kind']} of incident {found['incident'] or '-'} to {found['receiver']} by {found['channel']} "
        f"{found['target']}".rstrip(), f"{found['state']}: {found['reason']}", "", "Attempts",
        table([[f"  {one['started_at']}", one["event"], one["detail"]] for one in found["tries"]]) or "  none"]))


@command.command("retry")
@click.argument("id")
@where
@who
def retry(id: str, store: str, url: str | None, config: Path, by: str | None) -> None:
    """Have a dead letter tried again."""
    outcome = act(store, url, config, by, f"/api/v1/notifications/{id}/retry",
                  lambda acts, person: acts.retry(id, person))
    click.echo("queued" if outcome == "done" else "its incident is over: nothing to tell any more", err=True)


@command.command("drop")
@click.argument("id")
@where
@who
def drop(id: str, store: str, url: str | None, config: Path, by: str | None) -> None:
    """Say of a dead letter that nobody needs it any more. It stays in the record."""
    act(store, url, config, by, f"/api/v1/notifications/{id}/drop", lambda acts, person: acts.drop(id, person))
    click.echo("dropped", err=True)

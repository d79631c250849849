"""`alertd notifications`: the queue and the dead letters."""

from __future__ import annotations

import json

import click

from alertd.cli.asking import from_daemon, from_store, output, table, where

STATES = ["queued", "claimed", "sent", "superseded", "expired", "held", "folded", "dead"]


@click.group("notifications")
def command() -> None:
    """Look at what was to be told: sent, waiting, or dead."""


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

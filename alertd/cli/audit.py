"""`alertd audit`: what people did, and whether the record of it is whole."""

from __future__ import annotations

import dataclasses
import json
import sys

import click

from alertd.cli.asking import from_store

_store = click.option("--store", default="sqlite:///alertd.db", show_default=True, help="A store.")


@click.group("audit")
def command() -> None:
    """The record of what people did."""


@command.command("verify")
@_store
@click.option("--head", help="The hash that the last row should have, as `verify` printed it before.")
def verify(store: str, head: str | None) -> None:
    """Prove that no row was edited, moved or taken out; prints the last row's hash, to be kept elsewhere."""
    from alertd.audit import FIRST, fault
    from alertd.store import audit

    links = from_store(store, audit.whole)
    if problem := fault(links, head):
        click.echo(problem, err=True)
        sys.exit(1)
    click.echo(links[-1].hash if links else FIRST)
    click.echo(f"{len(links)} rows, whole", err=True)


@command.command("export")
@_store
def export(store: str) -> None:
    """Every row as a line of JSON, the oldest first."""
    from alertd.store import audit

    for link in from_store(store, audit.whole):
        click.echo(json.dumps({"seq": link.seq, **dataclasses.asdict(link.act), "prev_hash": link.prev_hash,
                               "hash": link.hash}, ensure_ascii=False))

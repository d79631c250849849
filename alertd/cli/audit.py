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
@click.option("--head", help="A head as `verify`, the daemon's log or a digest said it before: ROW:HASH, or the hash.")
def verify(store: str, head: str | None) -> None:
    """Prove that no row was edited, moved, taken out or cut off; prints the head, to be kept elsewhere."""
    from alertd.audit import Head, fault
    from alertd.store import audit

    links, kept = from_store(store, audit.whole)
    heads = [kept]
    if head is not None:
        row, _, hash = head.rpartition(":")
        if row and not row.isdecimal():
            raise click.UsageError(f"--head takes ROW:HASH, not {head!r}")
        if not row and hash not in {link.hash for link in links}:
            click.echo("no row has the hash of --head: the record was cut off before it, or written anew", err=True)
            sys.exit(1)
        heads += [Head(int(row), hash)] if row else []
    if problem := fault(links, heads):
        click.echo(problem, err=True)
        sys.exit(1)
    click.echo(str(kept))
    click.echo(f"{len(links)} rows, whole", err=True)


@command.command("export")
@_store
def export(store: str) -> None:
    """Every row as a line of JSON, the oldest first."""
    from alertd.store import audit

    for link in from_store(store, audit.whole)[0]:
        click.echo(json.dumps({"seq": link.seq, **dataclasses.asdict(link.act), "prev_hash": link.prev_hash,
                               "hash": link.hash}, ensure_ascii=False))

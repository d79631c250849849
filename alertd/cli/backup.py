"""`alertd backup`: a copy of a store, also while a daemon writes it."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--store", default="sqlite:///alertd.db", show_default=True, help="What is copied.")
@click.option("--recipient", metavar="AGE1…", help="Encrypt it for whoever has the key to this (age's X25519 form).")
def command(file: Path, store: str, recipient: str | None) -> None:
    """Copy a store to FILE, also beside a running daemon, and prove the copy. FILE is its owner's only (0600); one that
    is there already is replaced once the new one is whole."""
    from alertd.errors import AlertdError
    from alertd.store import backup, database

    try:
        path = database.sqlite_path(store)
        if not path.exists():
            click.echo(f"{store}: no such store", err=True)
            sys.exit(3)
        with click.progressbar(length=1, label="copying", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
            def show(done: int, total: int) -> None:
                bar.length = max(total, 1)
                bar.update(done - bar.pos)

            proof = backup.make(path, file, recipient, show)
    except AlertdError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    rows = ", ".join(f"{number:,} {name}" for name, number in proof.rows.items())
    click.echo(f"{file}: {proof.size:,} bytes, {rows}; audit head {proof.head}", err=True)

"""`alertd store`: from one kind of store to the other."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping

import click


@click.group("store")
def command() -> None:
    """Where everything is kept."""


@command.command("migrate")
@click.option("--from", "source", required=True, metavar="STORE", help="What is copied: sqlite:///FILE or postgresql://…")
@click.option("--to", "target", required=True, metavar="STORE", help="An empty one, which gets it.")
def migrate(source: str, target: str) -> None:
    """Copy a store into another one, such as SQLite into PostgreSQL: every row or nothing, counted, the audit proved.

    No daemon may serve from either meanwhile. The source stays as it is.
    """
    from alertd.errors import AlertdError, StoreLocked
    from alertd.store import database, moving

    try:
        if moving.same(source, target):
            raise click.UsageError("--from and --to name the same store")
        if not database.exists(source):
            click.echo(f"{source}: no such store", err=True)
            sys.exit(3)
        with (database.locked(source), database.locked(target),
              click.progressbar(length=1, label="copying", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar):
            def show(done: int, total: int) -> None:
                bar.length = max(total, 1)
                bar.update(done - bar.pos)

            moved = asyncio.run(_move(source, target, show))
    except StoreLocked as error:
        click.echo(str(error), err=True)
        sys.exit(3)
    except AlertdError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    rows = ", ".join(f"{number:,} {name}" for name, number in moved.items() if number)
    click.echo(f"moved to {database.shown(target)}: {rows}; the audit is whole", err=True)


async def _move(source: str, target: str, show: Callable[[int, int], None]) -> Mapping[str, int]:
    from alertd.store import database, moving

    before, after = database.connect(source), database.connect(target)
    try:
        for db in (before, after):
            await database.migrate(db)
        return await asyncio.to_thread(moving.move, before, after, show)
    finally:
        await before.close()
        await after.close()

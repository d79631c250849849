"""`alertd restore`: the way back from a backup, or the proof that there is one."""

from __future__ import annotations

import datetime
import sys
import tempfile
import time
from pathlib import Path

import click
from click.core import ParameterSource


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--store", default="sqlite:///alertd.db", show_default=True, help="What is written.")
@click.option("--replace", is_flag=True, help="Write it although there is a store, which is lost.")
@click.option("--verify", is_flag=True,
              help="Only prove that FILE can be restored, in a place of its own; with --store restore it and prove it.")
@click.option("--identity", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="The file with the key to an encrypted backup.")
@click.pass_context
def command(context: click.Context, file: Path, store: str, replace: bool, verify: bool, identity: Path | None) -> None:
    """Restore FILE, a backup, as a store that no daemon has. Always proved first: integrity, tables, audit.

    What waited to be sent when the backup was made is looked up at the vendor before it is sent again.
    """
    from alertd.errors import AlertdError
    from alertd.store import backup, database

    rehearsal = verify and context.get_parameter_source("store") is ParameterSource.DEFAULT
    began = time.monotonic()
    try:
        if rehearsal:
            with tempfile.TemporaryDirectory(prefix="alertd-restore-") as folder:
                proof = backup.restore(file, Path(folder) / "alertd.db", identity)
        else:
            path = database.sqlite_path(store)
            if path.exists() and not replace:
                click.echo(f"{path} is there already: --replace writes over it, --store names another", err=True)
                sys.exit(1)
            path.parent.mkdir(parents=True, exist_ok=True)
            with database.locked(store):
                proof = backup.restore(file, path, identity)
                if verify:
                    backup.prove(path)
    except AlertdError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    took = time.monotonic() - began
    click.echo(", ".join(f"{number:,} {name}" for name, number in proof.rows.items()) + f"; audit head {proof.head}",
               err=True)
    age = _age(proof.newest)
    click.echo(f"{'it can be restored' if rehearsal else f'restored to {store}'}; its newest webhook came {age} "
               f"(what came since is what would be lost), and this took {took:.1f} s")


def _age(newest: int | None) -> str:
    if newest is None:
        return "never"
    seconds = max(0, int(time.time() - newest / 1000))
    return f"{datetime.timedelta(seconds=seconds)} ago"

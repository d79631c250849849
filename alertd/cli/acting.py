"""How commands that change state reach it: through the daemon that has the store, or on a store that none has."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from alertd.engine.acts import Acts, Outcome, Person

Act = Callable[["Acts", "Person"], Awaitable["Outcome"]]


def who(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of commands that act: who does it, and the routing file that says whom it concerns."""
    function = click.option("--by", help="Who does this; your login name where it is not given.")(function)
    return click.option("--config", default="routing.yaml", show_default=True, type=click.Path(path_type=Path),
                        help="The routing file, where no daemon is asked.")(function)


def act(store: str, url: str | None, config: Path, by: str | None, path: str, do: Act) -> str:
    """What came of it (done, already); leaves with a clear message when it could not be done."""
    name = by or getpass.getuser()
    outcome = _at_daemon(url, path, name) if url else _at_store(store, config, name, do)
    if outcome == "unknown":
        click.echo(f"there is no such thing: {path.split('/')[-2]}", err=True)
        sys.exit(1)
    return outcome


def _at_daemon(url: str, path: str, by: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f"--url takes http:// or https://, not {url!r}")
    request = urllib.request.Request(url.rstrip("/") + path, json.dumps({"by": by}).encode(),  # noqa: S310  as above
                                     {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  as above
            return str(json.load(answer)["outcome"])
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return "unknown"
        click.echo(f"{url}: {error.read(300).decode(errors='replace')}", err=True)
        sys.exit(1)
    except (urllib.error.URLError, OSError, ValueError) as error:
        click.echo(f"{url} does not answer: {getattr(error, 'reason', error)}", err=True)
        sys.exit(3)


def _at_store(store: str, config: Path, by: str, do: Act) -> str:
    from alertd import daemon
    from alertd.engine.acts import Acts, Person
    from alertd.engine.clock import SystemClock
    from alertd.engine.setting import Current
    from alertd.errors import AlertdError, StoreLocked
    from alertd.store import database
    from alertd.store.writer import Writer

    async def run() -> str:
        clock = SystemClock()
        current = Current(daemon.read_routing(config, read_secrets=False), clock.now())
        with database.locked(store):
            db = database.connect(store)
            await database.migrate(db)
            writer = Writer(db.writer)
            writer.start()
            try:
                acts = Acts(writer, current, clock, lambda _outlets: None)
                return (await do(acts, Person(by, "command"))).value
            finally:
                await writer.stop()
                await db.close()

    try:
        if not database.sqlite_path(store).exists():
            click.echo(f"{store}: no such store; --store names it, --url asks a daemon", err=True)
            sys.exit(3)
        return asyncio.run(run())
    except StoreLocked:
        click.echo(f"a daemon has {store}; ask it: --url http://127.0.0.1:9097, or ALERTD_URL", err=True)
        sys.exit(3)
    except AlertdError as error:
        click.echo(str(error), err=True)
        sys.exit(1)

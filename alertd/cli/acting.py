"""How commands that change state reach it: through the daemon that has the store, or on a store that none has."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import getpass
import json
import sys
import urllib.error
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from alertd.cli._ask import send

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from alertd.engine.acts import Acts, Outcome, Person
    from alertd.engine.clock import Clock
    from alertd.engine.setting import Current
    from alertd.store.writer import Writer

# what is acted on, by the word in the API's path
WHAT = {"incidents": "incident", "notifications": "dead letter"}
NAMED_BY = {"incidents": "`alertd incidents list`", "notifications": "`alertd notifications list --state dead`"}

T = TypeVar("T")
Act = Callable[["Acts", "Person"], Awaitable["Outcome"]]


def who(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of commands that act: who does it, and the routing file that says whom it concerns."""
    function = click.option("--by", help="Who does this; your login name where it is not given.")(function)
    return click.option("--config", default="routing.yaml", show_default=True, type=click.Path(path_type=Path),
                        help="The routing file, where no daemon is asked.")(function)


def act(store: str, url: str | None, config: Path, by: str | None, path: str, do: Act) -> str:
    """What came of it (done, already); leaves with a clear message when it could not be done."""
    name = by or getpass.getuser()
    outcome = str(at_daemon(url, "POST", path, {"by": name})[1].get("outcome", "unknown")) if url else str(
        at_store(store, config, lambda inside: _act(inside, name, do)))
    if outcome == "unknown":
        of, id = path.split("/")[-3:-1]
        click.echo(f"no {WHAT[of]} {id!r}; {NAMED_BY[of]} names them", err=True)
        sys.exit(1)
    return outcome


async def _act(inside: Store, by: str, do: Act) -> str:
    from alertd.engine.acts import Acts, Person

    acts = Acts(inside.writer, inside.current, inside.clock, lambda _outlets: None)
    return (await do(acts, Person(by, "command"))).value


def at_daemon(url: str, method: str, path: str, fields: Mapping[str, Any], *, asked: Sequence[int] = (404,)
              ) -> tuple[int, dict[str, Any]]:
    """The daemon's answer, with its status: one that is good or among `asked`; leaves with a clear message for
    another."""
    try:
        with send(method, url.rstrip("/") + path, json.dumps(fields).encode()) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        body = error.read(2000)
        if error.code in asked:
            with contextlib.suppress(ValueError):
                return error.code, json.loads(body)
        click.echo(f"{url}: {body.decode(errors='replace')}", err=True)
        sys.exit(1)
    except (urllib.error.URLError, OSError, ValueError) as error:
        click.echo(f"{url} does not answer: {getattr(error, 'reason', error)}", err=True)
        sys.exit(3)


@dataclasses.dataclass(frozen=True, slots=True)
class Store:
    """A store that no daemon has, as a command changes it."""

    writer: Writer
    reader: AsyncEngine
    current: Current
    clock: Clock


def at_store(store: str, config: Path, do: Callable[[Store], Awaitable[T]]) -> T:
    """What came of it; leaves with a clear message where a daemon has the store, or there is none."""
    from alertd import daemon
    from alertd.engine.clock import SystemClock
    from alertd.engine.setting import Current
    from alertd.errors import AlertdError, StoreLocked
    from alertd.store import database
    from alertd.store.writer import Writer

    async def run() -> T:
        clock = SystemClock()
        current = Current(daemon.read_routing(config, read_secrets=False), clock.now())
        with database.locked(store):
            db = database.connect(store)
            await database.migrate(db)
            writer = Writer(db.writer)
            writer.start()
            try:
                return await do(Store(writer, db.reader, current, clock))
            finally:
                await writer.stop()
                await db.close()

    try:
        if not database.exists(store):
            click.echo(f"{store}: no such store; --store names it, --url asks a daemon", err=True)
            sys.exit(3)
        return asyncio.run(run())
    except StoreLocked:
        click.echo(f"a daemon has {store}; ask it: --url http://127.0.0.1:9097, or ALERTD_URL", err=True)
        sys.exit(3)
    except AlertdError as error:
        click.echo(str(error), err=True)
        sys.exit(1)

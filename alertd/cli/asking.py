"""How commands that look at state reach it: a store's file, also beside a running daemon, or a daemon's address."""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.error
import urllib.parse
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import click

from alertd.cli._ask import send

T = TypeVar("T")


def where(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which alertd is meant."""
    function = click.option("--url", envvar="ALERTD_URL", help="A daemon's address, instead of a store.")(function)
    return click.option("--store", default="sqlite:///alertd.db", show_default=True, help="A store.")(function)


def output(function: Callable[..., Any]) -> Callable[..., Any]:
    """The option that says for whom the answer is written."""
    return click.option("-o", "--output", "form", type=click.Choice(["text", "json"]), default="text",
                        show_default=True, help="For people or for programs.")(function)


def from_daemon(url: str, path: str, **query: str | None) -> Any:
    """The JSON at a path of a daemon; leaves with a clear message when there is none."""
    return _from_daemon(url, path, query, json.load)


def text_from_daemon(url: str, path: str, **query: str | None) -> str:
    """The same for what is no JSON."""
    return str(_from_daemon(url, path, query, lambda answer: answer.read().decode()))


def _from_daemon(url: str, path: str, query: Mapping[str, str | None], read: Callable[[Any], Any]) -> Any:
    words = urllib.parse.urlencode({key: value for key, value in query.items() if value})
    try:
        with send("GET", f"{url.rstrip('/')}{path}?{words}") as answer:
            return read(answer)
    except urllib.error.HTTPError as error:
        click.echo(f"{url}: {error.read(300).decode(errors='replace')}", err=True)
        sys.exit(1)
    except (urllib.error.URLError, OSError, ValueError) as error:
        click.echo(f"{url} does not answer: {getattr(error, 'reason', error)}", err=True)
        sys.exit(3)


def from_store(store: str, question: Callable[..., Awaitable[T]], *arguments: Any) -> T:
    """The answer of alertd.store.reading to a question, read from a store that must exist."""
    from alertd.errors import AlertdError
    from alertd.store import database

    async def ask() -> T:
        db = database.connect(store)
        try:
            async with db.reader.connect() as connection:
                return await question(connection, *arguments)
        except database.faults(store) as error:
            reason = str(getattr(error, "orig", None) or error)
            click.echo(f"{database.shown(store)} cannot be read: {reason}", err=True)
            sys.exit(3)
        finally:
            await db.close()

    try:
        if not database.exists(store):
            click.echo(f"{store}: no such store; --store names it, --url asks a daemon", err=True)
            sys.exit(3)
        return asyncio.run(ask())
    except AlertdError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def table(rows: list[list[str]]) -> str:
    """Rows as columns; text of strangers keeps to its line."""
    clean = [["".join(char if char.isprintable() else " " for char in cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in clean) for column in range(len(clean[0]))] if clean else []
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
                     for row in clean)

"""`alertd digest`: look at the daily summary as it would be now, or have it sent."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alertd.cli.acting import at_daemon, who
from alertd.cli.asking import from_daemon, from_store, where

if TYPE_CHECKING:
    from alertd.digest import Digest

_receiver = click.option("--receiver", help="Which one, where routing.yaml has several.")


@click.group("digest")
def command() -> None:
    """The daily summary: what happened, what to do today, what was collected."""


@command.command("preview")
@click.option("--format", "form", type=click.Choice(["text", "html", "slack"]), default="text", show_default=True,
              help="As it would look in a terminal, in a mail, or as Slack's blocks (JSON).")
@_receiver
@where
@click.option("--config", default="routing.yaml", show_default=True, type=click.Path(path_type=Path),
              help="The routing file, where no daemon is asked.")
@click.option("--rules", default="rules", show_default=True, type=click.Path(path_type=Path),
              help="What is watched, where no daemon is asked.")
def preview(form: str, receiver: str | None, store: str, url: str | None, config: Path, rules: Path) -> None:
    """Print the digest as it would go out now. Nothing is sent and nothing changes."""
    import json

    from alertd.digest import html, slack, text

    digest = _asked(url, receiver) if url else _made(store, config, rules, receiver)
    if form == "text":
        click.echo(f"{digest.subject}\n\n{text.render(digest)}", nl=False)
    else:
        click.echo(html.render(digest) if form == "html" else json.dumps(slack.payload(digest), ensure_ascii=False,
                                                                         indent=2))


@command.command("send")
@_receiver
@click.option("--url", envvar="ALERTD_URL", default="http://127.0.0.1:9097", show_default=True,
              help="The daemon that sends it.")
@who
def send(receiver: str | None, url: str, config: Path, by: str | None) -> None:
    """Send today's digest now instead of at its hour; once more where it went out already."""
    import getpass

    answer = at_daemon(url, "POST", "/api/v1/digest", {"receiver": receiver or "", "by": by or getpass.getuser()})[1]
    if "error" in answer:
        click.echo(answer["error"], err=True)
        sys.exit(1)
    click.echo(f"on its way to {answer['receiver']}", err=True)


def _asked(url: str, receiver: str | None) -> Digest:
    import msgspec

    from alertd.digest import Digest

    return msgspec.convert(from_daemon(url, "/api/v1/digest/preview", receiver=receiver)["digest"], Digest)


def _made(store: str, config: Path, rules: Path, receiver: str | None) -> Digest:
    from alertd.daemon import read_routing
    from alertd.engine.digests import preview
    from alertd.errors import BadInput

    try:
        file = read_routing(config, read_secrets=False)
    except BadInput as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    if not file.digests or (receiver is not None and receiver not in file.digests):
        known = f"has {', '.join(file.digests)}" if file.digests else "gives no receiver a digest"
        click.echo(f"{config} {known}", err=True)
        sys.exit(1)
    plan = file.digests[receiver] if receiver else next(iter(file.digests.values()))
    return from_store(store, preview, file, plan, rules, time.time_ns() // 1_000_000)

"""`alertd healthcheck`: one question, one exit code."""

from __future__ import annotations

import sys
import urllib.error

import click

from alertd.cli._ask import send


@click.command("healthcheck")
@click.option("--url", envvar="ALERTD_URL", default="http://127.0.0.1:9097", show_default=True,
              help="Where the daemon listens.")
def command(url: str) -> None:
    """Ask a daemon whether it can take webhooks; exit 0 when it can, 1 when it cannot. For containers."""
    try:
        with send("GET", f"{url.rstrip('/')}/-/ready", timeout=3) as answer:
            click.echo(answer.read(200).decode(errors="replace").strip())
    except urllib.error.HTTPError as error:
        click.echo(f"not ready: {error.read(200).decode(errors='replace').strip()}", err=True)
        sys.exit(1)
    except (urllib.error.URLError, OSError) as error:
        click.echo(f"{url} does not answer: {getattr(error, 'reason', error)}", err=True)
        sys.exit(1)

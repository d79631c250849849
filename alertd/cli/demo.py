"""`alertd demo`: the whole chain on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command("demo")
@click.option("--once", is_flag=True,
              help="Leave when everything was seen: status 0 when every expected message arrived, else 1.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Write configuration, logs and store there and leave them; else they go when the demo ends.")
def command(once: bool, keep: Path | None) -> None:
    """Show the whole chain: no configuration, account or key.

    Starts Prometheus and Alertmanager when they are on PATH (else replays recorded webhooks), the daemon, and
    stand-ins for PagerDuty, Slack and mail; makes thresholds break and recover; prints who was told what.
    """
    from alertd.demo.run import run

    sys.exit(run(once=once, keep=keep))

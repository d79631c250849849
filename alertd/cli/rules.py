"""`alertd rules`: declared thresholds become Prometheus rules and their tests. One file a command, `rules_NAME.py`,
imported when it is called."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import click

SUMMARIES = {
    "backfill": "Fill the past of new budgets: rules and commands for promtool.",
    "backtest": "Replay rules and routes on history: who would have been told.",
    "build": "Write DIR/generated from DIR/*.yaml.",
    "diff": "Say in words what changed since a revision.",
    "export": "Write the declared SLOs as OpenSLO.",
    "import": "Read SLOs of Sloth, Pyrra or OpenSLO; print YAML for rules/.",
    "test": "Run promtool on every file of DIR/generated.",
}

folder = click.option("--rules", "folder", default="rules", show_default=True, metavar="DIR",
                      type=click.Path(exists=True, file_okay=False, path_type=Path),
                      help="The folder of the declared rules.")


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUMMARIES:
            return None
        command: click.Command = importlib.import_module(f"alertd.cli.rules_{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table above: the list of commands must not import them all."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(SUMMARIES.items()))


@click.group("rules", cls=_Lazy)
def command() -> None:
    """Write Prometheus rules from declared thresholds, and test them."""


@contextlib.contextmanager
def faults() -> Iterator[None]:
    """Bad input and a full disk are told in a line each, not as a traceback."""
    from alertd.errors import BadInput

    try:
        yield
    except BadInput as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except OSError as error:
        click.echo(f"{error.filename or 'rules/generated'}: {error.strerror}; nothing was changed half-way", err=True)
        sys.exit(1)

"""All commands as one group."""

from __future__ import annotations

import importlib

import click

from alertd.cli import SUMMARIES, help_text


class Lazy(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUMMARIES:
            return None
        command: click.Command = importlib.import_module(f"alertd.cli.{cmd_name.replace('-', '_')}").command
        return command

    def get_help(self, ctx: click.Context) -> str:
        return help_text().rstrip()


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="alertd", prog_name="alertd")
def group() -> None:
    """Every command of alertd."""

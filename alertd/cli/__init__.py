"""The command line: one file a command, imported when it is called, so that `--help` stays quick.

A file `alertd/cli/NAME.py` offers `command`; SUMMARIES says its line of `alertd --help`, so that showing it needs
no import.
"""

from __future__ import annotations

import importlib

import click

SUMMARIES = {
    "check": "Find every fault in routing.yaml and rules/, without a network.",
    "demo": "Show the whole chain on this machine: no configuration, account or key.",
    "healthcheck": "Ask a daemon whether it is ready; for containers.",
    "incidents": "Look at incidents: list, show.",
    "notifications": "Look at the queue and the dead letters: list, show, retry.",
    "routes": "Explain and test who is told.",
    "rules": "Write Prometheus rules from rules/*.yaml, and test them.",
    "serve": "Run the daemon.",
}


class Lazy(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUMMARIES:
            return None
        command: click.Command = importlib.import_module(f"{__name__}.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, SUMMARIES[name]) for name in self.list_commands(ctx)])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="alertd", prog_name="alertd")
def main() -> None:
    """alertd writes Prometheus rules from declared thresholds, and brings Alertmanager's webhooks to the right
    people: nothing lost, nothing twice.

    Start with `alertd demo`. Exit codes: 0 good, 1 findings or failure, 2 usage, 3 something needed is missing.
    """

"""`alertd rules diff`: a change of rules and routes, in words a reviewer reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from alertd.cli.rules import faults, folder

if TYPE_CHECKING:
    from alertd.changes import Side


@click.command("diff")
@folder
@click.option("--config", type=click.Path(path_type=Path), default=Path("routing.yaml"), show_default=True,
              help="Who is told.")
@click.option("--against", "revision", required=True, metavar="REV", help="A git revision, such as origin/main.")
@click.option("--format", "form", type=click.Choice(["text", "markdown"]), default="text", show_default=True,
              help="For a terminal or a pull request.")
def command(folder: Path, config: Path, revision: str, form: str) -> None:
    """Say in words what changed since REV: thresholds, services, SLOs, alerts with their limits and severities, and who
    is told of them.

    Exit codes: 0 said (also where nothing changed), 1 a file of either side has faults, 2 usage.
    """
    from alertd import changes
    from alertd.cli import _revision

    with faults(), _revision.files(revision, [folder, config]) as (old_folder, old_config):
        found = changes.between(side(old_folder, old_config), side(folder, config))
    click.echo(changes.markdown(found) if form == "markdown" else changes.text(found), nl=False)
    if not found:
        click.echo(f"nothing changed since {revision}", err=True)


def side(folder: Path, config: Path) -> Side:
    """What stands in these places; nothing where they do not exist. Raises BadInput."""
    from alertd import channels, rulegen
    from alertd.changes import Side
    from alertd.config import generated, routing_file, rule_files, rules_file

    routing = None
    if config.exists():
        routing = routing_file.load(config, channels.settings_types(), read_secrets=False).routing
    if not folder.exists():
        return Side(None, [], routing)
    declared = rules_file.load(folder).declared
    written = rulegen.files(declared, generated.known(folder / generated.FOLDER))
    rules = rule_files.generated(written)
    return Side(declared, [rule for rule in rules if rule.kind == "alert"], routing)

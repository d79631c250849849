"""`alertd rules import`: the way in from Sloth, Pyrra and OpenSLO."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from alertd.cli.rules import faults


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--rules", "folder", default=Path("rules"), show_default=True, type=click.Path(path_type=Path),
              help="Where presets of your own are, in presets/.")
def command(file: Path, folder: Path) -> None:
    """Print the SLOs of FILE (Sloth v1, Pyrra or OpenSLO v1) as YAML for rules/. What cannot be carried over is listed
    on stderr, with its line; nothing is left out in silence.

    Exit codes: 0 at least one SLO was carried over, 1 none or a faulty file, 2 usage.
    """
    from alertd.config import preset_file, slo_import

    with faults():
        presets = preset_file.load(folder / preset_file.FOLDER)[0]
        imported = slo_import.load(file, presets)
    for finding in imported.left:
        click.echo(str(finding), err=True)
    click.echo(imported.text, nl=False)
    if not imported.text:
        click.echo(f"{file}: no SLO could be carried over", err=True)
        sys.exit(1)

"""`alertd rules export openslo`: the way out."""

from __future__ import annotations

from pathlib import Path

import click

from alertd.cli.rules import faults, folder


@click.command("export")
@click.argument("form", type=click.Choice(["openslo"]))
@folder
def command(form: str, folder: Path) -> None:
    """Print the declared SLOs as OpenSLO v1 documents. What has no form there (thresholds) is said on stderr."""
    import yaml

    from alertd.config import rules_file
    from alertd.rulegen import openslo

    with faults():
        declared = rules_file.load(folder).declared
    documents = list(openslo.documents(declared))
    if documents:
        click.echo(yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, width=1000), nl=False)
    for remark in openslo.unwritten(declared):
        click.echo(remark, err=True)
    if declared.thresholds:
        click.echo(f"not exported, for OpenSLO has no thresholds: {', '.join(declared.thresholds)}", err=True)

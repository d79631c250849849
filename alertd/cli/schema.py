"""`alertd schema`: what an editor needs to know of the files people write."""

from __future__ import annotations

import click


@click.command("schema")
@click.argument("file", type=click.Choice(["preset", "routing", "rules", "web"]))
def command(file: str) -> None:
    """Print the JSON Schema of routing.yaml, of a file in rules/ or rules/presets/, or of that of --web.config.file. An
    editor with a YAML language server then completes keys, says what each means, and marks what cannot be. What `alertd
    check` finds goes further.

    Exit codes: 0 printed, 2 usage.
    """
    import json

    from alertd.config import json_schema

    if file == "routing":
        from alertd import channels

        form = json_schema.routing(channels.settings_types())
    else:
        form = {"preset": json_schema.preset, "rules": json_schema.rules, "web": json_schema.web}[file]()
    click.echo(json.dumps(form, indent=2, ensure_ascii=False))

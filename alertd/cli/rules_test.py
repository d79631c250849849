"""`alertd rules test`: promtool proves what was written."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from alertd.cli.rules import folder


@click.command("test")
@folder
def command(folder: Path) -> None:
    """Run promtool on every file of DIR/generated.

    Exit codes: 0 all passed, 1 not, 2 usage, 3 there is no promtool.
    """
    from alertd.cli import _promtool

    promtool = _promtool.path()
    if promtool is None:
        click.echo(_promtool.ABSENT, err=True)
        sys.exit(_promtool.MISSING)
    place = folder / "generated"
    rules, tests = sorted(place.glob("*.rules.yaml")), sorted(place.glob("*.test.yaml"))
    if not rules or not tests:
        click.echo(f"{place} holds no rules and tests; run `alertd rules build` first", err=True)
        sys.exit(1)
    runs = [("check", rules), *(("test", [file]) for file in tests)]
    with click.progressbar(runs, label="promtool", file=sys.stderr, hidden=not sys.stderr.isatty(), show_pos=True,
                           item_show_func=_shown) as bar:
        failed = [(what, report) for what, files in bar if (report := _promtool.failure(promtool, what, files))]
    for _, report in failed:
        click.echo(report, err=True)
    passed = len(tests) - sum(what == "test" for what, _ in failed)
    validity = "not all are valid" if any(what == "check" for what, _ in failed) else "all valid"
    click.echo(f"{len(rules)} rule files, {validity}; {passed} of {len(tests)} test files passed", err=True)
    sys.exit(1 if failed else 0)


def _shown(run: tuple[str, list[Path]] | None) -> str | None:
    return run[1][0].name if run and run[0] == "test" else None

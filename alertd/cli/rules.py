"""`alertd rules`: declared thresholds become Prometheus rules and their tests.

What reads YAML is imported when it is called: `alertd --help` must not wait for it.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click

NO_PROMTOOL = 3

_FOLDER = click.option("--rules", "folder", default="rules", show_default=True, metavar="DIR",
                       type=click.Path(exists=True, file_okay=False, path_type=Path),
                       help="The folder of the declared rules.")


@click.group("rules")
def command() -> None:
    """Write Prometheus rules from declared thresholds, and test them."""


@command.command()
@_FOLDER
@click.option("--check", is_flag=True, help="Write nothing; print what would change and exit 1 if anything would.")
def build(folder: Path, check: bool) -> None:
    """Write DIR/generated from DIR/*.yaml."""
    from alertd import rulegen
    from alertd.config import generated, rules_file

    with _faults():
        rules = rules_file.load(folder)
        for remark in rules.remarks:
            click.echo(str(remark), err=True)
        want = rulegen.files(rules.declared)
        place = folder / generated.FOLDER
        changes = generated.diff(generated.read(place), want)
        if check:
            click.echo(changes, nl=False)
            sys.exit(1 if changes else 0)
        if changes:
            generated.write(place, want)
    click.echo(f"{place}: {len(want)} files, {'written' if changes else 'already current'}",
               err=True)


@command.command("test")
@_FOLDER
def test_rules(folder: Path) -> None:
    """Run promtool on every file of DIR/generated."""
    promtool = shutil.which("promtool")
    if promtool is None:
        click.echo("promtool is not on PATH; it comes with Prometheus (on Debian: apt install prometheus)", err=True)
        sys.exit(NO_PROMTOOL)
    place = folder / "generated"
    rules, tests = sorted(place.glob("*.rules.yaml")), sorted(place.glob("*.test.yaml"))
    if not rules or not tests:
        click.echo(f"{place} holds no rules and tests; run `alertd rules build` first", err=True)
        sys.exit(1)
    runs = [("check", rules), *(("test", [file]) for file in tests)]
    with click.progressbar(runs, label="promtool", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        failed = [(what, report) for what, files in bar if (report := _failure(promtool, what, files))]
    for _, report in failed:
        click.echo(report, err=True)
    passed = len(tests) - sum(what == "test" for what, _ in failed)
    validity = "not all are valid" if any(what == "check" for what, _ in failed) else "all valid"
    click.echo(f"{len(rules)} rule files, {validity}; {passed} of {len(tests)} test files passed", err=True)
    sys.exit(1 if failed else 0)


def _failure(promtool: str, what: str, files: list[Path]) -> str | None:
    """What promtool said where it found a fault."""
    run = subprocess.run([promtool, what, "rules", *files], capture_output=True, text=True, check=False)  # noqa: S603  a fixed command, no shell
    return None if run.returncode == 0 else f"{run.stdout}{run.stderr}".strip()


@contextlib.contextmanager
def _faults() -> Iterator[None]:
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

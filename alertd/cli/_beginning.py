"""How `alertd init` writes its set: judged where it is made, then put in place as a whole."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from alertd import channels, rulegen
from alertd.cli._saying import refuse
from alertd.config import generated, routing_file, rules_file
from alertd.errors import BadInput, Finding
from alertd.starting import placing, writing

ALERTMANAGER = Path("alertmanager.yml")
_IN_RULES = ("thresholds.yaml", "services.yaml", "guardrails.yaml")
_SECRET = re.compile(r"^ +\w+_file: (\S+)", re.MULTILINE)
_NOTHING = "nothing was written"


@dataclasses.dataclass(frozen=True, slots=True)
class Places:
    """Where the set belongs; what stands there already is kept."""

    config: Path
    rules: Path
    alertmanager: Path = ALERTMANAGER

    def __iter__(self) -> Iterator[Path]:
        yield from (self.config, self.rules, self.alertmanager)

    def kept(self) -> list[Path]:
        return [path for path in self if placing.taken(path)]


def write(start: writing.Start, places: Places) -> None:
    """Write the set, and say what it is; leaves with a message where a file has a fault or cannot be written."""
    texts = writing.files(start)
    kept = places.kept()
    try:
        with placing.beside([path for path in places if path not in kept]) as made:
            _fill(made, places, texts)
            if wrong := _wrong(made, places):
                refuse("\n".join([*map(str, wrong), _NOTHING]), 1)
            said = {places.config: f"who is told: {', '.join(writing.told(start))}"}
            if places.rules in made:
                said[places.rules] = _counted(start, made[places.rules])
            if places.alertmanager in made:
                said[places.alertmanager] = _amtool(made[places.alertmanager])
            placing.put(made)
    except OSError as error:
        refuse(f"{error.filename2 or error.filename}: {error.strerror}; {_NOTHING}", 1)
    for path in places:
        click.echo(f"{'kept ' if path in kept else 'wrote'} {path!s:<{max(len(str(each)) for each in places)}}  "
                   f"{'as it was' if path in kept else said[path]}", err=True)
    _next(start, texts, places, kept)


def _fill(made: Mapping[Path, Path], places: Places, texts: Mapping[str, str]) -> None:
    if places.config in made:
        made[places.config].write_text(texts["routing.yaml"], encoding="utf-8")
    if places.alertmanager in made:
        made[places.alertmanager].write_text(texts["alertmanager.yml"], encoding="utf-8")
    if places.rules in made:
        made[places.rules].mkdir(exist_ok=True)
        for name in _IN_RULES:
            if name in texts:
                (made[places.rules] / name).write_text(texts[name], encoding="utf-8")


def _wrong(made: Mapping[Path, Path], places: Places) -> list[Finding]:
    """What `alertd check` would call an error, of the files where they were made; and writes rules/generated/."""
    found: list[Finding] = []
    if places.config in made:
        _, findings = routing_file.examine(made[places.config], channels.settings_types(), read_secrets=False)
        found += [dataclasses.replace(each, file=str(places.config)) for each in findings if each.level == "error"]
    if rules := made.get(places.rules):
        try:
            declared = rules_file.load(rules).declared
            generated.write(rules / generated.FOLDER, rulegen.each(declared))
        except BadInput as error:
            found += [dataclasses.replace(each, file=each.file.replace(str(rules), str(places.rules)))
                      for each in error.findings]
    return found


def _counted(start: writing.Start, rules: Path) -> str:
    declared = writing.completed(start.declared)
    counts = ((len(declared.thresholds), "threshold"), (len(declared.guardrails), "guardrail"),
              (len(start.services) or 1, "service"))
    said = ", ".join(f"{number} {word}{'' if number == 1 else 's'}" for number, word in counts if number)
    files = sum(path.is_file() for path in (rules / generated.FOLDER).rglob("*"))
    return f"what is watched: {said}; {files} generated files"


def _amtool(file: Path) -> str:
    """What Alertmanager's own judge says of the file, where it is on PATH; leaves where it refuses it."""
    amtool = shutil.which("amtool")
    if amtool is None:
        return "hands all to alertd; not checked, for amtool is not on PATH (on Debian: prometheus-alertmanager)"
    run = subprocess.run([amtool, "check-config", file], capture_output=True, text=True, check=False)  # noqa: S603  a fixed command, no shell
    if run.returncode:
        refuse(f"{run.stdout}{run.stderr}".strip() + f"\namtool refuses {ALERTMANAGER}; {_NOTHING}", 1)
    return "hands all to alertd; amtool accepts it"


def _next(start: writing.Start, texts: Mapping[str, str], places: Places, kept: list[Path]) -> None:
    """What is left to a person before it can be served."""
    left = []
    if places.config not in kept:
        secrets = dict.fromkeys(_SECRET.findall(texts["routing.yaml"]))
        left.append(f"make {', '.join(secrets)}: {places.config} names them, and nothing secret stands in it")
        if start.domain == writing.NOBODY:
            left.append(f"change the addresses at {writing.NOBODY} in {places.config}: nobody reads there")
    if places.rules not in kept and not start.services:
        left.append(f"put your services into {places.rules}/services.yaml: `{writing.EXAMPLE}` is an example")
    if places.alertmanager not in kept:
        left.append(f"take {places.alertmanager} to your Alertmanager, with the files that it names")
    if places.rules not in kept:
        left.append(f"let Prometheus load {places.rules}/{generated.FOLDER}/*.rules.yaml and scrape alertd as the job "
                    "`alertd`")
    if not left:
        return
    click.echo("".join(["\nleft to you:\n", *(f"  {number}. {text}\n" for number, text in enumerate(left, 1)),
                        "then `alertd check` says what is missing, `alertd rules test` proves the rules, and "
                        "`alertd serve` runs"]), err=True)

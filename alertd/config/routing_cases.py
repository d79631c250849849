"""The table `alertd routes test` reads: label sets, and the receivers that are expected to be told of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from alertd.config import yaml
from alertd.config.routing_file import names
from alertd.config.yaml import Document, Key, did_you_mean
from alertd.errors import BadInput, Finding
from alertd.model import Labels, Millis
from alertd.routing import Routing, choose


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """Labels, who is expected to be told (nobody, where empty), and where the file says so. `held` names the window
    that is expected to hold it at the time of the test; "" for none, None where it does not matter."""

    labels: Labels
    receivers: tuple[str, ...]
    place: str
    held: str | None = None


def read(path: Path, receivers: Iterable[str]) -> list[Case]:
    """The cases of the file; BadInput with every fault, receivers that routing.yaml does not know included."""
    document = yaml.read(path)
    if not isinstance(document.data, list) or not document.data:
        raise BadInput([document.finding((), "must be a list of cases", "write - {labels: {…}, receivers: […]}")])
    findings = list(document.duplicates)
    cases = [_case(document, index, data, sorted(receivers), findings) for index, data in enumerate(document.data)]
    if findings:
        raise BadInput(findings)
    return cases


def _case(document: Document, index: int, data: Any, known: Sequence[str], findings: list[Finding]) -> Case:
    path: tuple[Key, ...] = (index,)
    line, _ = document.values[path]
    if not isinstance(data, dict) or data.keys() - {"held"} != {"labels", "receivers"} or not isinstance(
            data["labels"], dict):
        findings.append(document.finding(path, "must be a case", "write {labels: {…}, receivers: […]}"))
        return Case({}, (), "")
    labels = {name: value for name, value in data["labels"].items() if isinstance(value, str)}
    findings += [document.finding((index, "labels", name), "must be text", "put it in quotes")
                 for name in data["labels"].keys() - labels.keys()]
    told = _told(document, (index, "receivers"), data["receivers"], findings)
    findings += [document.finding((index, "receivers"), f"unknown receiver {name!r}", did_you_mean(name, known),
                                  id="unknown-receiver") for name in told if name not in known]
    held = data.get("held")
    if held is not None and not isinstance(held, str):
        findings.append(document.finding((index, "held"), "must be the name of a window", 'write "" for none'))
    return Case(labels, told, f"{document.file}:{line}", held)


def _told(document: Document, path: tuple[Key, ...], value: Any, findings: list[Finding]) -> tuple[str, ...]:
    if value == []:
        return ()
    try:
        return names(value)
    except ValueError as error:
        findings.append(document.finding(path, *str(error).split("; ", 1)))
        return ()


def mismatches(cases: Iterable[Case], routing: Routing, now: Millis) -> list[str]:
    """One line for each case whose receivers, or window, are not the expected ones, with the line of routing.yaml to
    blame."""
    found, windows = [], routing.windows.active(now)
    for case in cases:
        choice = choose(case.labels, routing, windows)
        labels = ", ".join(f"{name}={value}" for name, value in case.labels.items())
        held = choice.window.name if choice.window else ""
        if set(choice.receivers) != set(case.receivers):
            found.append(f"{case.place}: {{{labels}}}: expected {_listed(case.receivers)}, "
                         f"but told {'is' if len(choice.receivers) < 2 else 'are'} {_listed(choice.receivers)} "
                         f"({'; '.join(choice.why)})")
        elif case.held is not None and case.held != held:
            found.append(f"{case.place}: {{{labels}}}: expected to be held by {case.held or 'no window'}, but "
                         f"{held or 'no window'} holds it ({'; '.join(choice.why)})")
    return found


def _listed(receivers: Sequence[str]) -> str:
    return " + ".join(receivers) or "nobody"

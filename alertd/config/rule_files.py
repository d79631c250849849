"""Prometheus rule files as they stand on disk, and the expressions of presets, each with its place: for the lints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from alertd import expressions
from alertd.config import units
from alertd.config.yaml import Document, Key, parse, read
from alertd.errors import BadInput, Finding
from alertd.lint import Rule
from alertd.model import Millis


def load(path: Path) -> tuple[list[Rule], list[Finding]]:
    """The rules of a rule file or of a PrometheusRule object, and what is wrong with its shape."""
    try:
        document = read(path)
        lines = path.read_text(encoding="utf-8").splitlines()
    except BadInput as error:
        return [], list(error.findings)
    return _rules(document, lines)


def parsed(text: str, file: str) -> tuple[list[Rule], list[Finding]]:
    """The same of a text that `file` would hold."""
    return _rules(parse(text, file), text.splitlines())


def generated(files: Mapping[str, str], folder: str = "") -> list[Rule]:
    """The rules of a generated set, each once; `folder` with its slash is how findings call their place."""
    return [rule for name, text in files.items() if name.endswith(".rules.yaml")
            for rule in parsed(text, f"{folder}{name}")[0]]


def preset_expressions(folder: Path) -> Iterator[Rule]:
    """Every `expression:` of the presets in `folder`, which are PromQL that a person wrote."""
    for path in sorted(folder.glob("*.yaml")):
        try:
            document = read(path)
        except BadInput:
            continue  # alertd.config.preset_file says so
        lines = path.read_text(encoding="utf-8").splitlines()
        for at, value in _texts(document.data, ()):
            if at[-1] == "expression":
                yield _rule(document, lines, at, value, {"expression": str(at[-2])}, "", None)


def _texts(data: Any, at: tuple[Key, ...]) -> Iterator[tuple[tuple[Key, ...], str]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _texts(value, (*at, key))
    elif isinstance(data, str) and at:
        yield at, data


def _rules(document: Document, lines: list[str]) -> tuple[list[Rule], list[Finding]]:
    data, at = document.data, tuple[Key, ...]()
    if isinstance(data, dict) and isinstance(data.get("spec"), dict):
        data, at = data["spec"], ("spec",)
    groups = data.get("groups") if isinstance(data, dict) else None
    if not isinstance(groups, list):
        return [], [*document.duplicates, document.finding(
            at, "holds no groups of rules", "give a Prometheus rule file or a PrometheusRule", id="rule-file")]
    rules: list[Rule] = []
    findings = list(document.duplicates)
    for number, group in enumerate(groups):
        where = (*at, "groups", number)
        if not isinstance(group, dict) or not isinstance(group.get("rules", []), list):
            findings.append(document.finding(where, "is no group of rules", "write `name:` and `rules:`",
                                             id="rule-file"))
            continue
        for index, rule in enumerate(group.get("rules") or []):
            place = (*where, "rules", index)
            if not isinstance(rule, dict) or not isinstance(rule.get("expr"), str | int | float):
                findings.append(document.finding(place, "is no rule", "write `alert:` or `record:`, and `expr:`",
                                                 id="rule-file"))
                continue
            whole = {**rule, "labels": _plain(group.get("labels")) | _plain(rule.get("labels"))}
            rules.append(_rule(document, lines, (*place, "expr"), str(rule["expr"]), whole,
                               str(group.get("name", "")), _millis(group.get("interval"))))
    return rules, findings


def _rule(document: Document, lines: list[str], at: tuple[Key, ...], text: str, rule: dict[str, Any], group: str,
          interval: Millis | None) -> Rule:
    kind = next((kind for kind in ("alert", "record", "expression") if kind in rule), "record")
    line, column = document.values[at]
    shown = lines[line - 1] if line <= len(lines) else ""
    if shown[column - 1:column] in ("|", ">"):  # a block: the text begins in the next line
        line, column = line + 1, 1
        first = lines[line - 1] if line <= len(lines) else ""
        column = len(first) - len(first.lstrip()) + 1
    fault, expr = "", None
    try:
        expr = expressions.parse(text)
    except ValueError as error:
        fault = str(error)
    extent = max(text.rstrip("\n").count("\n") + 1, 1)
    return Rule(document.file, group, kind, str(rule.get(kind, "")), text, expr, fault, _plain(rule.get("labels")),
                _plain(rule.get("annotations")), _millis(rule.get("for")) or 0,
                _millis(rule.get("keep_firing_for")) or 0, interval, line, column,
                tuple(lines[line - 1:line - 1 + extent]))


def _plain(given: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in given.items()} if isinstance(given, dict) else {}


def _millis(given: Any) -> Millis | None:
    try:
        return None if given is None else units.duration(given)
    except ValueError:
        return None  # promtool's to say

"""Findings as `alertd check` prints them: for a person, a program, GitHub, or anything that reads SARIF."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alertd import __version__
from alertd.errors import Finding


def text(findings: Sequence[Finding]) -> str:
    """One line for each finding; below it the line of the file, with a caret under the place."""
    sources: dict[str, list[str]] = {}
    lines: list[str] = []
    for finding in findings:
        place = f"{finding.file}:{finding.line}:{finding.column}" if finding.line else finding.file
        lines.append(f"{place}: {'remark: ' if finding.level == 'remark' else ''}{_message(finding)}")
        source = sources.setdefault(finding.file, _source(finding.file))
        if 0 < finding.line <= len(source):
            shown = source[finding.line - 1]
            before = shown[:max(finding.column - 1, 0)]
            lines += [f"    {shown.expandtabs(4).rstrip()}", f"    {' ' * len(before.expandtabs(4))}^"]
    return "".join(line + "\n" for line in lines)


def _source(file: str) -> list[str]:
    try:
        return Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):  # gone, a folder, or not text: the finding itself says so
        return []


def as_json(findings: Sequence[Finding]) -> str:
    """`{"version": 1, "errors": N, "remarks": N, "findings": [{file, line, column, level, id, what, fix}]}`; only
    ever added to, never renamed."""
    listed = [{"file": finding.file, "line": finding.line, "column": finding.column, "level": finding.level,
               "id": finding.id, "what": finding.what, "fix": finding.fix} for finding in findings]
    errors = sum(finding.level == "error" for finding in findings)
    body = {"version": 1, "errors": errors, "remarks": len(findings) - errors, "findings": listed}
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def github(findings: Sequence[Finding]) -> str:
    """Workflow commands, which GitHub shows beside the lines of a pull request.

    https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message
    """
    lines = []
    for finding in findings:
        place = {"file": finding.file}
        if finding.line:
            place |= {"line": str(finding.line), "col": str(finding.column)}
        place["title"] = finding.id
        properties = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in place.items())
        command = "error" if finding.level == "error" else "notice"
        lines.append(f"::{command} {properties}::{_escaped(_message(finding))}\n")
    return "".join(lines)


def _escaped(value: str, more: str = "") -> str:
    for character in "%\r\n" + more:  # % first, or it would escape the escapes
        value = value.replace(character, f"%{ord(character):02X}")
    return value


def _message(finding: Finding) -> str:
    return finding.what + (f"; {finding.fix}" if finding.fix else "")


def sarif(findings: Sequence[Finding]) -> str:
    """SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html"""
    rules = [{"id": id, "shortDescription": {"text": id.replace("-", " ")}}
             for id in sorted({finding.id for finding in findings})]
    run = {"tool": {"driver": {"name": "alertd", "version": __version__, "rules": rules}},
           "columnKind": "unicodeCodePoints", "results": [_result(finding) for finding in findings]}
    body = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def _result(finding: Finding) -> dict[str, Any]:
    path = Path(finding.file)
    address = path.as_uri() if path.is_absolute() else quote(path.as_posix())
    place: dict[str, Any] = {"artifactLocation": {"uri": address}}
    if finding.line:
        place["region"] = {"startLine": finding.line, "startColumn": max(finding.column, 1)}
    return {"ruleId": finding.id, "level": "error" if finding.level == "error" else "note",
            "message": {"text": _message(finding)}, "locations": [{"physicalLocation": place}]}


FORMATS: Mapping[str, Callable[[Sequence[Finding]], str]] = {
    "text": text, "json": as_json, "github": github, "sarif": sarif,
}

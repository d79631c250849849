"""Prometheus' own judge of rule files, where it is on PATH. It gives up at the first faults of a file, but it knows
what a server of its version takes."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alertd.errors import Finding

if TYPE_CHECKING:
    from alertd.lint import Rule

MISSING = 3  # the exit code of a command that needs it
ABSENT = "promtool is not on PATH; it comes with Prometheus (on Debian: apt install prometheus)"

# a.yaml: 5:15: group "x", rule 1, "A": could not parse expression: 1:6: parse error: unexpected end of input
_FAULT = re.compile(r'(?P<file>[^\n]*?): (?:(?P<line>\d+):(?P<column>\d+): )?group "(?P<group>[^\n]*)", '
                    r'rule (?P<number>\d+), "(?P<name>[^\n]*?)": (?P<what>[^\n]*)')
_WITHIN = re.compile(r"could not parse expression: (\d+):(\d+): (?:parse error: )?")


def path() -> str | None:
    return shutil.which("promtool")


def failure(promtool: str, what: str, files: Sequence[Path]) -> str | None:
    """What promtool said where it found a fault; `what` is check or test."""
    run = subprocess.run([promtool, what, "rules", *files], capture_output=True, text=True, check=False)  # noqa: S603  a fixed command, no shell
    return None if run.returncode == 0 else f"{run.stdout}{run.stderr}".strip()


def findings(promtool: str, files: Sequence[Path], rules: Sequence[Rule]) -> list[Finding]:
    """What `promtool check rules` finds in `files`, at the places that `rules`, read from them, know."""
    report = failure(promtool, "check", files) if files else None
    if report is None:
        return []
    found = list(_read(report, rules))
    return found or [Finding(str(files[0]), 0, 0, f"promtool: {report[-400:]}", "", "promtool")]


def _read(report: str, rules: Sequence[Rule]) -> Iterator[Finding]:
    by_place = {(rule.file, rule.line): rule for rule in rules}
    by_name = {(rule.file, rule.group, rule.name): rule for rule in rules}
    for fault in _FAULT.finditer(report):
        file, what = fault["file"], fault["what"]
        line, column = int(fault["line"] or 0), int(fault["column"] or 0)
        rule = (by_place.get((file, line)) or by_place.get((file, line + 1))
                or by_name.get((file, fault["group"], fault["name"])))
        if rule and (within := _WITHIN.match(what)):
            row, at = int(within[1]), int(within[2])
            last = max(len(rule.lines), 1)  # where it misses something, it points behind the end
            line, column, what = rule.line + min(row, last) - 1, rule.column + at - 1, what[within.end():]
        elif rule:
            line, column = rule.line, rule.column
        yield Finding(file, line, column, f"promtool refuses {fault['name']!r}: {what}", "mend the rule", "promtool")


def instead_of_ours(ours: Sequence[Finding], theirs: Sequence[Finding], rules: Sequence[Rule]) -> list[Finding]:
    """One finding for an expression that neither parser takes: promtool's, which knows the place within it."""
    theirs_at = {(finding.file, finding.line) for finding in theirs}
    told = {(rule.file, rule.line, rule.column) for rule in rules
            if any((rule.file, rule.line + row) in theirs_at for row in range(len(rule.lines) or 1))}
    return [*(finding for finding in ours
              if finding.id != "promql-syntax" or (finding.file, finding.line, finding.column) not in told), *theirs]

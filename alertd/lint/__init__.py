"""What is wrong with a Prometheus rule although it is well formed: it never fires, always fires, or measures
something else than it says.

A lint is a public function of a file in this folder. Its name, with dashes, is the id of its findings, and
docs/findings.md has a section of that name; there is no list of them to keep. A lint is pure: it gets all rules and
what is known of the server, and yields findings.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

from promql_parser import Expr

from alertd.errors import Finding
from alertd.model import Millis


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One rule as a file has it. `expr` is None where `text` does not parse, and `fault` says why. `lines` are those
    of the expression, from line `line` on (from 1); `column` is where the first of them begins."""

    file: str
    group: str
    kind: str  # "alert", "record", or "expression" for one that a preset offers
    name: str
    text: str
    expr: Expr | None
    fault: str = ""
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    annotations: Mapping[str, str] = dataclasses.field(default_factory=dict)
    lasting: Millis = 0
    keep_firing: Millis = 0
    interval: Millis | None = None
    line: int = 0
    column: int = 0
    lines: tuple[str, ...] = ()

    def finding(self, what: str, fix: str = "", *, near: str = "", level: str = "error") -> Finding:
        """A finding at the first place where the expression says `near`, else where the expression begins."""
        for offset, line in enumerate(self.lines if near else ()):
            start = self.column - 1 if offset == 0 else 0
            if (at := line.find(near, start)) >= 0:
                return Finding(self.file, self.line + offset, at + 1, what, fix, level=level)
        return Finding(self.file, self.line, self.column, what, fix, level=level)

    @property
    def called(self) -> str:
        return f"{self.kind} {self.name!r}"


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """What a running Prometheus has: the names of its metrics, and the edges (`le`) of the histograms asked for."""

    metrics: frozenset[str]
    edges: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """Where the rules will run. None is what nobody said, and is not judged."""

    retention: Millis | None = None
    scrape: Millis | None = None
    known: Known | None = None


Lint = Callable[[Sequence[Rule], Setting], Iterator[Finding]]


@cache
def lints() -> Mapping[str, Lint]:
    """Every lint by its id."""
    found: dict[str, Lint] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("_"):
            continue
        loaded = importlib.import_module(f"{__name__}.{module.name}")
        for name, function in inspect.getmembers(loaded, inspect.isfunction):
            if not name.startswith("_") and function.__module__ == loaded.__name__:
                found[name.replace("_", "-")] = function
    return found


def findings(rules: Sequence[Rule], setting: Setting) -> list[Finding]:
    """Everything the lints say, in the order of the files."""
    return sorted(dataclasses.replace(finding, id=id)
                  for id, lint in lints().items() for finding in lint(rules, setting))

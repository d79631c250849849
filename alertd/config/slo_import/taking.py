"""Reading a foreign file so that nothing of it is lost: what a reader does not take is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from alertd.config.yaml import Document, Key
from alertd.errors import Finding
from alertd.model import DAY, Millis
from alertd.rulegen.declared import Slices
from alertd.slo.window import Calendar

Path = tuple[Key, ...]
WINDOW: Millis = 30 * DAY


@dataclasses.dataclass(frozen=True, slots=True)
class Slo:
    """An SLO as the foreign file has it, over the last `window` or a period of the `calendar`. `events`, and `bad` or
    `good`, are PromQL; `by` are labels it holds for apart; `at` is its place for messages."""

    service: str
    name: str
    target: Decimal
    window: Millis
    events: str
    bad: str
    good: str
    part: Part
    at: Path
    slices: Slices | None = None
    by: tuple[str, ...] = ()
    calendar: Calendar | None = None

    def left(self, what: str, fix: str = "") -> Finding:
        return self.part.document.finding(self.at, f"{self.service} {self.name}: {what}", fix, id="not-imported")


class Part:
    """One document of the file, and which of its keys were taken."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.taken: set[Path] = set()
        self.findings: list[Finding] = list(document.duplicates)

    def peek(self, *path: Key) -> Any:
        """The value at `path`, None where there is none."""
        data = self.document.data
        for key in path:
            try:
                data = data[key]
            except (KeyError, IndexError, TypeError):
                return None
        return data

    def take(self, *path: Key) -> Any:
        """The same, and it counts as carried over."""
        self.taken.add(path)
        return self.peek(*path)

    def each(self, *path: Key) -> Iterator[Path]:
        """The paths of a list's items."""
        items = self.peek(*path)
        for number in range(len(items) if isinstance(items, list) else 0):
            yield (*path, number)

    def refuse(self, path: Path, what: str) -> None:
        """All below `path` is told as this one thing."""
        self.taken.add(path)
        self.findings.append(self.document.finding(path, what, id="not-imported"))

    def target(self, path: Path, of: int = 100) -> Decimal | None:
        """A number of percent (or with `of` 1 a ratio) as a ratio; told where it is none."""
        try:
            ratio = Decimal(str(self.take(*path))) / of
        except ArithmeticError:
            ratio = Decimal(0)
        if 0 < ratio < 1:
            return ratio
        self.refuse(path, "is no objective between 0 and 100 %, both excluded")
        return None

    def untaken(self) -> list[Finding]:
        """Every value that nobody took."""
        return [*self.findings, *(
            self.document.finding(path, f"{'.'.join(map(str, path))} is not carried over", key=True, id="not-imported")
            for path in _leaves(self.document.data, ())
            if not any(path[:length] in self.taken for length in range(len(path) + 1)))]


def _leaves(data: Any, at: Path) -> Iterator[Path]:
    if isinstance(data, dict | list) and data:
        for key, inner in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _leaves(inner, (*at, key))
    elif data is not None and data not in ({}, [], ""):
        yield at

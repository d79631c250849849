"""Pages that hold a mark such as `<!-- every command -->` get what it names, read from the code at each build: a
reference that cannot be stale."""

from __future__ import annotations

from commands import commands
from metrics import metrics
from settings import settings

FILLERS = {"<!-- every command -->": commands, "<!-- every metric -->": metrics,
           "<!-- every setting -->": settings}


def fill(source: list[str]) -> None:
    """Sphinx's `source-read`: a list of one text, changed in place."""
    for mark, filler in FILLERS.items():
        if mark in source[0]:
            source[0] = source[0].replace(mark, filler())

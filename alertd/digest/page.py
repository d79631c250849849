"""A digest as a page shows it: its model, the lines that belong to one above put below it."""

from __future__ import annotations

import dataclasses

from alertd.digest.model import Digest, Section


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """A line, and those that belong to it."""

    text: str
    below: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A heading and what stands below it; `more` were left out."""

    heading: str
    items: tuple[Item, ...]
    more: int


def parts(digest: Digest) -> tuple[Part, ...]:
    """Its sections but the one of what to do."""
    return tuple(map(part, digest.sections))


def part(section: Section) -> Part:
    """One section."""
    items: list[Item] = []
    for line in section.lines:
        if line.startswith("  ") and items:
            items[-1] = dataclasses.replace(items[-1], below=(*items[-1].below, line.strip()))
        else:
            items.append(Item(line.strip()))
    return Part(section.heading, tuple(items), section.more)

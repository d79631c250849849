"""A digest as the HTML of a mail: tables and inlined styles, since mail readers know little else; bars of coloured
cells, since they block pictures. Light by default, dark where the reader is."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import TYPE_CHECKING

from alertd import escaping
from alertd.digest.model import Digest, Standing
from alertd.digest.text import share

if TYPE_CHECKING:
    import jinja2

# Gmail shows no more than about 102 KB of a mail's HTML; the rest hides behind a link.
MOST_BYTES = 80_000
FRAME = 8_000  # of them: what is not a line
ROW = 120  # of the markup around a line
BUDGET = 1_500  # of the markup around an objective with its bar

_COLOURS = {Standing.OK: "#15803d", Standing.ATTENTION: "#b45309", Standing.UNKNOWN: "#6b7280"}
_BUDGETS = {"ok": "#15803d", "at_risk": "#b45309", "exhausted": "#b91c1c", "unknown": "#9ca3af"}


def render(digest: Digest, link: str | None = None) -> str:
    """The page. Every text of strangers is escaped by the template, and what does not fit is left out and counted."""
    room = MOST_BYTES - FRAME - sum(_size(line.name + line.note) + BUDGET for line in digest.budgets)
    sections = []
    for section in (digest.act, *digest.sections):
        fit = escaping.fitting((_size(line) + ROW for line in section.lines), room)
        room -= sum(_size(line) + ROW for line in section.lines[:fit])
        lost = sum(not line.startswith("  ") for line in section.lines[fit:])
        sections.append(dataclasses.replace(section, lines=section.lines[:fit], more=section.more + lost))
    return _template().render(
        digest=dataclasses.replace(digest, act=sections[0], sections=tuple(sections[1:])), link=link,
        colour=_COLOURS[digest.standing], budgets=[
            (line, _BUDGETS.get(line.state, "#9ca3af"), _width(line.left), share(line.left))
            for line in digest.budgets])


def _size(text: str) -> int:
    import markupsafe

    return len(str(markupsafe.escape(text)).encode())


def _width(left: float | None) -> int:
    """Percent of the bar."""
    return round(max(0.0, min(1.0, left)) * 100) if left is not None else 0


@cache
def _template() -> jinja2.Template:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("alertd.digest", ""), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True).get_template("digest.html.j2")

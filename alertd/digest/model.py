"""What a digest says, ready to be shown in any form: texts and numbers, worst first, already cut to what fits."""

from __future__ import annotations

import dataclasses
import enum

import msgspec


class Standing(enum.StrEnum):
    """All is well, somebody has to look, or not enough is known to say so."""

    OK = "ok"
    ATTENTION = "attention"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class BudgetLine:
    """One objective. `left` is the share of its budget, None where that is not known; `change` is since the last
    digest."""

    name: str
    objective: str
    left: float | None
    change: float | None
    state: str
    note: str


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """A heading and its lines; `more` were left out. A line that begins with two spaces belongs to the one above."""

    heading: str
    lines: tuple[str, ...]
    more: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Digest:
    """`verdict` is the first sentence, `period` says from when to when, `footer` why somebody gets it."""

    receiver: str
    date: str
    word: str
    subject: str
    verdict: str
    standing: Standing
    act: Section
    budgets: tuple[BudgetLine, ...]
    more_budgets: int
    sections: tuple[Section, ...]
    period: str
    footer: str

    def json(self) -> str:
        """As it is kept."""
        return msgspec.json.encode(self).decode()

    @staticmethod
    def read(text: str) -> Digest | None:
        """What `json` wrote; None where it is of another form. Digests are kept for ever, of the oldest the text alone,
        and replicas of two releases share a store."""
        try:
            return msgspec.json.decode(text, type=Digest)
        except msgspec.DecodeError:  # what does not fit the type is a kind of it
            return None

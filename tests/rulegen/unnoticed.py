"""Changes of rules that no test in promtool can see, by kind and what was changed, and why."""

from __future__ import annotations

import re

from tests.rulegen.mutants import Kind, Mutant

REASONS: tuple[tuple[Kind, str, str], ...] = (
    (Kind.GUARD, r"^(ErrorBudgetBurn|High\w+) .*' > 0\)' is '\)'", "0 of 0 events is NaN, which is over no limit"),
    (Kind.GUARD, r"^service:[\w:]+( \S+)?: ' >= 0' is ''",
     "what fell in ten minutes was reset in fifteen, asked beside it"),
)


def reason(mutant: Mutant) -> str:
    """Why nothing tells this one; empty where something should."""
    return next((why for kind, pattern, why in REASONS if kind is mutant.kind and re.search(pattern, mutant.title)), "")

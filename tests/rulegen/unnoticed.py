"""Changes of rules that no test in promtool can see, by kind and what was changed, and why."""

from __future__ import annotations

import re

from tests.rulegen.mutants import Kind, Mutant

_FEW = "of so few slices one bad one is more than either, and there is no part of one"
_BURN = r"^ErrorBudgetBurn (queue|fresh|steady) (fast|medium) critical: "
REASONS: tuple[tuple[Kind, str, str], ...] = (
    (Kind.GUARD, r"^(ErrorBudgetBurn|High\w+) .*' > 0\)' is '\)'", "0 of 0 events is NaN, which is over no limit"),
    (Kind.GUARD, r"^service:[\w:]+( \S+)?: ' >= 0' is ''",
     "what fell in ten minutes was reset in fifteen, asked beside it"),
    # the short windows hold 5 or 30 slices, of which 7.7 % or 1.1 % are less than one
    (Kind.LIMIT, _BURN + r"0\.0[17] is 0\.0\d+ in .*> on \(\) 0\.0[17] \*", _FEW),
    (Kind.FACTOR, _BURN + r"0\.0[17] is 0\.0\d+ in .*> on \(\) 0\.0[17] \*", _FEW),
    (Kind.WINDOW, r"^ErrorBudgetBurn queue medium .* \[29m59s999ms:5m\] is \[[23]4m59s999ms:5m\] at 441$", _FEW),
    (Kind.WINDOW, r"^ErrorBudgetBurn (queue|fresh) fast .* \[4m59s999ms:5m\] is \[9m59s999ms:5m\] at 956$", _FEW),
    (Kind.WINDOW, r"^ErrorBudgetBurn steady fast .* \[4m59s999ms:5m\] is \[9m59s999ms:5m\] at 966$", _FEW),
    (Kind.GUARD, r"^ErrorBudgetBurn (queue|steady) fast .*: without or .*\(-slo:events:open\{.*\} offset 5m\)$", _FEW),
    (Kind.LIMIT, r"^ErrorBudgetBurn (queue|steady) fast .*: 0\.01 is 0\.0\d+ in .*> 0\.01\\nand on ",
     "three bad slices, the fewest that are told, are more than 1.1 % of an hour's"),
)


def reason(mutant: Mutant) -> str:
    """Why nothing tells this one; empty where something should."""
    return next((why for kind, pattern, why in REASONS if kind is mutant.kind and re.search(pattern, mutant.title)), "")

"""Whether PromQL is PromQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alertd.errors import Finding
from alertd.lint import Rule, Setting


def promql_syntax(rules: Sequence[Rule], setting: Setting) -> Iterator[Finding]:
    """The parser knows no positions; the finding stands where the expression begins."""
    for rule in rules:
        if rule.expr is None:
            yield rule.finding(f"{rule.called} does not parse: {rule.fault}", "mend the expression")

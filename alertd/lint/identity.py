"""Rules that are one and the same to Prometheus or Alertmanager."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alertd.errors import Finding
from alertd.lint import Rule, Setting


def duplicate_rule(rules: Sequence[Rule], setting: Setting) -> Iterator[Finding]:
    """The same name, labels and expression twice: evaluated twice, and two samples at one time."""
    first: dict[tuple[object, ...], Rule] = {}
    for rule in rules:
        if rule.kind == "expression":
            continue
        identity = (rule.kind, rule.name, tuple(sorted(rule.labels.items())), " ".join(rule.text.split()))
        other = first.setdefault(identity, rule)
        if other is not rule:
            yield rule.finding(f"{rule.called} is given twice", f"the first stands in {other.file}:{other.line}; "
                               "keep one")

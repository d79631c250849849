"""Conditions on labels that no series can meet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from alertd import expressions
from alertd.errors import Finding
from alertd.lint import Rule, Setting
from alertd.matchers import Matcher


def impossible_matcher(rules: Sequence[Rule], setting: Setting) -> Iterator[Finding]:
    """Two conditions on one label of which no value meets both: `{code="500",code!~"5.."}`."""
    for rule in rules:
        for selector in expressions.selectors(rule.expr) if rule.expr else ():
            for label, conditions in _by_label(selector.matchers).items():
                if reason := _contradiction(label, conditions):
                    yield rule.finding(f"{rule.called} selects nothing: {reason}", "drop one of the two", near=label)


def _by_label(matchers: Sequence[tuple[str, str, str]]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for label, op, value in matchers:
        found[label].append((op, value))
    return found


def _contradiction(label: str, conditions: Sequence[tuple[str, str]]) -> str | None:
    """Judged where one condition is an equality: then there is one value to try."""
    for op, value in conditions:
        if op != "=":
            continue
        for other, against in conditions:
            try:
                if not Matcher(label, other, against).matches({label: value}):
                    return f'{label}="{value}" and {label}{other}"{against}" exclude each other'
            except ValueError:  # an expression of RE2 that alertd does not read: nothing is said of it
                continue
    return None

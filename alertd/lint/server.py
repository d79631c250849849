"""What the rules ask for and a running Prometheus does not have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation

from alertd import expressions
from alertd.errors import Finding
from alertd.lint import Rule, Setting
from alertd.matchers import Matcher


def absent_metric(rules: Sequence[Rule], setting: Setting) -> Iterator[Finding]:
    """A metric that neither the server has nor a rule records."""
    if setting.known is None:
        return
    recorded = {rule.name for rule in rules if rule.kind == "record"}
    for rule in rules:
        asked = {selector.metric for selector in expressions.selectors(rule.expr)} if rule.expr else set()
        for metric in sorted(asked - recorded - setting.known.metrics - {""}):
            yield rule.finding(f"{rule.called} asks for {metric}, which Prometheus does not have",
                               "look for its name in the target's /metrics", near=metric, level="remark")


def missing_bucket(rules: Sequence[Rule], setting: Setting) -> Iterator[Finding]:
    """A bucket's edge that the histogram does not have: nothing is selected, and nothing is said."""
    for rule in rules:
        for metric, conditions in _edges_asked(rule):
            edges = setting.known.edges.get(metric) if setting.known else None
            if edges and not any(all(condition.matches({"le": edge}) for condition in conditions)
                                 for edge in edges):
                yield rule.finding(f"{metric} has no bucket with {', '.join(map(str, conditions))}",
                                   f"its edges are {', '.join(sorted(edges, key=_edge))}", near=metric)


def _edges_asked(rule: Rule) -> Iterator[tuple[str, tuple[Matcher, ...]]]:
    for selector in expressions.selectors(rule.expr) if rule.expr else ():
        conditions = [(op, value) for label, op, value in selector.matchers if label == "le"]
        if conditions and selector.metric.endswith("_bucket"):
            try:
                yield selector.metric, tuple(Matcher("le", op, value) for op, value in conditions)
            except ValueError:  # an expression of RE2 that alertd does not read
                continue


def _edge(text: str) -> Decimal:
    try:
        return Decimal(text.replace("+Inf", "Infinity"))
    except InvalidOperation:
        return Decimal("Infinity")

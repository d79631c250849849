"""Alerts that always fire, change their identity, or say too little to be routed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, SubqueryExpr, VectorSelector

from alertd import expressions
from alertd.errors import Finding
from alertd.lint import Rule, Setting
from alertd.model import Severity
from alertd.routing import WATCHDOG

_VALUE = re.compile(r"\$value|\.Value\b")


def always_firing(rules: Sequence[Rule], setting: Setting) -> Iterator[Finding]:
    """An alert fires for every series its expression gives, whatever the value, 0 included."""
    for rule in _alerts(rules):
        if rule.expr is not None and rule.name != WATCHDOG and not _filters(rule.expr):
            yield rule.finding(f"{rule.called} compares nothing: it fires while there is any sample, also of 0",
                               "compare with a limit", level="remark")


def _filters(expr: Expr) -> bool:
    for part in expressions.walk(expr):
        if isinstance(part, BinaryExpr):
            compares = str(part.op) in expressions.COMPARISONS
            if (compares and not (part.modifier and part.modifier.return_bool)) or str(part.op) == "unless":
                return True
        if isinstance(part, Call) and part.func.name in ("absent", "absent_over_time"):
            return True
    return False


def value_in_label(rules: Sequence[Rule], setting: Setting) -> Iterator[Finding]:
    """Labels are an alert's identity: one with a value in it is a new alert at each evaluation, and never waits out
    its `for`."""
    for rule in _alerts(rules):
        for label, template in rule.labels.items():
            if _VALUE.search(template):
                yield rule.finding(f"the label {label!r} of {rule.called} holds its value", "say it in an annotation")


def no_severity(rules: Sequence[Rule], setting: Setting) -> Iterator[Finding]:
    """alertd takes a missing severity for a warning."""
    for rule in _alerts(rules):
        if not rule.labels.get("severity"):
            yield rule.finding(f"{rule.called} has no severity, and will be told as a warning",
                               f"add the label: {', '.join(severity for severity in Severity if severity != 'none')}",
                               level="remark")


def no_summary(rules: Sequence[Rule], setting: Setting) -> Iterator[Finding]:
    """The summary is what people read first, on a phone often all they read."""
    for rule in _alerts(rules):
        if not rule.annotations.get("summary"):
            yield rule.finding(f"{rule.called} has no summary", "add the annotation", level="remark")


def counter_without_rate(rules: Sequence[Rule], setting: Setting) -> Iterator[Finding]:
    """A counter only grows: compared as it stands, it fires for ever after the first events."""
    for rule in _alerts(rules):
        for part in expressions.walk(rule.expr) if rule.expr else ():
            if not isinstance(part, BinaryExpr) or str(part.op) not in expressions.COMPARISONS:
                continue
            side = expressions.bare(part.lhs)
            if isinstance(side, VectorSelector) and expressions.selector(side).metric.endswith("_total"):
                metric = expressions.selector(side).metric
                yield rule.finding(f"{rule.called} compares the counter {metric}, which only grows",
                                   f"compare increase({metric}[…]) or rate({metric}[…])", near=metric)


def rate_of_sum(rules: Sequence[Rule], setting: Setting) -> Iterator[Finding]:
    """A restart of one target looks like a fall of the sum, which rate takes for a reset of everything."""
    for rule in rules:
        for part in expressions.walk(rule.expr) if rule.expr else ():
            if isinstance(part, Call) and part.func.name in ("rate", "irate", "increase"):
                inner = part.args[0]
                if isinstance(inner, SubqueryExpr) and isinstance(expressions.bare(inner.expr), AggregateExpr):
                    yield rule.finding(f"{rule.called} takes the {part.func.name} of an aggregate",
                                       f"aggregate the {part.func.name} of each series", near=part.func.name)


def _alerts(rules: Sequence[Rule]) -> Iterator[Rule]:
    return (rule for rule in rules if rule.kind == "alert")

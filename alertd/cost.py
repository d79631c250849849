"""What rules cost a Prometheus: the samples it reads for them, by the arithmetic of their expressions. Pure.

A sample of a raw series is read once a scrape, one of a record once an interval of its group. A selector without a
range reads the newest sample of each series; a subquery makes its inner part once a step. Time is another matter (each
rule costs some 0.05 ms whatever it reads), so the number of rules stands beside.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from decimal import Decimal

from promql_parser import Expr, MatrixSelector, SubqueryExpr, VectorSelector

from alertd import expressions
from alertd.lint import Rule
from alertd.model import MINUTE, SECOND, Millis

EVALUATION: Millis = MINUTE  # Prometheus' own defaults, where a group or nobody says otherwise
SCRAPE: Millis = 30 * SECOND


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """Of one SLO: `samples` read a second by `rules` rules."""

    service: str
    slo: str
    samples: Decimal
    rules: int


def per_slo(rules: Sequence[Rule], series: int, scrape: Millis = SCRAPE) -> list[Cost]:
    """The cost of each SLO, the dearest first. `series` are assumed behind each name that no rule records."""
    every = {rule.name: rule.interval or EVALUATION for rule in rules if rule.kind == "record"}
    found: dict[tuple[str, str], list[Decimal]] = {}
    for rule in rules:
        if rule.expr is not None and "slo" in rule.labels:
            key = rule.labels.get("service", ""), rule.labels["slo"]
            samples = _samples(rule.expr, every, series, scrape)
            found.setdefault(key, []).append(samples * SECOND / (rule.interval or EVALUATION))
    costs = [Cost(service, slo, sum(each, Decimal()), len(each)) for (service, slo), each in found.items()]
    return sorted(costs, key=lambda cost: (-cost.samples, cost.service, cost.slo))


def _samples(expr: Expr, every: Mapping[str, Millis], series: int, scrape: Millis) -> Decimal:
    """What one evaluation reads."""
    if isinstance(expr, VectorSelector):
        return Decimal(1 if expressions.selector(expr).metric in every else series)
    if isinstance(expr, MatrixSelector):
        metric = expressions.selector(expr.vector_selector).metric
        each = Decimal(expressions.millis(expr.range)) / every.get(metric, scrape)
        return each * (1 if metric in every else series)
    below = sum((_samples(child, every, series, scrape) for child in expressions.children(expr)), Decimal())
    if isinstance(expr, SubqueryExpr):
        return below * expressions.millis(expr.range) / (expressions.millis(expr.step) or EVALUATION)
    return below

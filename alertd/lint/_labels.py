"""Which labels the result of an expression can have, and which it was written to have."""

from __future__ import annotations

import dataclasses

from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    BinModifier,
    Call,
    Expr,
    LabelModifierType,
    NumberLiteral,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)
from promql_parser import MatrixSelector as Matrix
from promql_parser import VectorMatchCardinality as Cardinality

from alertd import expressions


@dataclasses.dataclass(frozen=True, slots=True)
class Labels:
    """`only` are the labels it can have, None where any is possible; `never` those it cannot have. `meant` are those
    the expression names as the result's own; `fixed` those whose value is known."""

    only: frozenset[str] | None = None
    never: frozenset[str] = frozenset()
    meant: frozenset[str] = frozenset()
    fixed: tuple[tuple[str, str], ...] = ()

    def possible(self, label: str) -> bool:
        return label not in self.never and (self.only is None or label in self.only)

    def keep(self, labels: frozenset[str]) -> Labels:
        only = frozenset(label for label in labels if self.possible(label))
        return Labels(only, meant=self.meant & only, fixed=self._fixed(only))

    def drop(self, labels: frozenset[str]) -> Labels:
        left = None if self.only is None else self.only - labels
        fixed = tuple(pair for pair in self.fixed if pair[0] not in labels)
        return Labels(left, self.never | labels, self.meant - labels, fixed)

    def add(self, labels: frozenset[str]) -> Labels:
        return Labels(None if self.only is None else self.only | labels, self.never - labels, self.meant | labels,
                      tuple(pair for pair in self.fixed if pair[0] not in labels))

    def _fixed(self, only: frozenset[str]) -> tuple[tuple[str, str], ...]:
        return tuple(pair for pair in self.fixed if pair[0] in only)


NONE = Labels(frozenset())


def of(expr: Expr) -> Labels | None:
    """The labels of the result; None for a scalar or a text, which have nothing to match."""
    expr = expressions.bare(expr)
    if isinstance(expr, NumberLiteral | StringLiteral):
        return None
    if isinstance(expr, VectorSelector):
        return _selected(expr)
    if isinstance(expr, Matrix):
        return _selected(expr.vector_selector)
    if isinstance(expr, SubqueryExpr | UnaryExpr):
        return of(expr.expr)
    if isinstance(expr, AggregateExpr):
        return _aggregated(expr)
    if isinstance(expr, BinaryExpr):
        return _joined(expr)
    return _called(expr) if isinstance(expr, Call) else Labels()


def _selected(expr: VectorSelector) -> Labels:
    equal = tuple((label, value) for label, op, value in expressions.selector(expr).matchers if op == "=")
    absent = frozenset(label for label, value in equal if not value)
    given = tuple(pair for pair in equal if pair[1])
    named = frozenset(label for label, _ in given)
    # whatever is scraped has an instance; a record (by its colon) has what its rule left
    metric = expressions.selector(expr).metric
    scraped = frozenset({"instance"} - absent) if metric and ":" not in metric and metric != "ALERTS" else frozenset()
    return Labels(None, absent, named | scraped, given)


def _aggregated(expr: AggregateExpr) -> Labels:
    inner = of(expr.expr) or NONE
    if str(expr.op) in ("topk", "bottomk", "limitk", "limit_ratio"):
        return inner
    if expr.modifier is None:
        result = NONE
    elif expr.modifier.type == AggModifierType.By:
        named = frozenset(expr.modifier.labels)
        result = inner.keep(named)
        result = dataclasses.replace(result, meant=named & (result.only or frozenset()))
    else:
        result = inner.drop(frozenset(expr.modifier.labels))
    if str(expr.op) == "count_values" and isinstance(expr.param, StringLiteral):
        return result.add(frozenset({expr.param.val}))
    return result


def _joined(expr: BinaryExpr) -> Labels | None:
    left, right = of(expr.lhs), of(expr.rhs)
    if left is None or right is None:
        return left or right
    operator, modifier = str(expr.op), expr.modifier
    if operator in ("and", "unless"):
        return left
    if operator == "or":
        only = None if left.only is None or right.only is None else left.only | right.only
        return Labels(only, left.never & right.never, left.meant & right.meant,
                      tuple(pair for pair in left.fixed if pair in right.fixed))
    if modifier and modifier.card == Cardinality.ManyToOne:
        return left.add(frozenset(modifier.group_labels or ()))
    if modifier and modifier.card == Cardinality.OneToMany:
        return right.add(frozenset(modifier.group_labels or ()))
    return _matched_on(left, modifier)


def _matched_on(left: Labels, modifier: BinModifier | None) -> Labels:
    matching = modifier.matching if modifier else None
    if matching is None:
        return left
    named = frozenset(matching.labels)
    return left.keep(named) if matching.type == LabelModifierType.Include else left.drop(named)


def _called(expr: Call) -> Labels | None:
    name = expr.func.name
    if name in ("scalar", "time", "pi"):
        return None
    if name == "vector":
        return NONE
    if name in ("absent", "absent_over_time"):
        inner = of(expr.args[0]) or NONE
        named = frozenset(label for label, _ in inner.fixed)
        return Labels(named, meant=named, fixed=inner.fixed)
    arguments = [labels for labels in map(of, expr.args) if labels is not None]
    inner = arguments[0] if arguments else NONE
    if name in ("label_replace", "label_join") and isinstance(expr.args[1], StringLiteral):
        return inner.add(frozenset({expr.args[1].val}))
    return inner.drop(frozenset({"le"})) if name == "histogram_quantile" else inner

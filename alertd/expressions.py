"""PromQL, read: what an expression selects, how far back it looks, and the parts it is made of.

A wrapper of promql-parser, which has no line numbers, no visitor of typed nodes, and accepts some functions that an
old Prometheus lacks: what passes here is well formed, which does not prove that every server takes it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta

import promql_parser
from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    MatchOp,
    MatrixSelector,
    ParenExpr,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)

from alertd.model import Millis

_OPS = {str(MatchOp.Equal): "=", str(MatchOp.NotEqual): "!=", str(MatchOp.Re): "=~", str(MatchOp.NotRe): "!~"}
COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
SETS = frozenset({"and", "or", "unless"})


@dataclasses.dataclass(frozen=True, slots=True)
class Selector:
    """The series an expression reads. `matchers` are (label, operator, value); the metric's name stands apart."""

    metric: str
    matchers: tuple[tuple[str, str, str], ...]


def parse(text: str) -> Expr:
    """The tree of `text`; ValueError says what is wrong with it."""
    try:
        tree: Expr = promql_parser.parse(text)
    except ValueError as error:
        raise ValueError(str(error)) from None
    return tree


def children(expr: Expr) -> tuple[Expr, ...]:
    """The parts directly below."""
    if isinstance(expr, BinaryExpr):
        return expr.lhs, expr.rhs
    if isinstance(expr, Call):
        return tuple(expr.args)
    if isinstance(expr, AggregateExpr):
        return (expr.param, expr.expr) if isinstance(expr.param, Expr) else (expr.expr,)
    if isinstance(expr, ParenExpr | UnaryExpr | SubqueryExpr):
        return (expr.expr,)
    return (expr.vector_selector,) if isinstance(expr, MatrixSelector) else ()


def walk(expr: Expr) -> Iterator[Expr]:
    """`expr` and every part below it, outer before inner, left before right."""
    yield expr
    for child in children(expr):
        yield from walk(child)


def bare(expr: Expr) -> Expr:
    """Without the parentheses around it."""
    while isinstance(expr, ParenExpr):
        expr = expr.expr
    return expr


def selector(expr: VectorSelector) -> Selector:
    """The metric may be written as `{__name__="…"}` too; then it is no matcher any more."""
    found = [(each.name, _OPS[str(each.op)], each.value) for each in expr.matchers.matchers]
    names = [value for label, op, value in found if label == "__name__" and op == "="]
    metric = expr.name or (names[0] if names else "")
    return Selector(metric, tuple(each for each in found if each != ("__name__", "=", metric)))


def selectors(expr: Expr) -> Iterator[Selector]:
    """Every selector of the expression, from left to right."""
    for part in walk(expr):
        if isinstance(part, VectorSelector):
            yield selector(part)


def millis(span: timedelta | None) -> Millis:
    return round(span.total_seconds() * 1000) if span else 0


def span(text: str) -> Millis:
    """A duration as PromQL writes it, such as 1h30m; ValueError for anything else."""
    return millis(promql_parser.parse_duration(text))


def reach(expr: Expr) -> Millis:
    """How far before the time of evaluation the oldest sample lies that the expression may ask for, without the few
    minutes any selector looks back. Fixed times (`@`) do not count."""
    if isinstance(expr, VectorSelector):
        return max(millis(expr.offset), 0)
    below = max((reach(child) for child in children(expr)), default=0)
    if isinstance(expr, MatrixSelector):
        return below + millis(expr.range)
    if isinstance(expr, SubqueryExpr):
        return max(below + millis(expr.range) + millis(expr.offset), 0)
    return below

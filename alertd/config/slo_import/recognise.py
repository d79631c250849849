"""Which preset counts what a foreign query counts."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation

from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, MatrixSelector, VectorSelector

from alertd import expressions, matchers
from alertd.config.slo_import.taking import Slo
from alertd.expressions import Selector
from alertd.matchers import Matcher
from alertd.model import Millis
from alertd.presets import Latency, Preset, Requests

# {{.window}} of Sloth, and what OpenSLO's tools put in its place
_WINDOW = re.compile(r"\[\s*(?:\{\{[^}]*\}\}|\$\{?\w+\}?)\s*\]")
_CODES = [*map(str, range(100, 600)), "", *(f"{first}xx" for first in range(1, 6)), "OK", "Internal", "Unavailable"]


@dataclasses.dataclass(frozen=True, slots=True)
class Counted:
    """`edge` is the bucket's edge that a latency is about, in the preset's unit. What no preset counts has its own
    counters: `events`, and of them the `bad` or the `good`."""

    preset: str
    selector: str
    under: Millis | None = None
    edge: Decimal | None = None
    events: str = ""
    bad: tuple[str, ...] = ()
    good: tuple[str, ...] = ()


_TARGETS = ("job", "namespace", "cluster", "instance")
PLAINEST = "prometheus-http"  # of several presets that count the same, such as a framework's that names it alike


def counted(slo: Slo, presets: Iterable[Preset]) -> Counted:
    """The preset and selector, or else the counters, by which alertd counts the same; ValueError says why there are
    none."""
    events = _selector(_parsed(slo.events))
    bad, good = (_parsed(query) if query else None for query in (slo.bad, slo.good))
    if bad and isinstance(difference := expressions.bare(bad), BinaryExpr) and str(difference.op) == "-":
        if _selector(difference.lhs) != events:
            raise ValueError("its bad events are a difference from something else than its events")
        bad, good = None, difference.rhs
    asked = bad or good
    if asked is None:
        raise ValueError("it has neither bad nor good events")
    those = _union(asked)
    for preset in sorted(presets, key=lambda preset: preset.name != PLAINEST):
        try:
            found = (_failures(preset, preset.requests, events, those) if bad and preset.requests else
                     _fast(preset, preset.latency, events, those[0]) if good and preset.latency else None)
        except ValueError:
            continue
        if found:
            return found
    return _own(events, those, bool(bad))


def _own(events: Selector, those: Sequence[Selector], bad: bool) -> Counted:
    """By these very counters. The service is told by what names targets; else by all that its events are told by."""
    targets = _text(part for part in events.matchers if part[0] in _TARGETS) or _text(events.matchers)
    if not targets:
        raise ValueError(f"no preset counts {events.metric} and {those[0].metric} this way, and no label says whose "
                         "they are")
    marked = tuple(_written(each) for each in those)
    return Counted(PLAINEST, targets, events=_written(events), bad=marked if bad else (), good=() if bad else marked)


def _written(selector: Selector) -> str:
    return f"{selector.metric}{{{_text(selector.matchers)}}}" if selector.matchers else selector.metric


def _parsed(query: str) -> Expr:
    return expressions.parse(_WINDOW.sub("[5m]", query))


def _union(expr: Expr) -> list[Selector]:
    """The selectors of `a or b` too, within a sum or bare."""
    expr = expressions.bare(expr)
    if isinstance(expr, AggregateExpr) and str(expr.op) == "sum" and expr.modifier is None:
        return _union(expr.expr)
    if isinstance(expr, BinaryExpr) and str(expr.op) == "or":
        return [*_union(expr.lhs), *_union(expr.rhs)]
    return [_selector(expr)]


def _selector(expr: Expr) -> Selector:
    """The one selector in sum(rate(…[…])), or bare."""
    expr = expressions.bare(expr)
    if isinstance(expr, AggregateExpr) and str(expr.op) == "sum" and expr.modifier is None:
        return _selector(expr.expr)
    if isinstance(expr, Call) and expr.func.name in ("rate", "increase"):
        return _selector(expr.args[0])
    if isinstance(expr, MatrixSelector):
        expr = expr.vector_selector
    if isinstance(expr, VectorSelector) and not expr.offset:
        return expressions.selector(expr)
    raise ValueError("a query is more than the sum of one counter's rate")


def _text(parts: Iterable[tuple[str, str, str]]) -> str:
    return ",".join(str(Matcher(*part)) for part in parts)


def _failures(preset: Preset, requests: Requests, events: Selector, bad: Sequence[Selector]) -> Counted | None:
    """Each condition on the bad events must be one of the preset's. The preset may have more of them: those are about
    labels that these series, which have another one for the same thing, do not carry."""
    if any(each.metric != requests.counter for each in (events, *bad)):
        return None
    for each in bad:
        more = set(each.matchers) - set(events.matchers)
        if len(more) != 1 or not set(events.matchers) <= set(each.matchers):
            return None
        (label, op, value), = more
        if not any(_alike(matchers.parse(failure.match), Matcher(label, op, value)) for failure in requests.failures):
            raise ValueError(f"it counts {Matcher(label, op, value)} as bad, and the preset {preset.name} "
                             f"{' or '.join(failure.match for failure in requests.failures)}")
    return Counted(preset.name, _text(events.matchers))


def _alike(ours: Matcher, theirs: Matcher) -> bool:
    """Whether both mean the same codes, however they are written."""
    return ours.label == theirs.label and all(
        ours.matches({ours.label: code}) == theirs.matches({ours.label: code}) for code in _CODES)


def _fast(preset: Preset, latency: Latency, events: Selector, good: Selector) -> Counted | None:
    edges = [value for label, op, value in good.matchers if label == "le" and op == "="]
    rest = [part for part in good.matchers if part[0] != "le"]
    if good.metric != f"{latency.histogram}_bucket" or events.metric != f"{latency.histogram}_count":
        return None
    if len(edges) != 1 or set(rest) != set(events.matchers):
        raise ValueError("its good events are not one bucket of its events")
    try:
        edge = Decimal(edges[0])
    except InvalidOperation:
        raise ValueError(f"{edges[0]!r} is no bucket's edge") from None
    millis = edge * latency.unit
    if millis != int(millis):
        raise ValueError(f"its limit of {edges[0]} is no whole number of milliseconds")
    return Counted(preset.name, _text(events.matchers), int(millis), edge.normalize())

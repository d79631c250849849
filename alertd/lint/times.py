"""Ranges and durations against what the server keeps, scrapes and evaluates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from promql_parser import Call, Expr, MatrixSelector, VectorSelector

from alertd import expressions
from alertd.errors import Finding
from alertd.lint import Rule, Setting
from alertd.model import MINUTE
from alertd.rulegen.promql import duration

# Functions that compare samples within their range: with fewer than two they give nothing.
_RATES = frozenset({"rate", "irate", "increase", "delta", "idelta", "deriv"})
LOOKBACK = 5 * MINUTE  # https://prometheus.io/docs/prometheus/latest/querying/basics/#staleness


def range_over_retention(rules: Sequence[Rule], setting: Setting) -> Iterator[Finding]:
    """What is older than the retention is gone: the answer would be of a shorter time than it says."""
    for rule in rules:
        if rule.expr is None or setting.retention is None:
            continue
        reach = expressions.reach(rule.expr)
        if reach > setting.retention:
            yield rule.finding(f"{rule.called} looks back {duration(reach)}, and Prometheus keeps "
                               f"{duration(setting.retention)}", "shorten the range, or raise the retention")


def range_under_scrapes(rules: Sequence[Rule], setting: Setting) -> Iterator[Finding]:
    """A rate over less than two scrapes never has two samples; over less than four it is lost with one scrape."""
    for rule in rules:
        for part in expressions.walk(rule.expr) if rule.expr and setting.scrape else ():
            if not isinstance(part, Call) or part.func.name not in _RATES or not isinstance(part.args[0],
                                                                                            MatrixSelector):
                continue
            span = expressions.millis(part.args[0].range)
            scrape = setting.scrape or 0
            if span < 4 * scrape:
                never = span < 2 * scrape
                yield rule.finding(
                    f"{part.func.name} over {duration(span)} "
                    + ("has not two samples" if never else "is lost with one missed scrape")
                    + f": targets are scraped every {duration(scrape)}", f"use {duration(4 * scrape)} or more",
                    near=part.func.name, level="error" if never else "remark")


def interval_over_lookback(rules: Sequence[Rule], setting: Setting) -> Iterator[Finding]:
    """A sample is seen for five minutes: whoever reads a record that is written less often, without a range, finds
    nothing in between."""
    seldom = {rule.name: rule.interval for rule in rules
              if rule.kind == "record" and rule.interval is not None and rule.interval > LOOKBACK}
    for rule in rules:
        for record in sorted(_read_bare(rule.expr) & seldom.keys()) if rule.expr and seldom else ():
            yield rule.finding(f"{rule.called} reads {record}, which is written every {duration(seldom[record])} and "
                               f"seen for {duration(LOOKBACK)}", "read it with last_over_time, or write it more often",
                               near=record, level="remark")


def _read_bare(expr: Expr) -> set[str]:
    """The metrics that are read without a range."""
    if isinstance(expr, VectorSelector):
        return {expressions.selector(expr).metric}
    if isinstance(expr, MatrixSelector):
        return set()
    return {metric for child in expressions.children(expr) for metric in _read_bare(child)}


def hold_under_interval(rules: Sequence[Rule], setting: Setting) -> Iterator[Finding]:
    """`for` shorter than the interval waits for one more evaluation, which is longer than it says."""
    for rule in rules:
        if rule.interval and 0 < rule.lasting < rule.interval:
            yield rule.finding(f"{rule.called} waits {duration(rule.lasting)}, but is evaluated every "
                               f"{duration(rule.interval)}", "make `for` a multiple of the interval", level="remark")

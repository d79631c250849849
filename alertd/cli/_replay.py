"""The history of a rule set, read from a Prometheus in pieces, and what the rules and routes make of it."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import click

from alertd import expressions
from alertd.backtest import budgets, chunks, counts, firing, telling
from alertd.backtest.counts import Counts
from alertd.backtest.firing import Episode
from alertd.backtest.inlining import NotReplayable, inlined
from alertd.backtest.report import Replayed, Span
from alertd.backtest.telling import Grouping
from alertd.lint import Rule
from alertd.model import HOUR, MINUTE, Millis
from alertd.prometheus import Prometheus, PrometheusUnreachable, Series
from alertd.routing import WATCHDOG, Routing
from alertd.rulegen import history, promql
from alertd.rulegen.budget import LOW
from alertd.rulegen.burn import ALERT as BURN
from alertd.rulegen.differences import SLOT
from alertd.rulegen.rows import Tracked

Key = tuple[str, str]  # service and slo
_ROW = "slo:events:increase5m"


@dataclass(frozen=True, slots=True)
class Side:
    """One of two rule sets: its rules as Prometheus would load them, its objectives, and who is told."""

    name: str
    rules: Sequence[Rule]
    tracked: Mapping[Key, Tracked]
    routing: Routing


class Replay:
    """Reads what it needs once for all sides. A query that fails costs its alert, or its objective's, alone."""

    def __init__(self, source: Prometheus, metrics: frozenset[str], span: Span, sides: Iterable[Side]) -> None:
        self.source, self.metrics, self.span = source, metrics, span
        self.pieces = list(chunks(span.start, span.end, span.step))
        self._counts: dict[Tracked, dict[tuple[tuple[str, str], ...], Counts]] = {}
        self._held: dict[str, dict[tuple[tuple[str, str], ...], list[Millis]]] = {}
        self._made: Mapping[tuple[str, frozenset[tuple[str, str]]], str] | None = None
        alerts = sum(len(_alerts(side)) for side in sides)
        self._bar = click.progressbar(length=alerts, label="history", file=sys.stderr,
                                      hidden=not sys.stderr.isatty())

    def __enter__(self) -> Self:
        self._bar.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self._bar.__exit__(kind, error, trace)

    def of(self, side: Side, grouping: Grouping) -> Replayed:
        """What became of one rule set."""
        alerts = _alerts(side)
        records = [rule for rule in side.rules if rule.kind == "record"]
        recorded = {key: self._recorded(side, key) for key in side.tracked}
        episodes: dict[str, list[Episode]] = {rule.name: [] for rule in alerts}
        left, remarks = {}, dict[str, None]()
        for rule in alerts:
            key = rule.labels.get("service", ""), rule.labels.get("slo", "")
            try:
                if rule.name in (BURN, LOW) and recorded.get(key) is False:
                    found = self._counted(rule, side.tracked[key], remarks)
                else:
                    query, remark = self._query(rule, records, recorded.get(key, False))
                    remarks |= dict.fromkeys(remark)
                    found = self._asked(rule, query, remarks)
                episodes[rule.name] += found
            except (ValueError, PrometheusUnreachable) as error:
                left[_called(rule)] = str(error)
            self._bar.update(1)
        replayed = {alert: found for alert, found in episodes.items()
                    if found or any(rule.name == alert and _called(rule) not in left for rule in alerts)}
        told = telling.told([each for found in replayed.values() for each in found], side.routing, grouping)
        return Replayed(replayed, told, left, list(remarks))

    def _recorded(self, side: Side, key: Key) -> bool:
        """Whether the server has the rows of an objective since before the history begins, made by the very rule."""
        if _ROW not in self.metrics:
            return False
        if self._made is None:
            try:
                self._made = self.source.recording()
            except PrometheusUnreachable:
                self._made = {}  # something else that speaks Prometheus' language
        labels = {"service": key[0], "slo": key[1]}
        ours = next(rule for rule in side.rules if rule.name == _ROW and rule.labels == labels)
        theirs = self._made.get((_ROW, frozenset(labels.items())))
        if theirs is None or not _same(ours.text, theirs):
            return False
        row = promql.selector(_ROW, (), *(f"{name}={promql.quoted(value)}" for name, value in labels.items()))
        start = self.span.start - side.tracked[key].window
        first = self.source.range(f"count_over_time({row}[1h])", start + HOUR, start + HOUR, MINUTE)
        return bool(first.series)

    def _query(self, rule: Rule, records: Sequence[Rule], recorded: bool) -> tuple[str, list[str]]:
        """What to ask for, and what to say of it. Where records cannot be put into the expression, the server's own
        serve, if it has them all."""
        if recorded:
            return rule.text, []
        try:
            return inlined(rule, records), []
        except NotReplayable:
            asked = {selector.metric for selector in expressions.selectors(rule.expr)} if rule.expr else set()
            own = asked & {record.name for record in records}
            if not own or own - self.metrics:
                raise
            return rule.text, [f"{_called(rule)} was replayed on the server's own {', '.join(sorted(own))}, "
                               "as far back as it has them"]

    def _asked(self, rule: Rule, query: str, remarks: dict[str, None]) -> Iterator[Episode]:
        """The episodes of an alert by its own expression; of one that both sides have it is asked once."""
        span = self.span
        if query not in self._held:
            held: dict[tuple[tuple[str, str], ...], list[Millis]] = defaultdict(list)
            for start, end in self.pieces:
                for series in self._range(query, start, end, span.step, _called(rule), remarks):
                    held[_labels(series)] += series.times
            self._held[query] = held
        for labels, times in self._held[query].items():
            yield from firing.episodes(_with(rule, dict(labels)), times, span.step, span.end, rule.lasting,
                                       rule.keep_firing)

    def _counted(self, rule: Rule, tracked: Tracked, remarks: dict[str, None]) -> Iterator[Episode]:
        """The episodes of an objective's alert by its counts."""
        every, held = next((every, held) for label, value, every, held in budgets.conditions(tracked)
                           if rule.labels.get(label) == value)
        moments = budgets.moments(self.span.start, self.span.end, self.span.step, every)
        for labels, its in self._counts_of(tracked, remarks).items():
            times = [now for now in moments if held(its, now)]
            if rule.name == LOW and its.first > self.span.start - tracked.window + HOUR:
                remarks[f"the server knows {_called_by(tracked, labels)} less than its window before the history "
                        "begins: what it does not know counts as free of errors for the budget"] = None
            yield from firing.episodes(_with(rule, dict(labels)), times, moments.step, self.span.end, rule.lasting,
                                       rule.keep_firing)

    def _counts_of(self, tracked: Tracked, remarks: dict[str, None]) -> dict[tuple[tuple[str, str], ...], Counts]:
        """Row by row before the history begins, and as finely as may be within it; read once for all alerts."""
        if tracked not in self._counts:
            fine = history.finest(tracked)
            begin = self.span.start // SLOT * SLOT
            before = -(-(begin - tracked.window) // SLOT) * SLOT
            found: list[dict[tuple[tuple[str, str], ...], dict[Millis, float]]] = []
            for what in (history.events, history.bad):
                points: dict[tuple[tuple[str, str], ...], dict[Millis, float]] = defaultdict(dict)
                for start, end, step in ((before, begin, SLOT), (begin + fine, self.span.end, fine)):
                    for first, last in chunks(start, end, step):
                        for series in self._range(what(tracked, step), first, last, step, _called_by(tracked, ()),
                                                  remarks):
                            points[_labels(series)].update(zip(series.times, series.values, strict=True))
                found.append(points)
            self._counts[tracked] = counts.grouped(found[0].items(), found[1])
        return self._counts[tracked]

    def _range(self, query: str, start: Millis, end: Millis, step: Millis, called: str, remarks: dict[str, None]
               ) -> tuple[Series, ...]:
        answer = self.source.range(query, start, end, step)
        remarks |= dict.fromkeys(f"the server says of {called}: {warning}" for warning in answer.warnings)
        return answer.series


def _alerts(side: Side) -> list[Rule]:
    return [rule for rule in side.rules if rule.kind == "alert" and rule.name != WATCHDOG]


def _same(one: str, other: str) -> bool:
    """Whether two texts are the same expression, however they are written: servers sort the matchers of a selector
    and leave out `by ()`."""
    try:
        return _told_apart(one) == _told_apart(other)
    except ValueError:
        return False


def _told_apart(text: str) -> tuple[str, list[tuple[str, list[tuple[str, str, str]]]]]:
    tree = expressions.parse(text)
    selectors = [(each.metric, sorted(each.matchers)) for each in expressions.selectors(tree)]
    return re.sub(r"\{[^{}]*\}| by \(\)", "", str(tree)), selectors


def _labels(series: Series) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in series.labels.items() if name != "__name__"))


def _with(rule: Rule, labels: Mapping[str, str]) -> dict[str, str]:
    return {**labels, **rule.labels, "alertname": rule.name}


def _called(rule: Rule) -> str:
    labels = ", ".join(value for name, value in sorted(rule.labels.items()) if name != "severity")
    return f"{rule.name} ({', '.join(filter(None, [labels, rule.labels.get('severity', '')]))})"


def _called_by(tracked: Tracked, labels: Iterable[tuple[str, str]]) -> str:
    return " ".join((tracked.service, tracked.slo, *(f"{name}={value}" for name, value in labels)))

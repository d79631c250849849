"""Unit tests for promtool as values: series in, alerts expected at a minute.
https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/

Minutes are both the step of the series and the interval of evaluation.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from alertd.model import MINUTE, Labels, Millis
from alertd.rulegen import promql
from alertd.rulegen.declared import Level
from alertd.rulegen.rules import AlertRule
from alertd.rulegen.threshold import VALUE

QUIET = 30  # minutes before something happens: longer than every range a rule looks back over


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """At this minute exactly `firing` (labels and annotations of each) fire under the name `alert`."""

    minute: int
    alert: str
    firing: tuple[tuple[Labels, Labels], ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """At this minute `expression` has one sample without labels, of this value; none at all where that is None."""

    minute: int
    expression: str
    value: int | float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Scenario:
    """One test: what the targets show, and what must and must not fire. `series` maps a series to its
    values in promtool's notation, `interval` apart."""

    name: str
    series: Mapping[str, str]
    checks: tuple[Check, ...]
    samples: tuple[Sample, ...] = ()
    interval: Millis = MINUTE


@dataclasses.dataclass(frozen=True, slots=True)
class Leveled:
    """A level and the alert rule made from it."""

    level: Level
    rule: AlertRule

    @property
    def minutes(self) -> int:
        """The evaluations from the first that holds to the first that fires."""
        return -(-self.rule.lasting // MINUTE)


def check(minute: int, alert: str, levels: Iterable[Leveled], labels: Labels, value: Decimal) -> Check:
    """Exactly these `levels` of `alert` fire at `minute`, with this value, on a series with these labels."""
    return Check(minute, alert, tuple(fired(leveled.rule, labels, {VALUE: value}) for leveled in levels))


def fired(rule: AlertRule, labels: Labels, shares: Mapping[str, Decimal]) -> tuple[Labels, Labels]:
    """The labels and annotations of `rule` on a series with these labels, where these templates show these shares."""
    return told(rule, labels, {template: humanized(share) for template, share in shares.items()})


def told(rule: AlertRule, labels: Labels, texts: Mapping[str, str]) -> tuple[Labels, Labels]:
    """The same where these templates show these texts."""
    def written(text: str) -> str:
        for template, shown in texts.items():
            text = text.replace(template, shown)
        for name, content in labels.items():
            text = text.replace(f"{{{{ $labels.{name} }}}}", content)
        return text

    return {**labels, **rule.labels}, {name: written(text) for name, text in rule.annotations.items()}


def humanized(ratio: Decimal) -> str:
    """What Prometheus' humanizePercentage prints: four significant digits, as Go's %.4g."""
    return f"{float(ratio * 100):.4g}%"


def series(metric: str, *labels: Mapping[str, str]) -> str:
    """A series of these labels, the later ones winning, in the order of their names."""
    merged: dict[str, str] = {}
    for more in labels:
        merged |= more
    inside = ",".join(f"{name}={promql.quoted(value)}" for name, value in sorted(merged.items()))
    return f"{metric}{{{inside}}}"


def notation(values: Sequence[Decimal | int | None]) -> str:
    """One value for each minute, None for no sample, in promtool's words: `0x30` is 0 and 30 times 0 more, `5+5x3`
    grows by 5 three times, `_x4` is four times nothing."""
    return _notation(tuple(values))


@functools.lru_cache(maxsize=1024)  # every service is shown the same
def _notation(values: tuple[Decimal | int | None, ...]) -> str:
    words = []
    at = 0
    while at < len(values):
        value, end = values[at], _run(values, at)
        if value is None:
            words.append(f"_x{end - at}")
        elif end - at == 1:
            words.append(_exact(value))
        else:
            following = values[at + 1]
            step = Decimal(following or 0) - value
            grows = f"{'+' if step > 0 else '-'}{_exact(abs(step))}" if step else ""
            words.append(f"{_exact(value)}{grows}x{end - at - 1}")
        at = end
    return " ".join(words)


def _run(values: Sequence[Decimal | int | None], at: int) -> int:
    """Where the run that begins at `at` ends: nothing all along, or the same step all along. promtool adds up steps as
    floating point numbers, of which 1.000001 less 0.000001 is not quite 1: a run ends before what they would miss."""
    end = at + 1
    first = values[at]
    if first is None:
        while end < len(values) and values[end] is None:
            end += 1
        return end
    second = values[end] if end < len(values) else None
    added = float(first)
    while second is not None and end < len(values):
        value, before = values[end], values[end - 1]
        added += float(second - first)
        if value is None or before is None or value - before != second - first or added != float(value):
            break
        end += 1
    return end


def _exact(value: Decimal | int) -> str:
    return promql.number(Decimal(value))


def decimals(values: Iterable[Decimal]) -> int:
    """The decimals that all of these are whole multiples of."""
    return max(-int(value.normalize().as_tuple().exponent) for value in values)

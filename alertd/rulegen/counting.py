"""Counting events exactly in PromQL.

`increase()` is an estimate: it stretches what it saw to the edges of its range (two failures become 2.2) and sees
nothing of a series' first value (https://github.com/prometheus/prometheus/issues/3886). A guard such as "at least
three failures" needs the count itself: the counter now minus the counter a window ago, with rules for when that is
wrong.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from decimal import Decimal

from alertd.matchers import Matcher
from alertd.model import MINUTE, Millis
from alertd.presets import Failure, Latency, Requests
from alertd.rulegen import promql

# Longer than an alert's usual `for` (5m): what happened once stays in sight long enough for the alert to fire, so that
# three failures of a quiet service are told. A busy service loses nothing, since a real outage passes 0.5 % of ten
# minutes within seconds.
WINDOW: Millis = 10 * MINUTE
_LOOKBACK: Millis = 5 * MINUTE  # Prometheus' default: how old the sample that `offset` finds may be

_W = promql.duration(WINDOW)
_RESETS = promql.duration(WINDOW + _LOOKBACK)


def counted(series: str, scraped: str) -> str:
    """Per series, how far the counter `series` (a selector) rose in the last WINDOW, in whole numbers. `scraped`
    selects series of the same targets.

    A counter that was there a window ago and was not reset: the difference.
    A counter that was not there although its target was being scraped: it was born at 0, so all of it is new. Without
    this an outage that begins with a service's first failure would go uncounted.
    Otherwise (a restart within the window, a target new to Prometheus, a series that ended): what increase() saw,
    rounded down. From three scrapes in sight on, a minute or less apart, it stretches by a quarter at most: two are
    not taken for three.
    """
    return textwrap.dedent(f"""\
        {series} - {series} offset {_W} >= 0 unless resets({series}[{_RESETS}]) > 0
        or
        ({series} unless {series} offset {_W})
          and on (job, instance) (up offset {_W} == 1 or {scraped} offset {_W})
        or
        floor(increase({series}[{_W}]))""")


def total(counts: Iterable[str]) -> str:
    """The sum of per-series counts; a series that several of them hold is counted once, by the first."""
    body = textwrap.indent("\nor\n".join(counts), "  ")
    return f"sum(\n{body}\n)"


def requests(preset: Requests, matchers: tuple[Matcher, ...]) -> str:
    """All requests of the last WINDOW. No sample where the counter does not exist."""
    series = promql.selector(preset.counter, matchers)
    return total([counted(series, series)])


def failures(preset: Requests, matchers: tuple[Matcher, ...], events: str) -> str:
    """The requests of the last WINDOW that failed: 0 where there is no failed series but `events` has a sample."""
    scraped = promql.selector(preset.counter, matchers)
    counts = [counted(_failed(preset, failure, matchers), scraped) for failure in preset.failures]
    return f"{total(counts)}\nor on () 0 * {events}"


def _failed(preset: Requests, failure: Failure, matchers: tuple[Matcher, ...]) -> str:
    return promql.selector(preset.counter, matchers, failure.match)


def timed(preset: Latency, matchers: tuple[Matcher, ...]) -> str:
    """The requests of the last WINDOW whose duration was measured."""
    series = promql.selector(f"{preset.histogram}_count", matchers)
    return total([counted(series, series)])


def slow(preset: Latency, matchers: tuple[Matcher, ...], over: Millis, events: str) -> str:
    """The measured requests of the last WINDOW that took longer than `over` (an edge of a bucket)."""
    count = promql.selector(f"{preset.histogram}_count", matchers)
    bucket = promql.selector(f"{preset.histogram}_bucket", matchers, promql.le(edge(preset, over)))
    return f"{events}\n- on ()\n{total([counted(bucket, count)])}"


def edge(preset: Latency, duration: Millis) -> Decimal:
    """`duration` as the histogram's `le` label counts it."""
    return Decimal(duration) / preset.unit

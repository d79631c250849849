"""Counting events exactly in PromQL.

`increase()` is an estimate: it stretches what it saw to the edges of its range (two failures become 2.2) and sees
nothing of a series' first value (https://github.com/prometheus/prometheus/issues/3886). A guard such as "at least
three failures" needs the count itself: the counter now minus the counter a window ago, with rules for when that is
wrong.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from decimal import Decimal

from alertd.matchers import Matcher
from alertd.model import MINUTE, Millis
from alertd.presets import Failure, Latency, Requests
from alertd.rulegen import promql
from alertd.rulegen.version import OLDEST, PrometheusVersion

# Longer than an alert's usual `for` (5m): what happened once stays in sight long enough for the alert to fire, so that
# three failures of a quiet service are told. A busy service loses nothing, since a real outage passes 0.5 % of ten
# minutes within seconds.
WINDOW: Millis = 10 * MINUTE
_LOOKBACK: Millis = 5 * MINUTE  # Prometheus' default: how old the sample that `offset` finds may be

_W = promql.duration(WINDOW)
_RESETS = promql.duration(WINDOW + _LOOKBACK)


def counted(series: str, scraped: str, count: str = "") -> str:
    """Per series, how far the counter `series` (a selector) rose in the last WINDOW, in whole numbers. `scraped`
    selects series of the same targets; `count` is the function that makes a number of each sample, if one is needed.

    A counter that was there a window ago and was not reset: the difference.
    A counter that was not there although its target was being scraped: it was born at 0, so all of it is new. Without
    this an outage that begins with a service's first failure would go uncounted.
    Otherwise (a restart within the window, a target new to Prometheus, a series that ended): what increase() saw,
    rounded down. From three scrapes in sight on, a minute or less apart, it stretches by a quarter at most: two are
    not taken for three.
    """
    def number(of: str) -> str:
        return f"{count}({of})" if count else of

    now, then = number(series), number(f"{series} offset {_W}")
    return textwrap.dedent(f"""\
        {now} - {then} >= 0 unless resets({series}[{_RESETS}]) > 0
        or
        ({now} unless {then})
          and on (job, instance) (up offset {_W} == 1 or {scraped} offset {_W})
        or
        floor({number(f"increase({series}[{_W}])")})""")


def total(counts: Iterable[str]) -> str:
    """The sum of per-series counts; a series that several of them hold is counted once, by the first."""
    body = textwrap.indent("\nor\n".join(counts), "  ")
    return f"sum(\n{body}\n)"


def requests(preset: Requests, matchers: tuple[Matcher, ...], version: PrometheusVersion = OLDEST) -> str:
    """All requests of the last WINDOW. No sample where the counter does not exist."""
    return total(_counts(preset, matchers, None, version))


def failures(preset: Requests, matchers: tuple[Matcher, ...], events: str, version: PrometheusVersion = OLDEST) -> str:
    """The requests of the last WINDOW that failed: 0 where there is no failed series but `events` has a sample."""
    counts = [count for failure in preset.failures for count in _counts(preset, matchers, failure, version)]
    return f"{total(counts)}\nor on () 0 * {events}"


def _counts(preset: Requests, matchers: tuple[Matcher, ...], failure: Failure | None, version: PrometheusVersion
            ) -> Iterator[str]:
    """The counter, and where it is the count of a histogram, that of a native one too: a native histogram has no
    series of its own for the count."""
    conditions = [failure.match] if failure else []
    yield counted(promql.selector(preset.counter, matchers, *conditions), promql.selector(preset.counter, matchers))
    if version.has_native_histograms and preset.counter.endswith("_count"):
        histogram = preset.counter.removesuffix("_count")
        yield counted(promql.selector(histogram, matchers, *conditions), promql.selector(histogram, matchers),
                      count="histogram_count")


def timed(preset: Latency, matchers: tuple[Matcher, ...], version: PrometheusVersion = OLDEST) -> str:
    """The requests of the last WINDOW whose duration was measured. Native histograms count where no classic one does:
    of a service that shows both kinds, or each in some of its processes, one kind is taken for all."""
    series = promql.selector(f"{preset.histogram}_count", matchers)
    classic = total([counted(series, series)])
    if not version.has_native_histograms:
        return classic
    native = promql.selector(preset.histogram, matchers)
    return f"{classic}\nor on ()\n{total([counted(native, native, count='histogram_count')])}"


def slow(preset: Latency, matchers: tuple[Matcher, ...], edge: Decimal, events: str,
         version: PrometheusVersion = OLDEST) -> str:
    """The measured requests of the last WINDOW that took longer than `edge`, one of the histogram's buckets."""
    count = promql.selector(f"{preset.histogram}_count", matchers)
    bucket = promql.selector(f"{preset.histogram}_bucket", matchers, promql.le(edge))
    classic = f"{events}\n- on ()\n{total([counted(bucket, count)])}"
    if not version.has_native_histograms:
        return classic
    return f"{classic}\nor on ()\n{native_slow(preset, matchers, edge, events)}"


def native_slow(preset: Latency, matchers: tuple[Matcher, ...], edge: Decimal, events: str) -> str:
    """The same of a native histogram, at any `edge`: its buckets are so narrow that the share within one is no
    matter, and rounded, three slow requests are 3 and not 2.9999999999999996. No sample without events, nor while the
    histogram itself has not grown (the fraction of nothing is NaN, which is not >= 0)."""
    series = promql.selector(preset.histogram, matchers)
    fraction = f"histogram_fraction(0, {promql.number(edge)}, sum(increase({series}[{_W}])))"
    return f"round(({events} > 0) * on () (1 - {fraction})) >= 0"


def edge(preset: Latency, duration: Millis) -> Decimal:
    """`duration` as the histogram's `le` label counts it."""
    return Decimal(duration) / preset.unit

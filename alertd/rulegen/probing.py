"""Counting probes in PromQL. A probe leaves one sample of a gauge, whoever calls on the service meanwhile: how often
it failed is a share of samples, and how long it took is looked at once a minute (a time slice), for a range cannot be
compared with a limit sample by sample.
"""

from __future__ import annotations

from decimal import Decimal

from alertd.matchers import Matcher
from alertd.model import MINUTE, Millis
from alertd.presets import Probe
from alertd.rulegen import promql
from alertd.rulegen.counting import WINDOW

SLICE: Millis = MINUTE

# A millisecond short of the window: Prometheus 2 counts a sample at its left edge, 3 does not
# (https://prometheus.io/docs/prometheus/latest/migration/#range-selectors-and-lookback-exclude-samples-coinciding-with-the-left-boundary).
_RANGE = promql.duration(WINDOW - 1)
_SLICES = f"{_RANGE}:{promql.duration(SLICE)}"


def probes(preset: Probe, matchers: tuple[Matcher, ...]) -> str:
    """The probes of the last WINDOW."""
    return f"sum(count_over_time({promql.selector(preset.gauge, matchers)}[{_RANGE}]))"


def failed(preset: Probe, matchers: tuple[Matcher, ...], events: str) -> str:
    """Those that failed."""
    return f"{events}\n- on ()\nsum(sum_over_time({promql.selector(preset.gauge, matchers)}[{_RANGE}]))"


def slices(duration: str, matchers: tuple[Matcher, ...]) -> str:
    """The minutes of the last WINDOW with a probe whose duration is known, each target's counted."""
    return f"sum(count_over_time({promql.selector(duration, matchers)}[{_SLICES}]))"


def slow(duration: str, matchers: tuple[Matcher, ...], over: Decimal) -> str:
    """Those in which the latest probe took longer than `over`, in the gauge's unit."""
    series = promql.selector(duration, matchers)
    return f"sum(sum_over_time(({series} > bool {promql.number(over)})[{_SLICES}]))"

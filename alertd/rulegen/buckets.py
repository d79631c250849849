"""Where a duration lies among the buckets of a histogram.

At an edge the histogram counts exactly. Between two edges it knows two bounds; the share between them is taken to lie
evenly, as histogram_quantile() takes it: https://prometheus.io/docs/practices/histograms/#errors-of-quantile-estimation
"""

from __future__ import annotations

import dataclasses
import math
from decimal import Decimal

from alertd.model import Millis
from alertd.presets import Latency
from alertd.rulegen import counting, promql


@dataclasses.dataclass(frozen=True, slots=True)
class Between:
    """The edges next to a duration, in the histogram's unit; both are the duration's own where it is one."""

    below: Decimal
    at: Decimal
    above: Decimal

    @property
    def exact(self) -> bool:
        return self.below == self.above

    @property
    def weights(self) -> tuple[int, int]:
        """By which the counts slower than `below` and slower than `above` are mixed. Whole numbers without a common
        divisor, so that three slow requests make 3 and not 2.9999999999999996."""
        parts = (Decimal(1), Decimal(0)) if self.exact else (self.above - self.at, self.at - self.below)
        scale = 10 ** max(0, *(-int(part.as_tuple().exponent) for part in parts))
        below, above = (int(part * scale) for part in parts)
        divisor = math.gcd(below, above)
        return below // divisor, above // divisor


def between(latency: Latency, buckets: tuple[Decimal, ...], duration: Millis) -> Between | None:
    """The edges next to `duration`. None below the first one and above the last finite one: there one bucket holds all
    requests that are faster, or slower, and nothing tells them apart. A quantile can never be above the last edge."""
    at = counting.edge(latency, duration)
    below = [bucket for bucket in buckets if bucket <= at]
    above = [bucket for bucket in buckets if bucket >= at]
    return Between(below[-1], at, above[0]) if below and above else None


def shown(latency: Latency, at: Decimal) -> str:
    """An edge as a duration people read: 1s200ms, 447.392426ms."""
    millis = at * latency.unit
    return promql.duration(int(millis)) if millis == int(millis) else f"{promql.number(millis)}ms"

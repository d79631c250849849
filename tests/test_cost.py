"""The arithmetic of what rules read."""

from __future__ import annotations

from decimal import Decimal

import pytest

from alertd import cost
from alertd.config import rule_files


def rules(expr: str, interval: str = "1m"):
    text = (f"groups:\n- {{name: g, interval: {interval}, rules: [{{record: 'a:b', expr: '{expr}', "
            "labels: {service: shop, slo: up}}, {alert: A, expr: x, labels: {severity: info}}]}\n")
    return rule_files.parsed(text, "r.yaml")[0]


@pytest.mark.parametrize(("expr", "interval", "a_second"), [
    ("x", "1m", "0.5"),  # 30 series once a minute
    ("sum(rate(x[5m]))", "1m", "5"),  # 30 series of 10 scrapes
    ("x / y", "30s", "2"),
    ("sum_over_time(a:b[30m])", "1m", "0.5"),  # a record: one series, once a minute
    ("max_over_time(x[10m:1m])", "1m", "5"),  # ten steps of 30 series
])
def test_samples_a_second(expr: str, interval: str, a_second: str) -> None:
    """Series times samples within the range, once an interval; a rule of no SLO is not counted."""
    found, = cost.per_slo(rules(expr, interval), 30)
    assert (found.service, found.slo, found.samples, found.rules) == ("shop", "up", Decimal(a_second), 1)

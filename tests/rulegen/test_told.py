"""Severities and `keep_firing_for` as somebody declared them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from alertd.config import rules_file
from alertd.errors import BadInput
from tests.rulegen.rules_made import generated, promtool

ALL = """
alerts:
  ErrorBudgetBurn: {fast: {severity: warning, keep_firing_for: 10m}, medium: {severity: warning}}
  ErrorBudgetLow: {50%: {severity: warning, keep_firing_for: 0s}}
  IndicatorAbsent: {severity: critical, keep_firing_for: 5m}
thresholds: {error_rate: [{above: 1%, severity: critical, keep_firing_for: 15m}]}
services:
  shop:
    metrics: prometheus-http
    selector: job="shop"
    slos: {up: {objective: 99.9%, window: 12h, alerts: {ErrorBudgetBurn: {fast: {severity: critical}}}}}
"""


def told(folder: Path, text: str) -> dict[str, tuple[str, str]]:
    """Severity and keep_firing_for of each alert, by tier, level or name."""
    groups = yaml.safe_load(generated(folder, text)["shop.rules.yaml"])["groups"]
    return {rule["labels"].get("tier", rule["labels"].get("left", rule["alert"])):
            (rule["labels"]["severity"], rule.get("keep_firing_for", ""))
            for group in groups for rule in group["rules"] if "alert" in rule}


def test_an_alert_is_told_as_declared(tmp_path: Path) -> None:
    """For all objectives, or for one, whose words go before; what nobody says is the default."""
    found = told(tmp_path, ALL)
    assert found["fast"] == ("critical", "10m")
    assert found["medium"] == ("warning", "5m")
    assert found["50%"] == ("warning", "")
    assert found["0%"] == ("critical", "1h")
    assert found["IndicatorAbsent"] == ("critical", "5m")
    assert found["HighErrorRate"] == ("critical", "15m")


def test_the_generated_tests_know(tmp_path: Path) -> None:
    """They pass, and fail where another time stands in the rules."""
    rules = generated(tmp_path, ALL.replace("12h", "4h"))["shop.rules.yaml"]
    path = tmp_path / "generated" / "shop.slo.test.yaml"
    promtool("test", "rules", path)
    (tmp_path / "generated" / "shop.rules.yaml").write_text(
        rules.replace("keep_firing_for: 10m", "keep_firing_for: 5m"))
    with pytest.raises(AssertionError, match="FAILED"):
        promtool("test", "rules", path)


def test_an_objective_that_does_not_page_leaves_that_to_the_threshold(tmp_path: Path) -> None:
    """One outage is one page, and not none."""
    text = ALL.replace("[{above: 1%, severity: critical, keep_firing_for: 15m}]", "1%")
    assert told(tmp_path, text)["HighErrorRate"][0] == "warning"
    assert told(tmp_path, text.replace(", alerts: {ErrorBudgetBurn: {fast: {severity: critical}}}", "")
                )["HighErrorRate"][0] == "critical"


@pytest.mark.parametrize(("before", "after", "says"), [
    ("medium:", "middle:", "a.yaml:3:70: unknown key 'middle'"),
    ("10m", "90s", "a.yaml:3:64: 90s is no whole number of minutes"),
    ("severity: critical, keep_firing_for: 5m", "severity: loud", "'loud' is no severity"),
])
def test_a_slip_is_told_with_its_place(tmp_path: Path, before: str, after: str, says: str) -> None:
    """Line and column, and what to use."""
    (tmp_path / "a.yaml").write_text(ALL.replace(before, after))
    with pytest.raises(BadInput) as error:
        rules_file.load(tmp_path)
    assert says in str(error.value)

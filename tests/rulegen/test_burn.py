import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.rulegen.rules_made import generated, prove

SLO = """
services: {{shop: {{metrics: prometheus-http, selector: 'job="shop"', slos: {{up: {{{slo}}}}}}}}}
"""
OK = 'http_requests_total{job="shop",instance="a",code="200"}'
BAD = 'http_requests_total{job="shop",instance="a",code="500"}'
UP = {'up{job="shop",instance="a"}': "1x200"}


def alerts(folder: Path, slo: str) -> list[dict]:
    text = generated(folder, SLO.format(slo=slo))["shop.rules.yaml"]
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"] if "alert" in rule]


def test_the_alerts_of_an_objective(tmp_path: Path) -> None:
    """One per tier, one per level of the budget, one for the indicator, each with its severity."""
    found = [(rule["alert"], rule["labels"].get("tier", rule["labels"].get("left")), rule["labels"]["severity"])
             for rule in alerts(tmp_path, "objective: 99.9%")]
    assert found == [
        ("ErrorBudgetBurn", "medium", "critical"), ("IndicatorAbsent", None, "warning"),
        ("ErrorBudgetBurn", "fast", "critical"),
        ("ErrorBudgetBurn", "slow", "warning"), ("ErrorBudgetBurn", "long", "warning"),
        ("ErrorBudgetLow", "50%", "info"), ("ErrorBudgetLow", "25%", "warning"), ("ErrorBudgetLow", "10%", "warning"),
        ("ErrorBudgetLow", "0%", "critical")]


def firing(labels: str = "") -> str:
    """1 while a burn alert with these labels fires, else 0."""
    found = f'ALERTS{{alertname="ErrorBudgetBurn",alertstate="firing"{labels}}}'
    return f"clamp_max(count({found}), 1) or on () vector(0)"


@pytest.mark.parametrize(("count", "fires"), [(1, 0), (2, 0), (3, 1)])
def test_failures_at_night(tmp_path: Path, count: int, fires: int) -> None:
    """One failure among few requests is silent though it is all of the budget; three are told."""
    alerts(tmp_path, "objective: 99.9%")
    prove(tmp_path, {OK: "0+1x60", BAD: f"0x40 {count}x20", **UP}, samples={firing(): [("43m", fires)]})


def test_a_total_outage_pages_with_the_next_evaluation(tmp_path: Path) -> None:
    """After thirty quiet minutes, with the first scrape of failures."""
    alerts(tmp_path, "objective: 99.9%")
    prove(tmp_path, {OK: "0+100x30 3000x30", BAD: "0x30 100+100x30", **UP},
          samples={firing(',tier="fast"'): [("30m", 0), ("31m", 1)]})


def test_groups_burn_apart(tmp_path: Path) -> None:
    """With `by`, one tenant's outage is its own alert, though all tenants together are fine."""
    alerts(tmp_path, "objective: 99.9%, by: tenant")
    large, small = '{tenant="large",', '{tenant="small",'
    prove(tmp_path, {OK.replace("{", large): "0+1000000x60", OK.replace("{", small): "0+1x60",
                     BAD.replace("{", small): "0+9x60", **UP},
          samples={firing(',tier="fast",tenant="small"'): [("40m", 1)], firing(',tenant="large"'): [("40m", 0)]})


@pytest.mark.parametrize(("minute", "says"), [
    (50, "; 0 of its 2 hours are known."), (110, "; 1 of its 2 hours are known."), (170, "nothing is left of it.")])
def test_a_burn_says_how_much_of_its_window_is_known(tmp_path: Path, minute: int, says: str) -> None:
    """Its share of the budget is one of what is known; where that is all, there is nothing to say."""
    alerts(tmp_path, "objective: 99%, window: 2h")
    test = {"interval": "1m", "input_series": [{"series": name, "values": "0+9x200"} for name in (OK, BAD)],
            "alert_rule_test": [{"eval_time": f"{minute}m", "alertname": "ErrorBudgetBurn", "exp_alerts": []}]}
    path = tmp_path / "generated" / "made.test.yaml"
    path.write_text(json.dumps({"rule_files": ["shop.rules.yaml"], "evaluation_interval": "1m", "tests": [test]}))
    run = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, check=False)
    assert f'{says}"' in (run.stdout + run.stderr)

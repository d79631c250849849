"""What the panels show, by a real Prometheus' own evaluation: promtool."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
import yaml

from alertd import dashboards, rulegen
from alertd.config import rules_file

pytestmark = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is missing")
RULES = """
services:
  checkout:
    metrics: prometheus-http
    selector: job="checkout"
    slos: {availability: {objective: 99.9%}}
"""
HOURS = 8


def panels(declared) -> dict[str, list[str]]:
    """The queries of the objective's dashboard by the title of their panel."""
    text = dict(dashboards.each(declared))["alertd-slo-checkout-availability.json"]
    return {panel["title"]: [target["expr"] for target in panel["targets"]]
            for panel in json.loads(text)["panels"] if panel["type"] != "row"}


def test_the_panels_of_an_objective_show_what_happened(tmp_path):
    """Of 100 requests a minute one fails, for eight hours: ten times what 99.9 % allows, in every window of every tier,
    and ten times the budget of what is known is gone."""
    (tmp_path / "a.yaml").write_text(RULES)
    declared = rules_file.load(tmp_path).declared
    for name, text in rulegen.each(declared):
        if name.endswith(".rules.yaml"):
            (tmp_path / name).write_text(text)
    shown = panels(declared)
    rates = [query for title, queries in shown.items() if title.startswith("Burn rate") for query in queries]
    assert len(rates) == 8
    expected = [(query, 10) for query in rates] + [(query, 0.01) for query in shown["Bad events of an hour"]]
    expected += [(f"round(1 * ({shown['Budget left'][0]}), 0.001)", -9)]
    minutes = HOURS * 60
    test = {
        "rule_files": ["checkout.rules.yaml"], "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": [
            {"series": 'up{job="checkout",instance="a"}', "values": f"1x{minutes}"},
            {"series": 'http_requests_total{job="checkout",instance="a",code="200"}', "values": f"0+99x{minutes}"},
            {"series": 'http_requests_total{job="checkout",instance="a",code="500"}', "values": f"0+1x{minutes}"},
        ], "promql_expr_test": [
            {"expr": f"sum(round({query}, 0.0001))", "eval_time": f"{HOURS}h",
             "exp_samples": [{"labels": "{}", "value": value}]}
            for query, value in expected]}]}
    (tmp_path / "a.test.yml").write_text(yaml.safe_dump(test))
    done = subprocess.run(["promtool", "test", "rules", str(tmp_path / "a.test.yml")], capture_output=True, text=True,
                          check=False, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr

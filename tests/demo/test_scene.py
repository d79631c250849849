from __future__ import annotations

from pathlib import Path

import yaml

from alertd import channels
from alertd.config import routing_file, rules_file
from alertd.demo import scene


def test_hurried_rules() -> None:
    """Every minute of a rule becomes a second, in ranges, offsets and durations; names and limits stay."""
    rule = {"alert": "Slow", "expr": 'rate(x{code="5m"}[5m]) - y offset 10m > 0.5 and a:b:increase10m', "for": "15m",
            "keep_firing_for": "5m", "labels": {"severity": "critical"}}
    hurried = yaml.safe_load(scene.hurried(yaml.safe_dump({"groups": [{"name": "g", "rules": [rule]}]})))
    assert hurried["groups"][0]["rules"] == [
        {**rule, "expr": 'rate(x{code="5m"}[5s]) - y offset 10s > 0.5 and a:b:increase10m', "for": "15s",
         "keep_firing_for": "5s"}]


def test_routing_is_sound(tmp_path: Path) -> None:
    """The demo's routing.yaml is one that alertd takes, with the production environment's three routes."""
    (tmp_path / "routing.yaml").write_text(
        scene.routing(pagerduty="http://127.0.0.1:1", slack="http://127.0.0.1:2/api/", smtp="127.0.0.1:3"))
    file = routing_file.load(tmp_path / "routing.yaml", channels.settings_types())
    assert {severity.value: route.receivers for severity, route in file.routing.routes.items()} == {
        "critical": ("on-call", "management", "slack"), "warning": ("on-call", "platform-team"),
        "info": ("platform-team", "daily-summary")}


def test_rules_are_sound(tmp_path: Path) -> None:
    """The demo's declared rules are ones that the rule writer takes without a remark."""
    (tmp_path / "production.yaml").write_text(scene.RULES)
    assert rules_file.load(tmp_path).remarks == ()

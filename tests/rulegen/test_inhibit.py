import subprocess
from pathlib import Path

import pytest
import yaml

from alertd import channels, inhibiting, matchers
from alertd.config import routing_file
from alertd.rulegen import inhibit
from tests import made
from tests.rulegen.rules_made import generated

TEXT = """
services: {shop: {metrics: prometheus-http, selector: 'job="shop"', slos: {up: {objective: 99%, by: [route]}}}}
"""


def quiet(rules: list[dict], source: dict[str, str], target: dict[str, str]) -> bool:
    """Whether `target` is inhibited while `source` fires, by Alertmanager's words for inhibit_rules."""
    def meets(conditions: list[str], labels: dict[str, str]) -> bool:
        return all(matchers.parse(condition).matches(labels) for condition in conditions)

    return any(meets(rule["source_matchers"], source) and meets(rule["target_matchers"], target)
               and all(source.get(label, "") == target.get(label, "") for label in rule["equal"]) for rule in rules)


def burning(tier: str, **labels: str) -> dict[str, str]:
    return {"alertname": "ErrorBudgetBurn", "service": "shop", "slo": "up", "tier": tier, **labels}


@pytest.mark.parametrize(("source", "target", "wanted"), [
    (burning("fast"), burning("medium"), True), (burning("medium"), burning("long"), True),
    (burning("slow"), burning("long"), True), (burning("long"), burning("slow"), False),
    (burning("fast"), burning("fast"), False), (burning("fast"), burning("slow", slo="other"), False),
    (burning("fast", route="a"), burning("slow", route="a"), True),
    (burning("fast", route="a"), burning("slow", route="b"), False)])
def test_faster_tiers_quiet_slower_ones(source: dict[str, str], target: dict[str, str], wanted: bool) -> None:
    """Of one objective and one group only, and never the other way round."""
    assert quiet(inhibit.rules(["route"]), source, target) is wanted


def test_a_lower_budget_quiets_the_higher_levels() -> None:
    """Who knows that nothing is left need not hear that less than half is."""
    low = {"alertname": "ErrorBudgetLow", "service": "shop", "slo": "up"}
    assert quiet(inhibit.rules([]), {**low, "left": "0%"}, {**low, "left": "50%"})
    assert not quiet(inhibit.rules([]), {**low, "left": "50%"}, {**low, "left": "25%"})


def test_alertmanager_takes_the_snippet(tmp_path: Path) -> None:
    """Inside a configuration it is valid, and it names the objectives' own labels."""
    text = generated(tmp_path, TEXT)["alertmanager-inhibit.yaml"]
    config = tmp_path / "alertmanager.yml"
    config.write_text(f"route: {{receiver: x}}\nreceivers: [{{name: x}}]\n{text}", encoding="utf-8")
    run = subprocess.run(["amtool", "check-config", config], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert yaml.safe_load(text)["inhibit_rules"][0]["equal"] == ["service", "slo", "route"]


def test_routing_yaml_can_say_the_same(tmp_path: Path) -> None:
    """The generated part is read as it stands, and keeps the slower tier of the same group quiet."""
    files = generated(tmp_path, TEXT)
    (tmp_path / "routing.yaml").write_text("receivers: {a: {log: {}}}\nroutes: {critical: a, warning: a, info: a}\n"
                                           + files["routing-inhibit.yaml"])
    routing = routing_file.load(tmp_path / "routing.yaml", channels.settings_types(), read_secrets=False).routing
    fast, slow = (burning(tier, route="a", severity="critical") for tier in ("fast", "slow"))
    source, = {each.key for each in inhibiting.sources([made.alert(labels=fast)], routing)}
    assert source in set(inhibiting.target_keys(slow, routing))
    assert source not in set(inhibiting.target_keys({**slow, "route": "b"}, routing))

"""The configurations in deploy/ are accepted by the programs they are for."""

import subprocess
from pathlib import Path

import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"


def test_prometheus_takes_its_file_and_our_rules():
    """By promtool, without a warning."""
    done = subprocess.run(["promtool", "check", "config", DEPLOY / "prometheus.yml"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    written = list(DEPLOY.parent.glob("rules/generated/*.rules.yaml"))
    assert f"SUCCESS: {len(written)} rule files found" in done.stdout


def test_alertmanager_takes_its_file():
    """By amtool, with every inhibit rule that was written."""
    done = subprocess.run(["amtool", "check-config", DEPLOY / "alertmanager.yml"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    written = yaml.safe_load((DEPLOY.parent / "rules/generated/alertmanager-inhibit.yaml").read_text())
    assert f"{len(written['inhibit_rules'])} inhibit rules" in done.stdout


@pytest.mark.parametrize(("label", "receiver"), [
    ("severity=critical", "alertd"), ("severity=none", "alertd"), ("alertname=Watchdog", "alertd"),
    ("alertname=AlertdDown", "pagerduty-directly"), ("alertname=AlertdStoreFails", "pagerduty-directly,alertd"),
    ("alertname=AlertdIntakeSilent", "pagerduty-directly,alertd"),
    ("alertname=AlertdCannotDeliver", "pagerduty-directly,alertd"), ("alertname=AlertdDeadLetters", "alertd"),
])
def test_everything_goes_to_alertd_but_its_own_end(label, receiver):
    """By amtool's table of routes: what says that alertd is gone cannot go through it; what it may be unable to tell
    goes both ways. Each is an alert that is written."""
    written = "".join(path.read_text() for path in DEPLOY.parent.glob("rules/generated/*.rules.yaml"))
    assert "alertname" not in label or f"alert: {label.split('=')[1]}\n" in written
    routed = subprocess.run(["amtool", "config", "routes", "test", f"--config.file={DEPLOY / 'alertmanager.yml'}",
                             label], capture_output=True, text=True, check=False)
    assert routed.stdout.strip() == receiver

"""The configurations in deploy/ are accepted by the programs they are for."""

import subprocess
from pathlib import Path

DEPLOY = Path(__file__).parents[2] / "deploy"


def test_prometheus_takes_its_file_and_our_rules():
    """By promtool, without a warning."""
    done = subprocess.run(["promtool", "check", "config", DEPLOY / "prometheus.yml"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert "3 rule files found" in done.stdout


def test_alertmanager_takes_its_file():
    """By amtool; everything goes to alertd."""
    done = subprocess.run(["amtool", "check-config", DEPLOY / "alertmanager.yml"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    routed = subprocess.run(["amtool", "config", "routes", "test", f"--config.file={DEPLOY / 'alertmanager.yml'}",
                             "severity=critical"], capture_output=True, text=True, check=False)
    assert routed.stdout.strip() == "alertd"

"""`alertd init`: what it writes, keeps and says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from alertd.cli.group import group

DOCUMENT = Path(__file__).parents[1] / "fixtures" / "production-environment.md"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def alertd(*words: str | Path) -> Result:
    return CliRunner().invoke(group, [str(word) for word in words])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_clean_beginning(folder: Path) -> None:
    """What it writes has no fault, and its rules are current, alertd's own among them; what is still missing is
    remarked."""
    assert alertd("init").exit_code == 0
    assert "alert: AlertdDown" in (folder / "rules/generated/guardrail-alertd_down.rules.yaml").read_text()
    assert names(folder) == ["alertmanager.yml", "routing.yaml", "rules"]
    checked = alertd("check")
    assert checked.exit_code == 0, checked.output
    assert "the secret file secrets/pagerduty is not here; alertd serve needs it" in checked.output


def test_nothing_is_overwritten(folder: Path) -> None:
    """What stands there is kept and said so; the rest is written."""
    (folder / "routing.yaml").write_text("mine")
    (folder / "rules").mkdir()
    (folder / "rules" / "mine.yaml").write_text("thresholds: {cpu_utilization: 80%}")
    result = alertd("init")
    assert result.exit_code == 0
    assert (folder / "routing.yaml").read_text() == "mine"
    assert names(folder / "rules") == ["mine.yaml"]
    assert re.search(r"kept +routing\.yaml.*\nkept +rules.*\nwrote +alertmanager\.yml", result.stderr)


def test_a_fault_of_the_document_writes_nothing(folder: Path) -> None:
    """It is shown with its line and a caret under the place."""
    (folder / "p.md").write_text("```yaml\nAlert Thresholds:\n  cpu_utilization: much\n```\n")
    result = alertd("init", "--from", "p.md")
    assert result.exit_code == 1
    assert result.stderr == ("p.md:3:20: 'much' is no percentage; write one such as 70% or 99.9%\n"
                             "      cpu_utilization: much\n                       ^\nnothing was written\n")
    assert names(folder) == ["p.md"]


def test_a_folder_that_cannot_be_written_to(folder: Path) -> None:
    """Is said in a line, and nothing is left half-way."""
    (folder / "file").write_text("")
    result = alertd("init", "--rules", "file/rules")
    assert (result.exit_code, names(folder)) == (1, ["file"])
    assert "nothing was written" in result.stderr


@pytest.mark.skipif("not __import__('shutil').which('amtool')", reason="no amtool")
@pytest.mark.parametrize(("alert", "receivers"), [
    ("HighErrorRate", "alertd"), ("Watchdog", "alertd"), ("AlertdDown", "pagerduty-directly"),
    ("AlertdStoreFails", "pagerduty-directly,alertd"), ("AlertdDigestMissed", "alertd")])
def test_what_alertmanager_makes_of_its_file(folder: Path, alert: str, receivers: str) -> None:
    """By amtool: alertd decides, but for what it may be unable to tell."""
    assert "amtool accepts it" in alertd("init").stderr
    routed = subprocess.run(["amtool", "config", "routes", "test", "--config.file=alertmanager.yml",
                             f"alertname={alert}"], capture_output=True, text=True, check=True)
    assert routed.stdout.strip() == receivers


def test_what_it_could_not_use_is_on_stderr(folder: Path) -> None:
    """With its line and why; stdout has nothing."""
    result = alertd("init", "--from", DOCUMENT)
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"{DOCUMENT}:116:3: not used: Impact assessment required; approvals" in result.stderr

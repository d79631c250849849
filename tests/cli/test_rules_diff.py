"""`alertd rules diff` in a repository of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from alertd.cli.group import group

ROUTING = """\
receivers: {a: {log: {}}, b: {log: {}}}
routes: {critical: a + b, warning: a, info: a}
"""
RULES = """\
thresholds: {cpu_utilization: 70%, error_rate: 1%}
services:
  shop: {metrics: prometheus-http, selector: 'job="shop"', slos: {up: {objective: 99.9%}}}
  till: {metrics: prometheus-http, selector: 'job="till"'}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text(RULES)
    (tmp_path / "routing.yaml").write_text(ROUTING)
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", *words], check=True)
    return tmp_path


def diff(*words: str) -> Result:
    return CliRunner().invoke(group, ["rules", "diff", "--against", "HEAD", *words])


def test_nothing_changed(folder: Path) -> None:
    """No word on stdout, one line on stderr."""
    result = diff()
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "nothing changed since HEAD\n")


def test_every_kind_of_change_is_said(folder: Path) -> None:
    """Thresholds, services, objectives, and the routes of the alerts that remain."""
    (folder / "rules" / "a.yaml").write_text(
        RULES.replace("70%", "[{above: 80%, for: 5m, severity: critical}]").replace("99.9%", "99.5%, window: 28d")
        .replace("  till: {metrics: prometheus-http, selector: 'job=\"till\"'}\n", ""))
    (folder / "routing.yaml").write_text(ROUTING.replace("warning: a", "warning: b"))
    said = diff().stdout.splitlines()
    assert "  cpu_utilization: 70% → 80% for 5m critical" in said
    assert "  till: no longer watched" in said
    assert "  shop up: 99.9% over 30d → 99.5% over 28d" in said
    assert "  HighCPUUtilization: severity warning → critical; for 15m → 5m; limit 0.7 → 0.8" in said
    assert "  HighErrorRate (till): removed (was critical)" in said
    assert "  HighCPUUtilization: a → a + b" in said
    assert [line for line in said if not line.startswith(" ")] == ["Thresholds", "Services", "SLOs", "Alerts", "Routes"]


def test_markdown_for_a_pull_request(folder: Path) -> None:
    """Headings and a list; underscores are escaped."""
    (folder / "rules" / "a.yaml").write_text(RULES.replace("70%", "80%"))
    assert diff("--format", "markdown").stdout.startswith("### Thresholds\n\n- **cpu\\_utilization**: 70% → 80%\n")


def test_rules_that_are_new_are_compared_with_nothing(folder: Path) -> None:
    """A folder that the revision does not have is all new."""
    (folder / "rules").rename(folder / "other")
    said = diff("--rules", "other").stdout
    assert "  error_rate: new, 1%\n" in said
    assert "  shop: new\n" in said


@pytest.mark.parametrize("revision", ["nowhere", "--output=x", ""])
def test_a_revision_git_does_not_know_is_usage(folder: Path, revision: str) -> None:
    """Told as usage, whatever it looks like."""
    result = CliRunner().invoke(group, ["rules", "diff", f"--against={revision}"])
    assert result.exit_code == 2
    assert not (folder / "x").exists()


def test_bad_input_is_1(folder: Path) -> None:
    """With the place in the file."""
    (folder / "rules" / "a.yaml").write_text("thresholds: {cpu: 1%}\n")
    result = diff()
    assert result.exit_code == 1
    assert "a.yaml:1:14: unknown key 'cpu'" in result.stderr


@pytest.mark.parametrize(("slices", "words"), [
    ("condition: 'depth < 10'", ", in slices of 1m with depth < 10"),
    ("slice: 5m, fresh: {metric: seen, within: 26h}", ", in slices of 5m with seen at most 1d2h old"),
    ("slice_target: 95%", ", in slices of 1m, each with 95% good")])
def test_slices_are_said(folder: Path, slices: str, words: str) -> None:
    """That time is counted in place of events, and when a slice is good."""
    (folder / "rules" / "a.yaml").write_text(RULES.replace("99.9%", f"99.9%, method: timeslices, {slices}"))
    assert f"  shop up: 99.9% over 30d → 99.9% over 30d{words}" in diff().stdout.splitlines()

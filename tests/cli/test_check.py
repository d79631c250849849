"""`alertd check`: its formats and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from alertd.cli import _report
from alertd.cli.group import group
from alertd.errors import Finding

GOOD = """\
receivers: {a: {slack: {channel: "#a", token_file: t}}}
routes: {critical: a, warning: a, info: a}
"""
BAD = GOOD.replace("info: a", "info: á")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "routing.yaml").write_text(GOOD, encoding="utf-8")
    return tmp_path


def check(*arguments: str) -> Result:
    return CliRunner().invoke(group, ["check", *arguments])


def test_remarks_leave_it_clean(folder: Path) -> None:
    """A missing secret is a remark: shown, and the exit code is 0."""
    result = check()
    assert result.exit_code == 0
    assert result.stdout.startswith("routing.yaml:1:40: remark: the secret file t is not here; alertd serve needs it\n")
    assert result.stderr == "routing.yaml: 1 remark\n"


def test_nothing_to_say(folder: Path) -> None:
    """With its secret in place there is no output, one line on stderr, and 0."""
    (folder / "t").write_text("xoxb-1")
    result = check()
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "routing.yaml: no findings\n")


def test_text_points_at_the_place(folder: Path) -> None:
    """Below the sentence stands the line of the file, and a caret under the column; the exit code is 1."""
    (folder / "other.yaml").write_text(BAD, encoding="utf-8")
    result = check("--config", "other.yaml")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[3:] == [
        "other.yaml:2:41: unknown receiver 'á'; known are a",
        "    routes: {critical: a, warning: a, info: á}",
        "                                            ^"]
    assert result.stderr == "other.yaml: 1 error, 1 remark\n"


def test_json_is_stable(folder: Path) -> None:
    """The whole form of one finding, with counts and a version."""
    (folder / "routing.yaml").write_text(BAD, encoding="utf-8")
    (folder / "t").write_text("x")
    result = check("--format", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"version": 1, "errors": 1, "remarks": 0, "findings": [
        {"file": "routing.yaml", "line": 2, "column": 41, "level": "error", "id": "unknown-receiver",
         "what": "unknown receiver 'á'", "fix": "known are a"}]}


def test_a_missing_file_is_a_finding(folder: Path) -> None:
    """No routing.yaml: one finding about the file as a whole."""
    result = check("--config", "gone.yaml")
    assert (result.exit_code, result.stdout) == (1, "gone.yaml: no such file\n")


@pytest.mark.parametrize("arguments", [("--format", "xml"), ("--rules", "gone"), ("routing.yaml",)])
def test_wrong_use_is_two(folder: Path, arguments: tuple[str, ...]) -> None:
    """An unknown format, a rules folder that is not there, a stray word: usage, exit code 2."""
    assert check(*arguments).exit_code == 2


def test_github_escapes_what_would_end_the_command() -> None:
    """Line ends and % are escaped everywhere, colon and comma in properties too; a remark is a notice."""
    findings = [Finding("a,b:c%.yaml", 3, 7, "100% wrong\nreally", "mend, it", "x:y"),
                Finding("f", 0, 0, "look", level="remark", id="z")]
    assert _report.github(findings) == (
        "::error file=a%2Cb%3Ac%25.yaml,line=3,col=7,title=x%3Ay::100%25 wrong%0Areally; mend, it\n"
        "::notice file=f,title=z::look\n")


def test_sarif_names_rules_and_places() -> None:
    """SARIF 2.1.0: each id is a rule, remarks are notes, paths are addresses, a whole file has no region."""
    findings = [Finding("my rules/a.yaml", 3, 7, "wrong", "mend", "bad-thing"),
                Finding("/abs/f", 0, 0, "look", level="remark", id="also")]
    run = json.loads(_report.sarif(findings))["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["also", "bad-thing"]
    assert run["results"] == [
        {"ruleId": "bad-thing", "level": "error", "message": {"text": "wrong; mend"}, "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": "my%20rules/a.yaml"},
                                  "region": {"startLine": 3, "startColumn": 7}}}]},
        {"ruleId": "also", "level": "note", "message": {"text": "look"}, "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": "file:///abs/f"}}}]}]


def test_the_caret_stands_right_after_tabs(tmp_path: Path) -> None:
    """A tab before the place is shown as spaces, and the caret moves with it."""
    file = tmp_path / "f"
    file.write_text("a\tb\n")
    assert _report.text([Finding(str(file), 1, 3, "here")]).splitlines()[1:] == ["    a   b", "        ^"]


def test_a_finding_past_the_end_has_no_source_line(tmp_path: Path) -> None:
    """YAML may end one line after the last; then there is nothing to show."""
    (tmp_path / "f").write_text("a: [\n")
    assert _report.text([Finding(str(tmp_path / "f"), 2, 1, "open")]) == f"{tmp_path / 'f'}:2:1: open\n"


HAND_WRITTEN = """\
groups:
  - name: by hand
    rules:
      - alert: Never
        expr: |
          sum by (job) (up) ==
          sum by (instance) up{
        labels: {severity: info}
        annotations: {summary: never}
      - alert: Old
        expr: up offset 20d == 0
        labels: {severity: info}
        annotations: {summary: old}
"""


def test_hand_written_rules_need_no_routing(folder: Path) -> None:
    """Rule files alone can be checked; both parsers' complaint of one expression is one finding."""
    (folder / "routing.yaml").unlink()
    (folder / "by-hand.yaml").write_text(HAND_WRITTEN)
    result = check("--prometheus-rules", "by-hand.yaml", "--retention", "15d", "--format", "json")
    assert result.exit_code == 1
    found = [(each["id"], each["line"]) for each in json.loads(result.stdout)["findings"]]
    assert sorted(found) in ([("promtool", 7), ("range-over-retention", 11)],
                             [("promql-syntax", 6), ("range-over-retention", 11)])  # without promtool


def test_a_presets_expression_is_linted(folder: Path) -> None:
    """PromQL that a preset of one's own holds is checked where it stands."""
    (folder / "rules" / "presets").mkdir(parents=True)
    (folder / "rules" / "a.yaml").write_text("thresholds: {error_rate: 1%}\n")
    (folder / "rules" / "presets" / "vm.yaml").write_text(
        "utilization:\n  cpu_utilization:\n    expression: rate(busy[1m]\n    window: 1m\n"
        "    cases: {one: [{metric: busy, per_second: 1}]}\n")
    assert "rules/presets/vm.yaml:3:17: expression 'cpu_utilization' does not parse" in check().stdout


def test_generated_rules_are_clean(folder: Path) -> None:
    """What alertd writes itself, no lint complains of."""
    (folder / "rules").mkdir()
    (folder / "rules" / "a.yaml").write_text("""
thresholds: {cpu_utilization: 70%, memory_utilization: 75%, error_rate: 0.5%, response_time: 1s}
services: {shop: {metrics: prometheus-http, selector: 'job="shop"', slos: {availability: {objective: 99.9%}}}}
""")
    CliRunner().invoke(group, ["rules", "build"])
    result = check("--retention", "90d", "--scrape-interval", "30s")
    assert result.stderr == "routing.yaml: 1 remark\n"


def test_a_server_that_is_not_there_is_said(folder: Path) -> None:
    """A named Prometheus that does not answer is 3, not a clean bill."""
    result = check("--prometheus", "http://127.0.0.1:9")
    assert result.exit_code == 3
    assert "http://127.0.0.1:9 gave no answer" in result.stderr


@pytest.mark.parametrize("words", [("--retention", "soon"), ("--prometheus-rules", "absent.yaml"), ("--format", "xml")])
def test_usage_is_2(folder: Path, words: tuple[str, str]) -> None:
    """What is no option's value is told as usage."""
    assert check(*words).exit_code == 2

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from alertd.cli.rules import command
from alertd.rulegen.emit import MARK

TEXT = """
thresholds: {cpu_utilization: 70%}
services: {shop: {metrics: prometheus-http, selector: 'job="shop"'}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text(TEXT)
    return tmp_path / "rules"


def alertd(*words: str | Path) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words])


def test_build_then_test(folder: Path) -> None:
    """What is built passes promtool."""
    assert alertd("build", "--rules", folder).exit_code == 0
    result = alertd("test", "--rules", folder)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "2 rule files, all valid; 2 of 2 test files passed" in result.stderr


def test_check_prints_what_would_change_and_writes_nothing(folder: Path) -> None:
    """Stale is 1 with a diff on stdout, current is 0 with nothing."""
    result = alertd("build", "--check", "--rules", folder)
    assert result.exit_code == 1
    assert "+++ b/nodes.rules.yaml" in result.stdout
    assert not (folder / "generated").exists()
    alertd("build", "--rules", folder)
    current = alertd("build", "--check", "--rules", folder)
    assert (current.exit_code, current.stdout) == (0, "")


def test_a_hand_edited_file_is_stale_and_mended(folder: Path) -> None:
    """An edit in a generated file is shown, and undone by a build."""
    alertd("build", "--rules", folder)
    rules = folder / "generated" / "nodes.rules.yaml"
    rules.write_text(rules.read_text().replace("> 0.7", "> 0.9"))
    assert "-      ) > 0.9\n+      ) > 0.7\n" in alertd("build", "--check", "--rules", folder).stdout
    assert alertd("build", "--rules", folder).exit_code == 0
    assert "> 0.7" in rules.read_text()


def test_remarks_on_an_objective_are_said(folder: Path) -> None:
    """What a build changed of the table of burn rates is told with its place, and is no fault."""
    (folder / "a.yaml").write_text(TEXT.replace("}}", ", slos: {availability: {objective: 90%}}}}"))
    result = alertd("build", "--rules", folder)
    assert result.exit_code == 0
    assert "the fast tier tells from 90% bad events on (burn rate 9): by the table it could never fire at 90%" in (
        result.stderr)


def test_bad_input_is_told_and_leaves_the_old_files(folder: Path) -> None:
    """One line with its place, status 1, and no file touched."""
    alertd("build", "--rules", folder)
    before = {path: path.read_bytes() for path in (folder / "generated").glob("*.yaml")}
    (folder / "a.yaml").write_text("thresholds:\n  cpu_utilization: 70")
    result = alertd("build", "--rules", folder)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [f"{folder}/a.yaml:2:20: 70 has no unit; write 70%"]
    assert {path: path.read_bytes() for path in (folder / "generated").glob("*.yaml")} == before


def test_a_failing_rule_fails_the_command(folder: Path) -> None:
    """promtool's own words, and status 1."""
    alertd("build", "--rules", folder)
    rules = folder / "generated" / "nodes.rules.yaml"
    rules.write_text(rules.read_text().replace("> 0.7", "> 0.9"))
    result = alertd("test", "--rules", folder)
    assert result.exit_code == 1
    assert "HighCPUUtilization" in result.stderr
    assert "2 rule files, all valid; 1 of 2 test files passed" in result.stderr


def test_a_rule_that_is_none_fails_the_command(folder: Path) -> None:
    """A file Prometheus would refuse is told as such, beside its failing test."""
    alertd("build", "--rules", folder)
    rules = folder / "generated" / "nodes.rules.yaml"
    rules.write_text(rules.read_text().replace("> 0.7", "> > 0.7"))
    result = alertd("test", "--rules", folder)
    assert result.exit_code == 1
    assert "2 rule files, not all are valid; 1 of 2 test files passed" in result.stderr


def test_without_promtool(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status 3 and where promtool comes from."""
    monkeypatch.setenv("PATH", "/nowhere")
    result = alertd("test", "--rules", folder)
    assert result.exit_code == 3
    assert "promtool is not on PATH" in result.stderr


def test_nothing_to_test_is_no_success(folder: Path) -> None:
    """A test run before any build does not pass."""
    result = alertd("test", "--rules", folder)
    assert result.exit_code == 1
    assert "run `alertd rules build` first" in result.stderr


@pytest.mark.parametrize("words", [("build", "--rules", "nowhere"), ("build", "--nonsense"), ("nonsense",)])
def test_usage(words: tuple[str, ...]) -> None:
    """A folder that is not there and an unknown option are usage: 2."""
    assert alertd(*words).exit_code == 2


def test_prometheusrules_stand_beside_the_plain_files(folder: Path) -> None:
    """The format is kept by the next build and by --check, until another is asked for."""
    alertd("build", "--rules", folder, "--format", "prometheusrule")
    made = {path.name for path in (folder / "generated").iterdir()}
    assert {"nodes.rules.yaml", "nodes.test.yaml", "nodes.prometheusrule.yaml"} <= made
    assert alertd("build", "--check", "--rules", folder).exit_code == 0
    assert alertd("test", "--rules", folder).exit_code == 0
    alertd("build", "--rules", folder, "--format", "prometheus")
    assert not list((folder / "generated").glob("*.prometheusrule.yaml"))


def test_bytes_are_the_same_each_time(folder: Path, tmp_path: Path) -> None:
    """Built twice, in two places, not one byte differs."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.yaml").write_text(TEXT)
    for place in (folder, other):
        alertd("build", "--rules", place, "--format", "prometheusrule")
    sets = [{path.name: path.read_bytes() for path in (place / "generated").rglob("*.*")} for place in (folder, other)]
    assert sets[0] == sets[1]


def test_a_service_that_left_takes_its_files_along(folder: Path) -> None:
    """Removed from rules/, removed from generated/."""
    more = "thresholds: {error_rate: 1%}\nservices:\n"
    service = "  {}: {{metrics: prometheus-http, selector: 'job=\"{}\"'}}\n"
    (folder / "a.yaml").write_text(more + service.format("shop", "shop") + service.format("till", "till"))
    alertd("build", "--rules", folder, "--format", "prometheusrule")
    assert len(list((folder / "generated").glob("till.*"))) == 3
    (folder / "a.yaml").write_text(more + service.format("shop", "shop"))
    alertd("build", "--rules", folder)
    assert not list((folder / "generated").glob("till.*"))


BAD = {
    "a 100 % objective": (TEXT.replace("}}", ", slos: {availability: {objective: 100%}}}}"), "a.yaml:3:",
                          "allows no failure"),
    "an unknown preset": (TEXT.replace("prometheus-http", "prometheus-htp"), "a.yaml:3:", "did you mean"),
    "a name given twice": (TEXT + "thresholds: {cpu_utilization: 80%}\n", "a.yaml:4:1", "is given twice"),
    "50 MB": ("#" * 50_000_000, "a.yaml", "is larger than 5 MB"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_error_with_its_place(folder: Path, what: str) -> None:
    """One line says where and what; the exit code is 1, and what was built before stays as it was."""
    alertd("build", "--rules", folder)
    before = {path: path.read_bytes() for path in (folder / "generated").rglob("*.*")}
    text, place, why = BAD[what]
    (folder / "a.yaml").write_text(text)
    result = alertd("build", "--rules", folder)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert place in result.stderr
    assert why in result.stderr
    assert {path: path.read_bytes() for path in (folder / "generated").rglob("*.*")} == before


def test_promql_that_does_not_parse_is_refused(folder: Path) -> None:
    """In a preset of one's own: told with its place, and nothing is written."""
    (folder / "presets").mkdir()
    (folder / "presets" / "vm.yaml").write_text(
        "utilization:\n  cpu_utilization:\n    expression: rate(busy[1m]\n    window: 1m\n"
        "    cases: {one: [{metric: busy, per_second: 1}]}\n")
    result = alertd("build", "--rules", folder)
    assert result.exit_code == 1
    assert "vm.yaml:3:17: expression 'cpu_utilization' does not parse: unclosed left parenthesis" in result.stderr
    assert not (folder / "generated").exists()


def test_progress_is_shown_to_a_terminal(folder: Path) -> None:
    """On a terminal a bar counts the runs of promtool; in a pipe there is none."""
    alertd("build", "--rules", folder)
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    run = subprocess.run([sys.executable, "-m", "alertd", "rules", "test", "--rules", str(folder)], stderr=theirs,
                         stdout=subprocess.PIPE, env=environment, check=False)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert run.returncode == 0
    assert "3/3" in shown
    assert "promtool" not in alertd("test", "--rules", folder).stderr


SLO_RULES = f"""# {MARK}
groups:
- name: g
  interval: 30s
  rules:
  - {{record: 'slo:a:b', expr: 'sum(rate(x[5m]))', labels: {{service: shop, slo: availability}}}}
"""


def test_the_cost_of_an_slo_is_told_and_limited(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table on stdout; over the limit nothing is written, and the SLO is named."""
    monkeypatch.setattr("alertd.rulegen.each", lambda _, version: iter([("shop.rules.yaml", SLO_RULES)]))
    told = alertd("build", "--rules", folder, "--cost", "--series", "30", "--cost-limit", "10")
    assert told.exit_code == 0
    assert told.stdout.splitlines()[1].split() == ["shop", "availability", "10.0", "1"]
    (folder / "generated" / "shop.rules.yaml").unlink()
    refused = alertd("build", "--rules", folder, "--series", "31", "--cost-limit", "10")
    assert refused.exit_code == 1
    assert "shop: the SLO 'availability' would read 10.3 samples a second, over the limit of 10" in refused.stderr
    assert not (folder / "generated" / "shop.rules.yaml").exists()


def test_the_version_is_remembered(folder: Path) -> None:
    """Built once for Prometheus 3, the set stays so, and is current as it is; said again it goes back."""
    rules = folder / "generated" / "nodes.rules.yaml"
    alertd("build", "--rules", folder)
    plain = rules.read_text()
    assert alertd("build", "--prometheus-version", "v3.5.0", "--rules", folder).exit_code == 0
    assert rules.read_text().startswith(f"# {MARK} from a.yaml for Prometheus 3.5; do not edit.\n")
    assert alertd("build", "--check", "--rules", folder).exit_code == 0
    assert alertd("build", "--prometheus-version", "2.42", "--rules", folder).exit_code == 0
    assert rules.read_text() == plain


@pytest.mark.parametrize(("written", "said"), [("2.41", "is too old; the rules need 2.42"), ("x", "is no version")])
def test_a_version_it_does_not_know_is_refused(folder: Path, written: str, said: str) -> None:
    """As wrong usage, with what to write."""
    result = alertd("build", "--prometheus-version", written, "--rules", folder)
    assert result.exit_code == 2
    assert said in result.stderr

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from alertd.cli.rules import command

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

"""The GitHub Action and the pre-commit hooks, in somebody else's repository: run as GitHub and pre-commit would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
ROUTING = """
receivers: {team: {log: {}}, digest: {digest: {at: "08:00", log: {}}}}
routes: {critical: team, warning: team, info: digest}
"""
RULES = "thresholds: {cpu_utilization: 70%}\n"
# What the runner makes of the expressions of action.yml; a pull request of number 7.
GIVEN = {"github.action_path": str(ROOT), "github.event.pull_request.number": "7", "github.token": "t0ken"}
GH = """#!/bin/sh
echo "$@" >> "$GH_CALLS"
case "$*" in
    *--paginate*) [ -z "$GH_REFUSES" ] || exit 1; [ -z "$GH_HAS" ] || echo "$GH_HAS" ;;
    *body=@*) cp "${*##*body=@}" "$GH_CALLS.body" ;;
esac
"""


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *words], cwd=folder,
                          check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A commit with everything current."""
    folder = tmp_path / "repository"
    (folder / "rules").mkdir(parents=True)
    (folder / "routing.yaml").write_text(ROUTING)
    (folder / "rules" / "a.yaml").write_text(RULES)
    subprocess.run([BIN / "alertd", "rules", "build"], cwd=folder, check=True, capture_output=True)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "a")
    return folder


class Runner:
    """Runs the steps of action.yml but the one that installs: alertd stands where that would have put it."""

    def __init__(self, folder: Path, repository: Path) -> None:
        self.repository, self.temporary = repository, folder / "runner"
        (self.temporary / "alertd" / "bin").mkdir(parents=True)
        (self.temporary / "alertd" / "bin" / "alertd").symlink_to(BIN / "alertd")
        (folder / "gh").mkdir()
        (folder / "gh" / "gh").write_text(GH)
        (folder / "gh" / "gh").chmod(0o755)
        self.summary, self.calls = folder / "summary.md", folder / "calls"
        self.environment = {
            "PATH": f"{folder / 'gh'}:{os.environ['PATH']}", "HOME": str(folder), "RUNNER_TEMP": str(self.temporary),
            "GITHUB_STEP_SUMMARY": str(self.summary), "GITHUB_REPOSITORY": "shop/watch", "GH_CALLS": str(self.calls)}

    def report(self, **inputs: str) -> subprocess.CompletedProcess[str]:
        """The step that says what changes, alone."""
        return self.run(("Say what changes",), **inputs)["Say what changes"]

    def run(self, only: tuple[str, ...] = (), **inputs: str) -> dict[str, subprocess.CompletedProcess[str]]:
        action = yaml.safe_load((ROOT / "action.yml").read_text())
        values = GIVEN | {f"inputs.{name}": filled(one["default"], GIVEN) for name, one in action["inputs"].items()}
        values |= {f"inputs.{name}": value for name, value in inputs.items()}
        steps = [step for step in action["runs"]["steps"]
                 if step["name"] in only or (not only and step["name"] != "Install alertd")]
        return {step["name"]: subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", step["run"]], cwd=self.repository, capture_output=True, text=True,
            check=False, timeout=60, env=self.environment | {
                name: filled(value, values) for name, value in step["env"].items()}) for step in steps}


def filled(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda found: values.get(found[1], ""), text)


@pytest.fixture
def runner(tmp_path: Path, repository: Path) -> Runner:
    return Runner(tmp_path, repository)


def test_what_is_current_passes(runner: Runner) -> None:
    """And a change of nothing is said to be one."""
    done = runner.run(against="HEAD")
    assert [step.returncode for step in done.values()] == [0, 0, 0]
    assert "::error" not in done["Find faults"].stdout
    assert done["See that generated files are current"].stdout == ""
    assert "No change of rules or routes." in runner.summary.read_text()


def test_what_is_stale_fails_with_its_diff(runner: Runner) -> None:
    """Shown at the file by GitHub, as a diff in the log, and in words in a comment of the pull request."""
    (runner.repository / "rules" / "a.yaml").write_text(RULES.replace("70%", "80%"))
    done = runner.run(against="HEAD")
    assert [step.returncode for step in done.values()] == [1, 1, 0]
    assert "::error file=rules/generated/nodes.rules.yaml,title=stale::" in done["Find faults"].stdout
    assert "+      ) > 0.8" in done["See that generated files are current"].stdout
    assert "**HighCPUUtilization**: limit 0.7 → 0.8" in runner.summary.read_text()
    *_, last = runner.calls.read_text().splitlines()
    assert "--method POST repos/shop/watch/issues/7/comments -F body=@" in last


def test_a_comment_is_kept_current(runner: Runner) -> None:
    """The second push changes the comment of the first."""
    runner.environment["GH_HAS"] = "4711"
    runner.report(against="HEAD")
    *_, last = runner.calls.read_text().splitlines()
    assert "--method PATCH repos/shop/watch/issues/comments/4711 -F body=@" in last


def test_a_token_that_may_not_write_is_no_failure(runner: Runner) -> None:
    """A fork's has no permission: the summary has it all the same."""
    runner.environment["GH_REFUSES"] = "yes"
    step = runner.report(against="HEAD")
    assert (step.returncode, step.stdout.startswith("::warning title=alertd::no comment could be written")) == (0, True)
    assert runner.summary.read_text()


def test_a_report_too_long_for_a_comment_is_cut(runner: Runner) -> None:
    """At a whole letter, and says where all of it is; GitHub takes 65,536 characters."""
    alertd = runner.temporary / "alertd" / "bin" / "alertd"
    alertd.unlink()
    alertd.write_text(f"#!/bin/sh\n{sys.executable} -c 'print(\"→\" * 70000)'\n")
    alertd.chmod(0o755)
    assert runner.report(against="HEAD").returncode == 0
    comment = Path(f"{runner.calls}.body").read_text()
    assert comment.startswith("<!-- alertd: what this change means -->")
    assert comment.endswith("→\n\n…cut here; all of it is in the summary of the job.\n")
    assert len(comment) < 65_536
    assert runner.summary.read_text().count("→") == 70_000


def test_a_prometheus_that_does_not_answer_is_said(runner: Runner) -> None:
    """In the comment, beside what could be said without it."""
    runner.report(against="HEAD", prometheus="http://127.0.0.1:1", comment="false")
    report = runner.summary.read_text()
    assert "No change of rules or routes." in report
    assert "`alertd rules backtest` could not say it:" in report
    assert "    http://127.0.0.1:1" in report
    assert not runner.calls.exists()


def test_a_revision_that_was_not_checked_out_is_fetched(runner: Runner, tmp_path: Path) -> None:
    """GitHub's checkout has one commit unless told otherwise."""
    (runner.repository / "rules" / "a.yaml").write_text(RULES.replace("70%", "80%"))
    git(runner.repository, "commit", "-qam", "b")
    base = git(runner.repository, "rev-parse", "HEAD~1")
    git(runner.repository, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{runner.repository}", "shallow")
    runner.repository = tmp_path / "shallow"
    assert runner.report(against=base).returncode == 0
    assert "70% → 80%" in runner.summary.read_text()


def pre_commit(repository: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The hooks as they are published, but for being installed: alertd is already there."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    config = {"repos": [{"repo": "local", "hooks": [hook | {"language": "system"} for hook in hooks]}]}
    (repository / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    git(repository, "add", "-A")
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "PRE_COMMIT_HOME": str(repository.parent / "p")}
    return subprocess.run([BIN / "pre-commit", "run", *words], cwd=repository, capture_output=True, text=True,
                          check=False, timeout=60, env=environment)


def test_the_hooks_pass_what_is_current(repository: Path) -> None:
    """Both run, and say nothing."""
    done = pre_commit(repository, "--all-files")
    assert (done.returncode, done.stdout.count("Passed")) == (0, 2), done.stdout


def test_the_hooks_refuse_what_is_stale(repository: Path) -> None:
    """With the diff of what a build would change."""
    (repository / "rules" / "a.yaml").write_text(RULES.replace("70%", "80%"))
    done = pre_commit(repository)
    assert (done.returncode, done.stdout.count("Failed")) == (1, 2)
    assert "+      ) > 0.8" in done.stdout


def test_the_hooks_leave_other_changes_alone(repository: Path) -> None:
    """A commit that touches neither routing.yaml nor rules/ waits for nothing."""
    (repository / "README.md").write_text("# a\n")
    done = pre_commit(repository)
    assert (done.returncode, done.stdout.count("Skipped")) == (0, 2)


def test_the_documented_workflow_is_one(tmp_path: Path) -> None:
    """What one copies is a workflow by GitHub's schema, in which the lint of its security finds nothing."""
    text = re.search(r"```yaml\n(name: watch.*?)```", (ROOT / "docs" / "in-git.md").read_text(), re.DOTALL)
    assert text
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    file = tmp_path / ".github" / "workflows" / "watch.yml"
    file.write_text(text[1].replace("OWNER/alertd@COMMIT", f"owner/alertd@{'0' * 40}"))
    for words in (["check-jsonschema", "--builtin-schema", "vendor.github-workflows"], ["zizmor", "--offline"]):
        done = subprocess.run([BIN / words[0], *words[1:], file], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_documented_inputs_are_those_of_the_action() -> None:
    """No more, no fewer."""
    written = re.search(r"\| input \| meaning \|\n(.*?)\n\n", (ROOT / "docs" / "in-git.md").read_text(), re.DOTALL)
    assert written
    named = {name for row in written[1].splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named == yaml.safe_load((ROOT / "action.yml").read_text())["inputs"].keys()


@pytest.mark.parametrize("words", [
    ["check-jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml"],
    ["zizmor", "--offline", "--quiet", "action.yml"],
    ["pre-commit", "validate-manifest", ".pre-commit-hooks.yaml"],
], ids=lambda words: words[0])
def test_their_makers_linters_find_nothing(words: list[str]) -> None:
    """GitHub's schema of actions, the lint of their security, pre-commit's own check."""
    done = subprocess.run([BIN / words[0], *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from alertd.config import promises, rules_file
from alertd.errors import BadInput

RULES = Path(__file__).parents[2] / "rules"


def test_another_process_says_what_this_one_would() -> None:
    """Every objective that is declared is promised, with its target and window."""
    declared = rules_file.load(RULES).declared
    said = promises.read_apart(RULES)
    assert [(one.service, one.slo) for one in said] == [
        (service.name, slo.name) for service in declared.services for slo in service.objectives]
    assert {one.objective for one in said} == {"0.999", "0.95"}


def test_what_is_needed_to_read_does_not_stay() -> None:
    """Neither the rule writer nor the parser of PromQL is in the memory of who asked."""
    asked = ("import sys, pathlib\nfrom alertd.config import promises\n"
             "assert promises.read_apart(pathlib.Path(sys.argv[1]))\n"
             "print(sorted({'alertd.rulegen', 'alertd.config.rules_file', 'promql_parser'} & set(sys.modules)))")
    run = subprocess.run([sys.executable, "-c", asked, RULES], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_faults_come_back_with_their_places(tmp_path: Path) -> None:
    """As `alertd check` says them."""
    (tmp_path / "a.yaml").write_text("services:\n  shop: {presets: [node_exporter], slos: {up: {objective: 100 %}}}\n")
    with pytest.raises(BadInput) as here:
        rules_file.load(tmp_path)
    with pytest.raises(BadInput) as apart:
        promises.read_apart(tmp_path)
    assert apart.value.findings == here.value.findings


def test_a_process_that_breaks_is_a_fault_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that cannot start, and one that dies: both say so, so that a reload is refused and alerts are told."""
    for python in (str(tmp_path / "none"), "/bin/false"):
        monkeypatch.setattr(sys, "executable", python)
        with pytest.raises(BadInput, match="broke"):
            promises.read_apart(tmp_path)

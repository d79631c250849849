"""Every guardrail that comes with alertd, proved by promtool in few calls."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from alertd import expressions
from alertd.config import preset_file, rules_file
from alertd.engine.metrics import Metrics
from tests.rulegen.rules_made import generated

ROOT = Path(__file__).parents[2]
PRESETS = preset_file.load(Path("none"))[0]
GUARDRAILS = {name: guardrail for preset in PRESETS.values() for name, guardrail in preset.guardrails.items()}
PRODUCTION = (ROOT / "rules" / "production.yaml").read_text(encoding="utf-8")


def failed(tests: list[Path]) -> set[str]:
    """Those of the test files that promtool finds failing, in one call."""
    run = subprocess.run(["promtool", "test", "rules", *tests], capture_output=True, text=True, check=False)
    parts = re.split(r"^Unit Testing: +", run.stdout + run.stderr, flags=re.MULTILINE)[1:]
    # What is right is told on one channel and what is wrong on the other: a file of which none says SUCCESS failed.
    return {part.split()[0] for part in parts if "SUCCESS" not in part}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is generated of every guardrail, with the limits of production."""
    found = tmp_path_factory.mktemp("guardrails")
    generated(found, PRODUCTION)
    return found / "generated"


def test_production_watches_every_guardrail() -> None:
    """None is left without its limit, so that the tests below are of all."""
    declared = rules_file.load(ROOT / "rules").declared
    assert {each.name for each in declared.guardrails} == set(GUARDRAILS)


def test_every_guardrail_fires_just_over_and_is_silent_just_inside(folder: Path) -> None:
    """And a minute before its time, and says so where what it needs is missing: promtool runs the generated tests."""
    tests = sorted(folder.glob("guardrail-*.test.yaml"))
    assert {test.name for test in tests} == {f"guardrail-{name}.test.yaml" for name in GUARDRAILS}
    assert failed(tests) == set()


def test_every_metric_of_its_own_is_exported() -> None:
    """What the preset `alertd` asks for is what a daemon shows."""
    registry = Metrics().registry.collect()
    exported = {f"{family.name}_total" if family.type == "counter" else family.name for family in registry}
    named = {selector.metric for name, guardrail in PRESETS["alertd"].guardrails.items()
             for selector in expressions.selectors(expressions.parse(guardrail.measure.replace("$where", "")))}
    assert named - exported == {"up"}
    assert len(named) > 12


def test_every_page_says_what_to_do() -> None:
    """A meaning, a way of measuring, and first steps that name a command where there is one."""
    for name, guardrail in GUARDRAILS.items():
        assert guardrail.meaning.endswith("."), name
        assert guardrail.measured.endswith("."), name
        assert guardrail.first, name


def test_what_is_about_alertd_names_its_commands() -> None:
    """Each page of its own alerts begins to help where one stands."""
    own = list(PRESETS["alertd"].guardrails.values())
    assert all("`" in " ".join(guardrail.first) for guardrail in own)
    assert sum("`alertd " in " ".join(guardrail.first) for guardrail in own) >= 12

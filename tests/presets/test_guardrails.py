"""Every guardrail that comes with alertd, proved by promtool in few calls."""

from __future__ import annotations

import itertools
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from alertd import expressions
from alertd.config import preset_file, rules_file
from alertd.engine.metrics import Metrics
from tests.rulegen import mutants
from tests.rulegen.rules_made import generated

ROOT = Path(__file__).parents[2]
PRESETS = preset_file.load(Path("none"))[0]
GUARDRAILS = {name: guardrail for preset in PRESETS.values() for name, guardrail in preset.guardrails.items()}
PRODUCTION = (ROOT / "rules" / "production.yaml").read_text(encoding="utf-8")
SAMPLE = 41  # of how many mutants one is tried here; `make chaos` tries all


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


@pytest.mark.parametrize("every", [SAMPLE, pytest.param(1, marks=[pytest.mark.chaos, pytest.mark.timeout(3600)])])
def test_a_change_of_a_rule_fails_its_test(folder: Path, tmp_path: Path, every: int) -> None:
    """Limits, times, labels, texts and parts of expressions: none can change without its generated test noticing."""
    tests: dict[str, str] = {}
    counted = itertools.count()
    for name in sorted(GUARDRAILS):
        rules = (folder / f"guardrail-{name}.rules.yaml").read_text(encoding="utf-8")
        test = yaml.safe_load((folder / f"guardrail-{name}.test.yaml").read_text(encoding="utf-8"))
        changed = [*((mutant.title, mutant.text) for mutant in mutants.mutants(rules)), *compared(rules)]
        for number, (title, text) in enumerate(changed):
            if next(counted) % every:
                continue
            place = tmp_path / f"{name}.{number}"
            place.with_suffix(f".{number}.rules.yaml").write_text(text, encoding="utf-8")
            path = place.with_suffix(f".{number}.test.yaml")
            path.write_text(yaml.safe_dump({**test, "rule_files": [f"{name}.{number}.rules.yaml"]}), encoding="utf-8")
            tests[str(path)] = f"{name}: {title}"
    assert len(tests) > 20
    survivors = tests.keys() - failed([Path(path) for path in tests])
    assert sorted(tests[path] for path in survivors if not equal(tests[path])) == []


# Changes that no test by the minute can tell, and why.
EQUAL = (
    re.compile(r"GuardrailUnknown .*' > 0"),  # a retention of 0, which no test shows: set elsewhere, so not known
    re.compile(r"(TooManyOperations|OperationsTooClose|AlertdBackupFails) .*keep_firing_for"),  # seen longer anyway
    re.compile(r"OperationsTooClose .*: 1 is "),  # counts are whole
    re.compile(r"AlertdCannotDeliver .*: 2 is |alertd_cannot_deliver: > 2 less"),  # one failure or three in ten minutes
    re.compile(r"CostsRoseTooMuch .*offset"),  # an hour's price is the same an hour before
    re.compile(r"OutsideRange .*: and is or "),  # a phase of 1 lies within some ranges
    re.compile(r"(Above|Below)Expectation .*' > 0"),  # no events make no number, which no limit compares with
)


def equal(title: str) -> bool:
    """Whether it means the same: counts are whole, times are told apart by the minute."""
    found = re.search(r": (\d+) is (\d+(?:\.\d+)?)$", title)
    return any(known.search(title) for known in EQUAL) or (
        found is not None and (abs(float(found[1]) - float(found[2])) < (60 if float(found[1]) >= 300 else 1)))


def compared(text: str) -> list[tuple[str, str]]:
    """The limits that stand at the end of a line, a little more and a little less; and which side they bound."""
    found = []
    for at in re.finditer(r"(?<=\) )([<>]) (\d+(?:\.\d+)?)$", text, re.MULTILINE):
        turned = "<" if at[1] == ">" else ">"
        for what, sign, limit in (("more", at[1], near(float(at[2]), 1)), ("less", at[1], near(float(at[2]), -1)),
                                  ("turned", turned, at[2])):
            changed = f"{text[:at.start()]}{sign} {limit}{text[at.end():]}"
            found.append((f"{at[0]} {what}", changed))
    return found


def near(limit: float, side: int) -> str:
    """Further than a test goes from a limit."""
    if limit == 0:
        return "1.5" if side > 0 else "-0.5"
    return f"{limit + side * (limit * 0.25 if limit > 100 or limit < 1 else 2):.12g}"


def test_its_own_metrics_have_the_labels_it_asks_by() -> None:
    """A condition on a label that alertd does not set would never be met."""
    labels = {name: {*collector._labelnames, "job"} for collector in list(Metrics().registry._collector_to_names)
              if hasattr(collector, "_labelnames") for name in (f"{collector._name}_total", collector._name)}
    asked = [selector for guardrail in PRESETS["alertd"].guardrails.values()
             for selector in expressions.selectors(expressions.parse(guardrail.measure.replace("$where", "")))]
    assert {selector.metric for selector in asked} - labels.keys() == {"up"}
    for selector in asked:
        assert {label for label, _, _ in selector.matchers} <= labels.get(selector.metric, {"job"}), selector


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

import itertools
import subprocess
from pathlib import Path

import pytest

from tests.rulegen import mutants
from tests.rulegen.rules_made import PRODUCTION, generated

SMALL = """
services: {shop: {metrics: prometheus-http, selector: 'job="shop"', slos: {up: {objective: 99%, window: 12h}}}}
"""
FULL = PRODUCTION.replace("{metrics", "{slos: {up: {objective: 99.9%}, quick: {objective: 95%, under: 500ms}}, metrics")


def sweep(folder: Path, text: str, name: str, every: int = 1, **kinds: bool) -> tuple[int, list[str]]:
    """How many mutants of the rules of `name` were tried (every n-th), and what the survivors changed."""
    rules = generated(folder, text)[f"{name}.rules.yaml"]
    tests, path = mutants.each_test(folder / "generated", name), folder / "generated" / f"{name}.rules.yaml"
    tried, alive = 0, []
    for what, mutant in itertools.islice(mutants.mutants(rules, **kinds), 0, None, every):
        tried += 1
        if mutants.survives(tests, what, path, mutant):
            alive.append(what)
    return tried, alive


def test_a_sample_of_mutants_is_killed(tmp_path: Path) -> None:
    """Swapped windows, other limits, dropped guards, labels and texts: each fails one of the generated tests."""
    tried, alive = sweep(tmp_path, SMALL, "shop", every=23, alerts_only=True)
    assert tried >= 5
    assert alive == []


def test_a_mutant_is_a_rule_file(tmp_path: Path) -> None:
    """What is killed is killed for what it says, not for being unreadable."""
    rules = generated(tmp_path, SMALL)["shop.rules.yaml"]
    path = tmp_path / "mutant.yaml"
    for _, mutant in itertools.islice(mutants.mutants(rules, alerts_only=True), 0, None, 9):
        path.write_text(mutant, encoding="utf-8")
        run = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr


@pytest.mark.chaos
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", ["shop", "nodes"])
def test_every_mutant_is_killed(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole sweep over thresholds and objectives; the score is printed."""
    tried, alive = sweep(tmp_path, FULL, name)
    with capsys.disabled():
        print(f"\n{name}: {tried - len(alive)} of {tried} mutants killed", *alive, sep="\n  survived: ")
    assert alive == []

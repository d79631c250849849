import itertools
import subprocess
from pathlib import Path

import pytest

from tests.rulegen import mutants
from tests.rulegen.rules_made import generated

SMALL = """
services: {shop: {metrics: prometheus-http, selector: 'job="shop"', slos: {up: {objective: 99%, window: 12h}}}}
"""
ROOT = Path(__file__).parents[2]
PRODUCTION = (ROOT / "rules" / "production.yaml").read_text(encoding="utf-8")
SLICES = """
services:
  shop:
    metrics: prometheus-http
    selector: job="shop"
    slos:
      queue: {objective: 99%, window: 12h, method: timeslices, condition: depth < 1e3}
      fresh: {objective: 93%, window: 4h, method: timeslices, fresh: {metric: last_seconds, within: 26h}}
      steady: {objective: 99%, window: 4h, method: timeslices, slice_target: 99.5%}
"""


def sweep(folder: Path, text: str, name: str, every: int = 1, **kinds: bool) -> tuple[int, list[str]]:
    """How many mutants of the rules of `name` were tried (every n-th), and what the survivors changed."""
    rules = generated(folder, text)[f"{name}.rules.yaml"]
    tests, path = mutants.each_test(folder / "generated", name), folder / "generated" / f"{name}.rules.yaml"
    tried, alive = 0, []
    for mutant in itertools.islice(mutants.mutants(rules, **kinds), 0, None, every):
        tried += 1
        if mutants.survives(tests, path, mutant):
            alive.append(mutant.title)
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
    for mutant in itertools.islice(mutants.mutants(rules), 0, None, 9):
        path.write_text(mutant.text, encoding="utf-8")
        run = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr


@pytest.mark.chaos
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("text", "name"), [(PRODUCTION, "checkout"), (PRODUCTION, "nodes"), (PRODUCTION, "watchdog"),
                                            (SLICES, "shop")])
def test_every_mutant_is_killed(tmp_path: Path, text: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole sweep over the rules of production, and over objectives by slices of time; the score is printed. What
    the generated tests cannot tell is named with the reason, and told by other tests."""
    tried, alive = sweep(tmp_path, text, name)
    untold = [title for title in alive if mutants.elsewhere(title)]
    with capsys.disabled():
        print(f"\n{name}: {tried - len(alive)} of {tried} mutants killed", *alive, sep="\n  survived: ")
    assert sorted(alive) == sorted(untold)

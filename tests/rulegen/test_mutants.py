import functools
import hashlib
import itertools
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rulegen import unnoticed
from tests.rulegen.sweep import Known, Sweep

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
COMPOSITE = """
services:
  shop:
    metrics: prometheus-http
    selector: job="shop"
    slos:
      up: {objective: 99%, window: 12h}
      mail: {objective: 99%, window: 12h, events: mails_total, bad: mails_failed_total}
      both: {objective: 99%, window: 12h, of: [up, mail]}
"""
QUICK = 41  # of the small one, every so many, which are some of each kind
PARTS = 4  # of a sweep, each some minutes


def test_a_sample_of_mutants_is_killed(tmp_path: Path) -> None:
    """Swapped windows, other limits, dropped guards, halved factors, texts: each fails one of the generated tests."""
    made = Sweep.of(tmp_path, SMALL, "shop")
    score = made.score(mutant for mutant in made.mutants[::QUICK] if not unnoticed.reason(mutant))
    assert score.tried.total() >= 5
    assert [mutant.title for mutant in score.alive] == []


def test_a_mutant_is_a_rule_file(tmp_path: Path) -> None:
    """What is killed is killed for what it says, not for being unreadable."""
    path = tmp_path / "mutant.yaml"
    for mutant in Sweep.of(tmp_path, SMALL, "shop").mutants[::17]:
        path.write_text(mutant.text, encoding="utf-8")
        run = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Sweep]:
    """One for all parts of a declaration: it learns which tests tell the mutants of a rule."""
    return functools.cache(lambda text, name: Sweep.of(tmp_path_factory.mktemp(name), text, name))


@pytest.mark.chaos
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("text", "name", "part", "parts"), [
    pytest.param(text, name, part, parts, id=f"{what}-{part + 1}")
    for what, text, name, parts in (("nodes", PRODUCTION, "nodes", 1), ("watchdog", PRODUCTION, "watchdog", 1),
                                    ("production", PRODUCTION, "checkout", PARTS), ("slices", SLICES, "shop", PARTS),
                                    ("composite", COMPOSITE, "shop", PARTS))
    for part in range(parts)])
def test_every_mutant_is_killed(sweep: Callable[[str, str], Sweep], text: str, name: str, part: int, parts: int,
                                request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole sweep over the rules of production, over slices of time and over an objective made of others; the score
    is printed. What was tried is kept by pytest's cache, so that a sweep that was ended goes on where it was."""
    cache = request.config.cache
    assert cache is not None
    key = f"mutants/{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}-{part}-of-{parts}"
    known: Known = cache.get(key, {})
    made = sweep(text, name)
    chosen = [mutant for its in made.rules[part::parts] for mutant in its]
    asked = [mutant for mutant in chosen if not unnoticed.reason(mutant)]
    for _, its in itertools.groupby(asked, key=lambda mutant: mutant.rule):
        made.score(its, known)
        cache.set(key, known)
    score = made.score(asked, known)
    with capsys.disabled():
        print(f"\n{request.node.callspec.id} of {parts}, killed: {score}; {len(chosen) - len(asked)} explained",
              *(f"{mutant.kind}: {mutant.title}" for mutant in score.alive), sep="\n  survived: ")
    assert [mutant.title for mutant in score.alive] == []

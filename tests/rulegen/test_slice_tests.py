"""What the generated tests of slices of time notice."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.rulegen.rules_made import generated, promtool

SLO = """
services: {shop: {metrics: prometheus-http, selector: 'job="shop"', slos: {
  queue: {objective: 99%, window: 4h, method: timeslices, condition: depth < 1e3}}}}
"""
STEADY = SLO.replace("condition: depth < 1e3", "slice_target: 99%")
REQUESTS = 'last_over_time(http_requests_total{job="shop"}[59s999ms])'


@pytest.mark.parametrize(("text", "before", "after"), [
    (SLO, " <= Inf", ""),
    (SLO, " and on () vector((time() - 30) % 300) >= 30", ""),
    (STEADY, " offset 1m == 1)", " offset 1m)"),
    (STEADY, f" or {REQUESTS} - min_over_time", f" or 0 * {REQUESTS} - 0 * min_over_time"),
])
def test_a_guard_of_the_slices_that_is_gone_is_noticed(tmp_path: Path, text: str, before: str, after: str) -> None:
    """A gauge that shows nothing, a slice that is in a row already, a target that was down or that joined."""
    rules = generated(tmp_path, text)["shop.rules.yaml"]
    path = tmp_path / "generated" / "shop.slices.test.yaml"
    assert before in rules
    (tmp_path / "generated" / "shop.rules.yaml").write_text(rules.replace(before, after))
    run = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "slo:events:" in run.stdout + run.stderr


@pytest.mark.parametrize("declared", [SLO.replace("1e3", "1e3, slice: 5m"), SLO.replace("1e3", "1e3, by: [queue]"),
                                      STEADY.replace("slice_target", "under: 500ms, slice_target")])
def test_slices_of_every_kind_are_as_their_tests_say(tmp_path: Path, declared: str) -> None:
    """Of five minutes; of each group; of counters of what was good."""
    generated(tmp_path, declared)
    promtool("test", "rules", tmp_path / "generated" / "shop.slices.test.yaml")

"""What the generated tests of the records notice."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.rulegen.rules_made import generated, promtool

SLO = """
services: {shop: {metrics: prometheus-http, selector: 'job="shop"', slos: {up: {objective: 99%, window: 12h}}}}
"""
ROW = 'slo:events:increase5m{service="shop",slo="up"} offset -4m59s999ms'


@pytest.mark.parametrize(("before", "after", "record"), [
    (f" and on () {ROW}", "", "total"),
    (' unless resets(http_requests_total{job="shop"}[5m30s] offset 1m) > 0', "", "increase12h"),
    ('{job="shop"} offset 6m == 1', '{job="shop"} offset 6m', "increase12h"),
    ("[8h:5m]", "[7h50m:5m]", "increase12h"),
])
def test_a_guard_of_the_rows_that_is_gone_is_noticed(tmp_path: Path, before: str, after: str, record: str) -> None:
    """An evaluation that was missed, a restart, a target that was down, a long absence: each has its test."""
    rules = generated(tmp_path, SLO)["shop.rules.yaml"]
    path = tmp_path / "generated" / "shop.rows.test.yaml"
    assert before in rules
    (tmp_path / "generated" / "shop.rules.yaml").write_text(rules.replace(before, after))
    run = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert f"slo:events:{record}" in run.stdout + run.stderr


def test_slices_of_time_have_no_such_test(tmp_path: Path) -> None:
    """What an evaluation missed is not known of them."""
    files = generated(tmp_path, SLO.replace("window", "method: timeslices, slice_target: 95%, window"))
    assert "shop.rows.test.yaml" not in files
    promtool("check", "rules", tmp_path / "generated" / "shop.rules.yaml")

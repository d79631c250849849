"""Objectives on counters that the service's selector is not written beside."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rulegen.rules_made import generated, promtool

OWN = """
services:
  shop: {{metrics: prometheus-http, selector: 'job="shop"', slos: {{mails: {{objective: 99%, window: 2h, {counted}}}}}}}
"""


@pytest.mark.parametrize("counted", ['events: \'mails_total{kind="receipt"}\', good: mails_sent_total, by: region',
                                     "events: a_total, bad: b_total"])
def test_their_series_are_of_its_targets(tmp_path: Path, counted: str) -> None:
    """Born on a target that was scraped before, they begin at zero; the generated tests say so and pass."""
    generated(tmp_path, OWN.format(counted=counted))
    promtool("test", "rules", tmp_path / "generated" / "shop.slo.test.yaml")

"""Which past is filled, by which calls of promtool."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import PurePath

from alertd.model import DAY, HOUR, MINUTE
from alertd.rulegen import backfill
from alertd.rulegen.indicator import Indicator
from alertd.rulegen.rows import Tracked

NOW = 100 * DAY + 20 * MINUTE
MONTH = Tracked("shop", "up", Decimal("0.999"), 30 * DAY, Indicator(("a_total",), ("b_total",)))
WEEK = dataclasses.replace(MONTH, slo="week", window=7 * DAY)


def test_what_is_covered_is_left_alone() -> None:
    """A window whose rows are as old as it is, needs no past; a longer one does."""
    assert backfill.plans([(WEEK, NOW - 8 * DAY)], NOW) == []
    assert len(backfill.plans([(WEEK, NOW - 8 * DAY), (MONTH, NOW - 8 * DAY)], NOW)) == 1


def test_one_call_for_what_began_together() -> None:
    """Objectives with the same window and the same first slot share a call, others have their own."""
    pay = dataclasses.replace(MONTH, service="pay")
    found = backfill.plans([(MONTH, NOW - DAY), (pay, NOW - DAY + MINUTE), (WEEK, NOW - DAY)], NOW)
    assert [plan.objectives for plan in found] == [("shop week",), ("shop up", "pay up")]


def test_it_ends_where_the_rows_begin() -> None:
    """A second before the first row's slot, and waits until Prometheus has stored that."""
    plan, = backfill.plans([(MONTH, NOW - HOUR)], NOW)
    assert plan.ready == NOW - HOUR - 1000 + 3 * HOUR
    assert plan.command("http://localhost:9090", PurePath("past")) == (
        "promtool tsdb create-blocks-from --max-block-duration=2d6h rules --url=http://localhost:9090 "
        "--start=1970-03-11T23:00:00Z --end=1970-04-10T23:19:59Z --eval-interval=5m --output-dir=past/data "
        "past/30d-until-19700410T2320Z.yaml")

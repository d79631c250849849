"""The dashboard of alertd itself against a running daemon."""

from __future__ import annotations

import json
import re

from alertd import expressions
from alertd.dashboards import grafana, own
from tests.flows.processes import House


async def test_every_metric_of_the_own_dashboard_is_exported(house: House) -> None:
    """By a daemon that has just begun, too: its panels say nothing, none is missing."""
    await house.start()
    families = dict(re.findall(r"^# TYPE (\w+) (\w+)$", await house.text("/metrics"), re.MULTILINE))
    drawn = json.loads(grafana.text(own.dashboard()))
    asked = {selector.metric for panel in drawn["panels"] for target in panel.get("targets", ())
             for selector in expressions.selectors(expressions.parse(target["expr"]))}
    assert len(asked) > 25
    known = families.keys() | {f"{name}_bucket" for name, kind in families.items() if kind == "histogram"}
    assert asked - known == set()

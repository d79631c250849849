"""What of Alertmanager's configuration belongs to the rules: the slower tiers keep quiet while a faster one fires.
https://prometheus.io/docs/alerting/latest/configuration/#inhibit_rule"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from alertd.rulegen import budget, burn, promql, tiers


def rules(grouped_by: Iterable[str]) -> list[dict[str, Any]]:
    """The inhibit_rules. `grouped_by` are the labels of all objectives that hold per label: both alerts must agree on
    them, or lack them."""
    equal = ["service", "slo", *sorted(set(grouped_by))]
    names = [tier.name for tier in tiers.TIERS]
    levels = [promql.percent(level) for level, _ in reversed(budget.LEVELS)]
    return [*_pairs(burn.ALERT, "tier", names, equal), *_pairs(budget.LOW, "left", levels, equal)]


def here(rules: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same as routing.yaml says it."""
    return [{"source": rule["source_matchers"], "target": rule["target_matchers"], "equal": rule["equal"]}
            for rule in rules]


def _pairs(alert: str, label: str, values: list[str], equal: list[str]) -> Iterator[dict[str, Any]]:
    """Each value of `label` inhibits those after it."""
    for at, value in enumerate(values[:-1]):
        slower = "|".join(values[at + 1:])
        yield {"source_matchers": [f'alertname="{alert}"', f'{label}="{value}"'],
               "target_matchers": [f'alertname="{alert}"', f'{label}=~"{slower}"'],
               "equal": equal}

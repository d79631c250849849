"""Error budgets as metrics, made when they are asked for: what is not known is absent, never zero."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from alertd.slo.budget import Standing, Status

_Value = Callable[[Status], float | None]
_SHOWN: tuple[tuple[str, str, _Value], ...] = (
    ("alertd_slo_objective_ratio", "The share of good events that is asked for.", lambda one: one.slo.objective),
    ("alertd_slo_events", "Events in the window, without what is excluded.", lambda one: one.events),
    ("alertd_slo_bad_events", "Bad events in it.", lambda one: one.bad),
    ("alertd_slo_error_budget_remaining_ratio", "What is left of the budget: 1 untouched, 0 spent, less overspent.",
     lambda one: one.budget_remaining),
    ("alertd_slo_burn_rate", "How many times faster than it may be the budget was spent in the last hour.",
     lambda one: one.burn_rate),
    ("alertd_slo_coverage_ratio", "How much of the window is known.", lambda one: one.coverage),
    ("alertd_slo_exhausted_timestamp_seconds", "When nothing will be left at the last day's rate.",
     lambda one: None if one.forecast.exhausted_at is None else one.forecast.exhausted_at / 1000),
)


class BudgetMetrics(Collector):
    """`statuses` is how every objective stands."""

    def __init__(self) -> None:
        self.statuses: Sequence[Status] = ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        statuses = self.statuses
        for name, meaning, value in _SHOWN:
            family = GaugeMetricFamily(name, meaning, labels=("service", "slo", "group"))
            for one in statuses:
                number = value(one)
                if number is not None:
                    group = ",".join(f"{label}={its}" for label, its in sorted(one.labels.items()))
                    family.add_metric((one.slo.service, one.slo.slo, group), number)
            yield family
        counts = GaugeMetricFamily("alertd_slos", "Objectives by how they stand.", labels=("state",))
        for standing in Standing:
            counts.add_metric((standing.value,), sum(one.state is standing for one in statuses))
        yield counts

"""What needs somebody: what fires, which budgets are nearly gone, and what is near its threshold."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from alertd.dashboards.grafana import WIDTH, Dashboard, Kind, Panel, Query, Row, Step, Unit, uid
from alertd.dashboards.objective import COVERED, LEFT
from alertd.rulegen import rows, threshold
from alertd.rulegen.declared import RESPONSE_TIMES, UTILIZATIONS, Declared, Level, Watched

_KEYS = "alertname, severity, service, slo, instance"


def dashboard(declared: Declared) -> Dashboard:
    """Of all that is declared; nothing of what is not."""
    parts = (Row("Fires", (_firing(),)), Row("Error budgets", tuple(_budgets(declared))),
             Row("Services", tuple(_services(declared))), Row("Machines", tuple(_machines(declared))))
    return Dashboard(uid("overview"), "Overview", "What fires, what is left of the error budgets, what is near its "
                     "threshold.", tuple(row for row in parts if row.panels))


def _firing() -> Panel:
    return Panel("Firing alerts", "What Prometheus has firing, but for heartbeats. Who was told is on alertd's own "
                 "pages; nothing here means that nothing fires, or that no rule is evaluated: see alertd itself.",
                 Unit.COUNT, (Query(f'count by ({_KEYS}) (ALERTS{{alertstate="firing",severity!="none"}})', "series"),),
                 Kind.TABLE, WIDTH)


def _budgets(declared: Declared) -> Iterator[Panel]:
    if not any(service.objectives for service in declared.services):
        return
    # A record times one is a value without the record's name, by which rows could not be put together.
    yield Panel("Left and known", "Of each error budget, what is left and how much of its window is known. Below 90 % "
                "known, what is left is no more than a guess.", Unit.SHARE,
                (Query(f"sort(1 * {rows.REMAINING})", "budget left"), Query(f"1 * {rows.COVERAGE}", "known")),
                Kind.TABLE, steps=LEFT)
    yield Panel("Budget left", "1 untouched, 0 spent, negative overspent.", Unit.SHARE,
                (Query(rows.REMAINING, "{{service}} {{slo}}"),), steps=LEFT)
    yield Panel("Known", "How much of each window has data.", Unit.SHARE,
                (Query(rows.COVERAGE, "{{service}} {{slo}}"),), steps=COVERED)
    yield Panel("Burn rate of the last hour", "How many times faster than it may each budget goes, as alertd counts "
                "it; at 1 it lasts just its window.", Unit.TIMES,
                (Query("max by (service, slo, group) (alertd_slo_burn_rate)", "{{service}} {{slo}} {{group}}"),),
                steps=(Step(None, "green"), Step(1, "yellow"), Step(14.4, "red")))


def _services(declared: Declared) -> Iterator[Panel]:
    presets = [service.preset for service in declared.services]
    if (levels := declared.thresholds.get(Watched.ERRORS)) and any(preset.requests for preset in presets):
        yield Panel("Failed requests", "Their share in the last 10 minutes.", Unit.SHARE,
                    (Query(f"{threshold.FAILURES} / on (service) ({threshold.REQUESTS} > 0)", "{{service}}"),),
                    steps=_limits(levels))
    if any(watched in declared.thresholds for watched in RESPONSE_TIMES) and any(preset.latency for preset in presets):
        yield Panel("Slow requests", "The share of requests in the last 10 minutes that took longer than each declared "
                    "time.", Unit.SHARE,
                    (Query(f"{threshold.SLOW} / on (service) group_left () ({threshold.TIMED} > 0)",
                           "{{service}} over {{over}}"),),
                    steps=(Step(None, "green"), Step(float(threshold.SLOW_SHARE), "red")))


def _machines(declared: Declared) -> Iterator[Panel]:
    for preset in declared.nodes:
        for watched in UTILIZATIONS:
            if (levels := declared.thresholds.get(watched)) and watched in preset.utilization:
                use = preset.utilization[watched]
                name = use.of[:1].upper() + use.of[1:]
                yield Panel(f"{name} in use ({preset.name})", f"The share of the {use.of} that is in use, and the "
                            "declared limits.", Unit.SHARE, (Query(use.expression.strip(), _subject(preset.subject)),),
                            steps=_limits(levels))


def _subject(subject: str) -> str:
    return subject.replace("{", "{{").replace("}", "}}")


def _limits(levels: tuple[Level, ...]) -> tuple[Step, ...]:
    """A line at each declared level; the highest is red."""
    limits: list[Decimal] = sorted(level.above for level in levels)
    colours = ["orange"] * (len(limits) - 1) + ["red"]
    return (Step(None, "green"), *(Step(float(limit), colour) for limit, colour in zip(limits, colours, strict=True)))

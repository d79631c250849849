"""One SLO: what is left of its budget, and how fast each tier sees it go."""

from __future__ import annotations

from collections.abc import Iterator

from alertd.dashboards.grafana import Dashboard, Kind, Panel, Query, Row, Step, Unit, uid
from alertd.model import HOUR
from alertd.rulegen import budget, promql, rows, tiers
from alertd.rulegen.objectives import Watch
from alertd.rulegen.rows import Tracked
from alertd.rulegen.tiers import Burn

# The budget left, from red to green at the levels that ErrorBudgetLow tells.
LEFT = (Step(None, "red"), Step(0.1, "orange"), Step(0.25, "yellow"), Step(0.5, "green"))
COVERED = (Step(None, "red"), Step(0.9, "green"))  # below it the budget is unknown


def dashboard(watch: Watch) -> Dashboard:
    """Of an objective that can be counted."""
    tracked = watch.tracked
    burns = tiers.fit(tracked.target, tracked.window).burns
    calendar = watch.objective.calendar
    told = f" alertd counts {calendar.said}, Prometheus what is most like it." if calendar else ""
    return Dashboard(
        uid("slo", tracked.service, tracked.slo), f"{tracked.service} {tracked.slo}",
        f"{promql.percent(tracked.target)} good events over {promql.duration(tracked.window)}.{told}",
        (Row("Now", tuple(_now(tracked))), Row("The budget", tuple(_budget(tracked))),
         Row("How fast it goes", tuple(_burn(tracked, burn) for burn in burns)),
         Row("What is told", (_firing(tracked),))), span="now-7d")


def _now(tracked: Tracked) -> Iterator[Panel]:
    window, legend = promql.duration(tracked.window), _legend(tracked)
    for title, description, unit, expr, steps in (
        ("Budget left", f"Of the error budget of {window}: 1 untouched, 0 spent, negative overspent.", Unit.SHARE,
         rows.remaining(tracked), LEFT),
        ("Known", f"How much of {window} has data. Below 90 % alertd calls the budget unknown.", Unit.SHARE,
         rows.coverage(tracked), COVERED),
        ("Events", f"In the last {window}.", Unit.COUNT, rows.event_count(tracked, tracked.window), ()),
        ("Bad events", f"In the last {window}; the objective allows {promql.percent(1 - tracked.target)} of all.",
         Unit.COUNT, rows.bad_count(tracked, tracked.window), ()),
    ):
        yield Panel(title, description, unit, (Query(expr, legend),), Kind.NUMBER, 6, 4, steps)


def _budget(tracked: Tracked) -> Iterator[Panel]:
    legend = _legend(tracked)
    levels = ", ".join(promql.percent(level) for level, _ in budget.LEVELS)
    yield Panel("Budget left", f"ErrorBudgetLow tells at {levels}.", Unit.SHARE,
                (Query(rows.remaining(tracked), legend),), steps=LEFT)
    yield Panel("Bad events of an hour", "The share of the last hour's events that were bad; none where there were no "
                "events. Above the line the budget goes faster than it may.", Unit.SHARE,
                (Query(rows.ratio(tracked, HOUR), legend),),
                steps=(Step(None, "green"), Step(float(1 - tracked.target), "red")))


def _burn(tracked: Tracked, burn: Burn) -> Panel:
    """Both windows as multiples of what the objective allows; the tier tells while both are over its factor."""
    long, short = promql.duration(burn.tier.long), promql.duration(burn.tier.short)
    factor, allowed = promql.number(round(burn.factor, 2)), promql.number(1 - tracked.target)
    return Panel(
        f"Burn rate, {burn.tier.name} tier",
        f"ErrorBudgetBurn tier=\"{burn.tier.name}\" tells while both windows are over {factor} times what the "
        f"objective allows and {long} holds {tracked.least} bad events or more.", Unit.TIMES,
        tuple(Query(f"(\n{rows.ratio(tracked, window)}\n)\n/ {allowed}", f"{_legend(tracked)} over {name}")
              for window, name in ((burn.tier.long, long), (burn.tier.short, short))),
        steps=(Step(None, "green"), Step(float(round(burn.factor, 6)), "red")))


def _firing(tracked: Tracked) -> Panel:
    conditions = f"service={promql.quoted(tracked.service)}", f"slo={promql.quoted(tracked.slo)}"
    return Panel("Alerts of this objective", "1 while Prometheus has it firing or pending; who was told is on alertd's "
                 "own pages.", Unit.COUNT,
                 (Query(f"count by (alertname, alertstate, severity, tier, left) "
                        f"({promql.selector('ALERTS', (), *conditions)})",
                        "{{alertname}} {{tier}}{{left}} {{severity}} {{alertstate}}"),), width=24)


def _legend(tracked: Tracked) -> str:
    """The values of the labels the objective is split by, else its name."""
    return " ".join(f"{{{{{label}}}}}" for label in tracked.by) or tracked.slo

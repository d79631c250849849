"""Alerts on an error budget that runs out, and on an indicator that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from alertd.model import HOUR, MINUTE, Millis, Severity
from alertd.rulegen import burn, promql, rows, runbook, tiers
from alertd.rulegen.declared import Objective, Told
from alertd.rulegen.indicator import Composite, Indicator, Sliced
from alertd.rulegen.rows import Tracked
from alertd.rulegen.rules import AlertRule

LOW, ABSENT = "ErrorBudgetLow", "IndicatorAbsent"
# How much of the budget is left, and how much that matters. Each level is an alert of its own by the label `left`.
LEVELS = ((Decimal("0.5"), Severity.INFO), (Decimal("0.25"), Severity.WARNING), (Decimal("0.1"), Severity.WARNING),
          (Decimal(0), Severity.CRITICAL))
LASTING: Millis = tiers.DAYS  # two evaluations: one alone may be an estimate, while targets restart
KEEP_FIRING: Millis = HOUR  # a budget moves slowly: at its limit it would come and go all day
ABSENT_FOR: Millis = 10 * MINUTE  # longer than a restart


def low(objective: Objective, tracked: Tracked, runbooks: str) -> Iterator[AlertRule]:
    """An alert for each level of the budget left."""
    count, _ = burn.units(tracked)
    days = burn.answer(tracked, f"{rows.coverage(tracked)} * {count}", '{{ . | value | printf "%.0f" }}')
    for level, severity in LEVELS:
        told = objective.told.get(promql.percent(level), Told())
        yield AlertRule(
            LOW, _under(tracked, level), LASTING, KEEP_FIRING if told.keep_firing is None else told.keep_firing,
            labels={"severity": str(told.severity or severity), "service": tracked.service, "slo": tracked.slo,
                    "left": promql.percent(level)},
            annotations={
                "summary": f"{burn.of(tracked)} has {_at_most(level)} of its error budget left",
                "description": described(tracked, level, burn.VALUE, days),
                "runbook_url": runbook.url(runbooks, LOW)})


def described(tracked: Tracked, level: Decimal, left: str, known: str) -> str:
    """The description, of templates or of the texts they become: the share left, and how many days are known."""
    share = left if level else f"Nothing (by the count {left})"
    count, word = burn.units(tracked)
    return (f"{share} of the error budget of {promql.duration(tracked.window)} is left for {burn.of(tracked)}, based "
            f"on {known} of {count} {word}; what is not known of them counts as free of errors.")


def _at_most(level: Decimal) -> str:
    return f"less than {promql.percent(level)}" if level else "nothing"


def _under(tracked: Tracked, level: Decimal) -> str:
    """The budget left, where it is at `level` or less. What is not known of the window counts as free of errors: after
    an hour of data the first failure may be all of the budget known so far, and is none of the month's."""
    on = tracked.on
    known = f"1 - {rows.coverage(tracked)} * {on} (1 - {rows.remaining(tracked)})"
    return (f"{known} {'<' if level else '<='} {promql.number(level)}\n"
            f"and {on}\n{rows.bad_count(tracked, tracked.window)} >= {tracked.least}")


def absent(objective: Objective, tracked: Tracked, runbooks: str) -> AlertRule:
    """An alert where one of the counters is not there, without which nothing else of the objective can fire. Failed
    events are no fault to be without, the bucket of a histogram is: all requests would seem slow."""
    needed, told = needs(objective, tracked), objective.told.get(ABSENT, Told())
    found = "\nor\n".join(f"absent({selector})" for selector in needed)
    return AlertRule(
        ABSENT, f"max(\n{found}\n)" if len(needed) > 1 else f"max({found})", ABSENT_FOR,
        told.keep_firing or 0,
        labels={"severity": str(told.severity or Severity.WARNING), "service": tracked.service, "slo": tracked.slo},
        annotations={"summary": f"{tracked.service} {tracked.slo} cannot be measured: its metrics are gone",
                     "description": _gone(tracked, needed), "runbook_url": runbook.url(runbooks, ABSENT)})


def needs(objective: Objective, tracked: Tracked) -> tuple[str, ...]:
    """The selectors without which the objective cannot be measured."""
    if isinstance(tracked.indicator, Composite):
        parts = zip(objective.parts, tracked.indicator.parts, strict=True)
        return tuple(dict.fromkeys(selector for part, indicator in parts
                                   for selector in _needs(part.objective, indicator)))
    return _needs(objective, tracked.indicator)


def _needs(objective: Objective, indicator: Indicator | Sliced) -> tuple[str, ...]:
    return indicator.events + (indicator.good if objective.under is not None else ())


def _gone(tracked: Tracked, needed: tuple[str, ...]) -> str:
    up = tracked.indicator.scraped
    if not up:
        return gone(tracked, needed, "")
    return gone(tracked, needed, f"{{{{ with query `count({up} == 1)` }}}}{scraped('{{ . | first | value }}')}"
                                 f"{{{{ else }}}}{scraped('')}{{{{ end }}}}")


def scraped(count: str) -> str:
    """What the number of targets that can be scraped ("" for none) tells of the cause."""
    return (f"{count} of its targets can be scraped: the metric was renamed, or is not counted. " if count
            else "None of its targets can be scraped. ")


def gone(tracked: Tracked, needed: tuple[str, ...], cause: str) -> str:
    """The description of an indicator that is not there, of templates or of the texts they become."""
    return (f"{cause}Without {' and '.join(needed)} no alert on the error budget of {tracked.service} {tracked.slo} "
            "can fire.")

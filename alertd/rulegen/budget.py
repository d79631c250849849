"""Alerts on an error budget that runs out, and on an indicator that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from alertd.model import DAY, HOUR, MINUTE, Millis, Severity
from alertd.rulegen import burn, promql, rows, runbook
from alertd.rulegen.declared import Objective
from alertd.rulegen.rows import Tracked
from alertd.rulegen.rules import AlertRule
from alertd.rulegen.threshold import LEAST_EVENTS

LOW, ABSENT = "ErrorBudgetLow", "IndicatorAbsent"
# How much of the budget is left, and how much that matters. Each level is an alert of its own by the label `left`.
LEVELS = ((Decimal("0.5"), Severity.INFO), (Decimal("0.25"), Severity.WARNING), (Decimal("0.1"), Severity.WARNING),
          (Decimal(0), Severity.CRITICAL))
LASTING: Millis = 5 * MINUTE
KEEP_FIRING: Millis = HOUR  # a budget moves slowly: at its limit it would come and go all day
ABSENT_FOR: Millis = 10 * MINUTE  # longer than a restart


def low(tracked: Tracked, runbooks: str) -> Iterator[AlertRule]:
    """An alert for each level of the budget left."""
    window = promql.duration(tracked.window)
    for level, severity in LEVELS:
        percent = promql.percent(level)
        # of a negative budget the share spent is easier read than "minus 40 % are left"
        share = ("{{ $value | humanizePercentage }}" if level else
                 "Nothing (by the count {{ $value | humanizePercentage }})")
        yield AlertRule(
            LOW, _under(tracked, level), LASTING, KEEP_FIRING,
            labels={"severity": str(severity), "service": tracked.service, "slo": tracked.slo, "left": percent},
            annotations={
                "summary": f"{burn.of(tracked)} has {_at_most(level)} of its error budget left",
                "description": f"{share} of the error budget of {window} is left for {burn.of(tracked)}"
                               f"{_known(tracked)}.",
                "runbook_url": runbook.url(runbooks, LOW)})


def _at_most(level: Decimal) -> str:
    return f"less than {promql.percent(level)}" if level else "nothing"


def _under(tracked: Tracked, level: Decimal) -> str:
    """The budget left, where it is at `level` or less. What is not known of the window counts as free of errors: after
    an hour of data the first failure may be all of the budget known so far, and is none of the month's."""
    on = f"on ({', '.join(tracked.keys)})"
    known = f"1 - {rows.coverage(tracked)} * {on} (1 - {rows.remaining(tracked)})"
    return (f"{known} {'<' if level else '<='} {promql.number(level)}\n"
            f"and {on}\n{rows.bad_count(tracked, tracked.window)} >= {LEAST_EVENTS}")


def _known(tracked: Tracked) -> str:
    """How much of the window the figure is based on, in days (in hours for windows of a few days)."""
    unit, word = (DAY, "days") if tracked.window >= 3 * DAY else (HOUR, "hours")
    count = promql.number(Decimal(tracked.window) / unit)
    days = burn.answer(tracked, f"{rows.coverage(tracked)} * {count}", '{{ . | value | printf "%.0f" }}')
    return f", based on {days} of {count} {word}; what is not known of them counts as free of errors"


def absent(objective: Objective, tracked: Tracked, runbooks: str) -> AlertRule:
    """An alert where one of the counters is not there, without which nothing else of the objective can fire. Failed
    events are no fault to be without, the bucket of a histogram is: all requests would seem slow."""
    needed = tracked.indicator.events + (tracked.indicator.good if objective.under is not None else ())
    found = "\nor\n".join(f"absent({selector})" for selector in needed)
    return AlertRule(
        ABSENT, f"max(\n{found}\n)" if len(needed) > 1 else f"max({found})", ABSENT_FOR, 0,
        labels={"severity": str(Severity.WARNING), "service": tracked.service, "slo": tracked.slo},
        annotations={"summary": f"{tracked.service} {tracked.slo} cannot be measured: its metrics are gone",
                     "description": _gone(tracked, needed), "runbook_url": runbook.url(runbooks, ABSENT)})


def _gone(tracked: Tracked, needed: tuple[str, ...]) -> str:
    up = tracked.indicator.scraped
    targets = ("" if not up.startswith("up{") else
               f"{{{{ with query `count({up} == 1)` }}}}{{{{ . | first | value }}}} of its targets can be scraped, so "
               "that the metric was renamed or is not counted{{ else }}None of its targets can be scraped{{ end }}. ")
    return (f"{targets}Without {' and '.join(needed)} no alert on the error budget of {tracked.service} "
            f"{tracked.slo} can fire.")

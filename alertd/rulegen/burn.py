"""Alerts on how fast an error budget is being spent: one for each tier."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from alertd.model import DAY, HOUR
from alertd.rulegen import promql, rows, runbook, tiers
from alertd.rulegen.declared import Condition, Fresh, Objective, Slices, Told
from alertd.rulegen.rows import Tracked
from alertd.rulegen.rules import AlertRule
from alertd.rulegen.threshold import KEEP_FIRING
from alertd.rulegen.tiers import Burn

ALERT = "ErrorBudgetBurn"
VALUE = "{{ $value | humanizePercentage }}"
RATE, SPENT = "at this rate nothing is left in", "nothing is left of it"


def alerts(objective: Objective, tracked: Tracked, runbooks: str) -> Iterator[AlertRule]:
    """An alert for each tier the objective can have, fastest first."""
    for burn in tiers.fit(tracked.target, tracked.window).burns:
        kept = objective.told.get(burn.tier.name, Told()).keep_firing
        yield AlertRule(
            ALERT, expression(tracked, burn), burn.tier.lasting, KEEP_FIRING if kept is None else kept,
            labels={"severity": str(tiers.severity(objective, burn.tier)), "service": tracked.service,
                    "slo": tracked.slo, "tier": burn.tier.name},
            annotations={"summary": f"{of(tracked)} spends its error budget {_how_fast(burn)} it may",
                         "description": _description(objective, tracked, burn),
                         "runbook_url": runbook.url(runbooks, ALERT)})


def expression(tracked: Tracked, burn: Burn) -> str:
    """True while both windows hold more than the limit, and the long one at least `least` bad events: one failure
    among few requests is chance. The value is the long window's share."""
    limit, on = promql.number(burn.limit), tracked.on
    settled = burn.tier.settled
    bad, events = (count(tracked, burn.tier.short, settled) for count in (rows.bad_count, rows.event_count))
    return (f"{rows.ratio(tracked, burn.tier.long, tracked.least, settled)}\n> {limit}\n"
            f"and {on}\n{bad}\n> {on} {limit} *\n{events}")


def of(tracked: Tracked) -> str:
    """Whose objective it is, in the words of a summary: `checkout availability (route /pay)`."""
    groups = ", ".join(f"{label} {{{{ $labels.{label} }}}}" for label in tracked.by)
    return f"{tracked.service} {tracked.slo}" + (f" ({groups})" if groups else "")


def _how_fast(burn: Burn) -> str:
    factor = promql.number(round(burn.factor, 1))
    return "faster than" if factor == "1" else f"over {factor} times as fast as"


def happened(objective: Objective, tracked: Tracked) -> str:
    """What a bad event is: `of the requests to checkout failed`."""
    if objective.slices:
        return f"{_slices(objective.slices)} of {of(tracked)} were bad ({_broken(objective, objective.slices)})"
    if objective.parts:
        return f"of the events of {of(tracked)} ({_listed([part.called for part in objective.parts])}) were bad"
    if objective.counted:
        return f"of the events of {of(tracked)} were bad"
    groups = of(tracked).removeprefix(f"{tracked.service} {tracked.slo}")
    if objective.under is None:
        return f"of the requests to {tracked.service}{groups} failed"
    return f"of the requests to {tracked.service}{groups} took longer than {promql.duration(objective.under)}"


def _listed(names: Sequence[str]) -> str:
    """The first few: a description is read on a telephone."""
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"


def _slices(slices: Slices) -> str:
    length = promql.duration(slices.length)
    return "of the minutes" if length == "1m" else f"of the slices of {length}"


def _broken(objective: Objective, slices: Slices) -> str:
    """What a bad slice is."""
    match objective.gauge:
        case Condition(gauge, holds, bound):
            return f"not {promql.selector(gauge.metric, gauge.matchers)} {holds} {promql.number(bound)}"
        case Fresh(gauge, within):
            return f"{promql.selector(gauge.metric, gauge.matchers)} was over {promql.duration(within)} old"
    assert slices.target is not None, "without a gauge there are events, of which a share must be good"
    what = "good" if objective.under is None else f"within {promql.duration(objective.under)}"
    return f"less than {promql.percent(slices.target)} of their events {what}"


def _description(objective: Objective, tracked: Tracked, burn: Burn) -> str:
    spent = answer(tracked, spent_query(tracked, burn), "{{ . | value | humanizePercentage }}")
    left = answer(tracked, left_query(tracked, burn),
                  f"{{{{ with . | value }}}}{RATE} {{{{ . | humanizeDuration }}}}{{{{ else }}}}{SPENT}{{{{ end }}}}")
    part = answer(tracked, part_query(tracked, burn), known(tracked, "{{ . | value }}"))
    return described(objective, tracked, burn, VALUE, spent, left, part)


def described(objective: Objective, tracked: Tracked, burn: Burn, share: str, spent: str, left: str, part: str) -> str:
    """The description, of templates or of the texts they become. `part` is nothing where all of the window is known."""
    long, window = promql.duration(burn.tier.long), promql.duration(tracked.window)
    return (f"{share} {happened(objective, tracked)} in the last {long}; {spent} of the error budget of {window} went "
            f"in that time; {left}{part}.")


def known(tracked: Tracked, count: str) -> str:
    """How much of the window the shares of its budget are of."""
    every, word = units(tracked)
    return f"; {count} of its {every} {word} are known"


def units(tracked: Tracked) -> tuple[str, str]:
    """How many days the window has, or hours where it has few days, and the word for them."""
    unit, word = (DAY, "days") if tracked.window >= 3 * DAY else (HOUR, "hours")
    return promql.number(Decimal(tracked.window) / unit), word


def part_query(tracked: Tracked, burn: Burn) -> str:
    """How many whole units of the window are known, where that is not all; none of it is before the first full hour."""
    on = tracked.on
    covered = f"({rows.coverage(tracked)} or {on} 0 * {rows.event_count(tracked, tracked.window, burn.tier.settled)})"
    return f"floor(({covered} < 1) * {units(tracked)[0]})"


def spent_query(tracked: Tracked, burn: Burn) -> str:
    """The share of the window's budget that went in the tier's long window."""
    on = tracked.on
    settled = burn.tier.settled
    return (f"{rows.bad_count(tracked, burn.tier.long, settled)} "
            f"/ {on} ({rows.event_count(tracked, tracked.window, settled)} > 0) "
            f"/ {promql.number(1 - tracked.target)}")


def left_query(tracked: Tracked, burn: Burn) -> str:
    """The seconds until the budget is gone, if bad events come as in the tier's long window; 0 where it is."""
    on = tracked.on
    settled = burn.tier.settled
    events, bad = (count(tracked, tracked.window, settled) for count in (rows.event_count, rows.bad_count))
    return (f"clamp_min({events} * {promql.number(1 - tracked.target)} - {on} {bad}, 0) * {burn.tier.long // 1000} "
            f"/ {on} {rows.bad_count(tracked, burn.tier.long, settled)}")


def answer(tracked: Tracked, query: str, shown: str) -> str:
    """A template that shows what `query` says of the alert's own group. A query cannot be given labels without
    quoting them into it, so that all groups are asked for and the others left out."""
    plain = re.sub(r"\s*\n\s*", " ", query)
    same = " ".join(f"(eq .Labels.{label} $labels.{label})" for label in tracked.by)
    condition = f"{{{{ if and {same} }}}}" if same else ""
    return (f"{{{{ range query `{plain}` }}}}{condition}{shown}" + ("{{ end }}" if same else "") + "{{ end }}")

"""The rules that are compared: ours, and the shape that Sloth writes for the same objective.

Sloth (https://sloth.dev/slo-shape/): eight ratios, of which the last is the mean of the first over the window; seven
rules about the objective; a page and a ticket of two window pairs each.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from alertd.model import DAY, HOUR, MINUTE, Millis
from alertd.rulegen import rows
from alertd.rulegen.indicator import Indicator
from alertd.rulegen.rules import Group, RecordingRule
from bench.slo.world import OBJECTIVE, Service

WINDOW = 30 * DAY
BUDGET = 1 - Decimal(OBJECTIVE)
# short window, long window, factor: https://sre.google/workbook/alerting-on-slos/
PAGE = ((5 * MINUTE, HOUR, 14.4), (30 * MINUTE, 6 * HOUR, 6.0))
TICKET = ((2 * HOUR, DAY, 3.0), (6 * HOUR, 3 * DAY, 1.0))
_SLOTH_WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
ALERT = "alert"  # how a rule that is no record is named here
LEAST = 3  # bad events of a page


def tracked(service: Service) -> rows.Tracked:
    job = f'job="{service.name}"'
    indicator = Indicator((f"http_requests_total{{{job}}}",), (f'http_requests_total{{{job},code=~"5.."}}',),
                          scraped=f"up{{{job}}}")
    return rows.Tracked(service.name, "availability", Decimal(OBJECTIVE), WINDOW, indicator)


def ours(service: Service) -> Iterator[Group]:
    """The records, and the alerts as pairs of windows: the first page with every scrape, the second, which takes half
    an hour, every minute, tickets with every row."""
    slo = tracked(service)
    for group, pairs in zip(rows.groups(slo), ((), TICKET, PAGE[:1]), strict=True):
        yield Group(group.name, (*group.rules, *_alerts(slo, pairs)), group.interval)
    yield Group("second page", _alerts(slo, PAGE[1:]), MINUTE)


def _alerts(slo: rows.Tracked, pairs: tuple[tuple[Millis, Millis, float], ...]) -> tuple[RecordingRule, ...]:
    return tuple(RecordingRule(ALERT, pair(slo, *each), {}) for each in pairs)


def pair(slo: rows.Tracked, short: Millis, long: Millis, factor: float) -> str:
    """True where both windows burn `factor` times too fast, and enough events were bad."""
    limit = float(BUDGET) * factor
    return f"({rows.ratio(slo, short)}) > {limit:.6g} and ({rows.ratio(slo, long, LEAST)}) > {limit:.6g}"


def sloth_ratio(service: Service, window: str) -> str:
    job = f'job="{service.name}"'
    return (f'(sum(rate(http_requests_total{{{job},code=~"5.."}}[{window}])))'
            f"\n/\n(sum(rate(http_requests_total{{{job}}}[{window}])))")


def sloth_record(service: Service, window: str) -> str:
    return f'slo:sli_error:ratio_rate{window}{{sloth_id="{service.name}",sloth_slo="availability"}}'


def sloth_month(service: Service) -> str:
    record = sloth_record(service, "5m")
    return f"sum_over_time({record}[30d])\n/ ignoring (sloth_window)\ncount_over_time({record}[30d])"


def sloth_page(service: Service, short: str, long: str, factor: float) -> str:
    limit = f"({factor} * {BUDGET})"
    return (f"max({sloth_record(service, short)} > {limit}) without (sloth_window) and "
            f"max({sloth_record(service, long)} > {limit}) without (sloth_window)")


def sloth(service: Service, interval: Millis) -> Group:
    """Its 17 rules, all at one interval."""
    identity = f'{{sloth_id="{service.name}",sloth_slo="availability"}}'
    left = f"1 - slo:period_burn_rate:ratio{identity}"
    expressions = [
        *(sloth_ratio(service, window) for window in _SLOTH_WINDOWS), sloth_month(service),
        f"vector({OBJECTIVE})", f"vector(1 - {OBJECTIVE})", "vector(30)",
        f"{sloth_record(service, '5m')} / on (sloth_id, sloth_slo) group_left slo:error_budget:ratio{identity}",
        f"{sloth_record(service, '30d')} / on (sloth_id, sloth_slo) group_left slo:error_budget:ratio{identity}",
        left, "vector(1)",
        f"({sloth_page(service, '5m', '1h', 14.4)}) or ({sloth_page(service, '30m', '6h', 6)})",
        f"({sloth_page(service, '2h', '1d', 3)}) or ({sloth_page(service, '6h', '3d', 1)})",
    ]
    names = ["rule"] * (len(expressions) - 2) + [ALERT] * 2
    return Group("sloth", tuple(RecordingRule(name, expression, {})
                                for name, expression in zip(names, expressions, strict=True)), interval)

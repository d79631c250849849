"""The rules that are compared: ours, and the shape that Sloth writes for the same objective.

Sloth (https://sloth.dev/slo-shape/): eight ratios, of which the last is the mean of the first over the window; seven
rules about the objective; a page and a ticket of two window pairs each.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from alertd.matchers import Matcher
from alertd.model import DAY, HOUR, MINUTE, Millis, Severity
from alertd.rulegen import objective_groups, rows, tiers
from alertd.rulegen.declared import Objective
from alertd.rulegen.indicator import Indicator
from alertd.rulegen.rules import Group, RecordingRule
from alertd.rulegen.tiers import Tier
from bench.slo.world import OBJECTIVE, Service

WINDOW = 30 * DAY
BUDGET = 1 - Decimal(OBJECTIVE)
# short window, long window, factor: https://sre.google/workbook/alerting-on-slos/
PAGE = ((5 * MINUTE, HOUR, 14.4), (30 * MINUTE, 6 * HOUR, 6.0))
_SLOTH_WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
ALERT = "alert"  # how a rule of Sloth's that is no record is named here


def tracked(service: Service) -> rows.Tracked:
    job = f'job="{service.name}"'
    indicator = Indicator((f"http_requests_total{{{job}}}",), (f'http_requests_total{{{job},code=~"5.."}}',),
                          scraped=f"up{{{job}}}", marks=(Matcher("code", "=~", "5.."),))
    return rows.Tracked(service.name, "availability", Decimal(OBJECTIVE), WINDOW, indicator)


def ours(service: Service) -> tuple[Group, ...]:
    """What `alertd rules build` writes for the objective: every record, and all nine alerts."""
    return objective_groups(Objective("availability", Decimal(OBJECTIVE), WINDOW), tracked(service), "")


def pages() -> Iterator[Tier]:
    """The tiers that page."""
    yield from (burn.tier for burn in tiers.fit(Decimal(OBJECTIVE), WINDOW).burns
                if burn.tier.severity is Severity.CRITICAL)


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

"""Which burn rates alert, at which windows: the SRE workbook's table, fitted to an objective.

A burn rate of 1 spends exactly the whole error budget within the objective's window. A tier tells when `share` of the
budget is spent within its long window and is still being spent in its short one; its factor is the burn rate at which
that takes just as long: share * window / long.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal

from alertd.model import DAY, HOUR, MINUTE, Millis, Severity
from alertd.rulegen import promql
from alertd.rulegen.declared import Objective, Told
from alertd.rulegen.differences import SLOT

DAYS: Millis = 15 * MINUTE  # how often what changes over days is looked at


@dataclasses.dataclass(frozen=True, slots=True)
class Tier:
    """A pair of windows. `lasting` is the alert's `for`: none where it pages, the short window has done its work.

    A `settled` tier is told from the rows alone: both its windows end one to six minutes ago. That is a twentieth of
    the time it takes to tell at most (what is over the fast tier's rate is told by that one), at a thirtieth of the
    cost of counting up to now with every scrape. It is looked at with each row, or `every` quarter of an hour where
    its long window is a day or more: twelve hours, at the least, until it tells."""

    name: str
    long: Millis
    short: Millis
    share: Decimal
    severity: Severity
    lasting: Millis

    @property
    def settled(self) -> bool:
        return self.long > HOUR

    @property
    def every(self) -> Millis | None:
        """How often its alert is evaluated; None with every evaluation there is."""
        if not self.settled:
            return None
        return SLOT if self.long < DAY else DAYS


# https://sre.google/workbook/alerting-on-slos/ (table 5-8), and between its last two rows the usual one of a day. At a
# window of 30d the factors are 14.4, 6, 3 and 1.
TIERS = (
    Tier("fast", HOUR, 5 * MINUTE, Decimal("0.02"), Severity.CRITICAL, 0),
    Tier("medium", 6 * HOUR, 30 * MINUTE, Decimal("0.05"), Severity.CRITICAL, 0),
    Tier("slow", DAY, 2 * HOUR, Decimal("0.1"), Severity.WARNING, 15 * MINUTE),
    Tier("long", 3 * DAY, 6 * HOUR, Decimal("0.1"), Severity.WARNING, HOUR),
)
# A tier that would ask for more bad events than this can fire in nothing but a total outage, and from 100 % on never.
MOST = Decimal("0.9")
NOTABLE = Decimal("0.5")  # from here on people are told how much must fail: they will have expected less
_FINEST = Decimal("1e-12")  # a hundredth of a percent of the finest objective; keeps the rules' numbers short


@dataclasses.dataclass(frozen=True, slots=True)
class Burn:
    """A tier as it is for one objective: it tells when more than `limit` of the events are bad, which is `factor`
    times what the objective allows. `wanted` is the limit by the table, where that is another."""

    tier: Tier
    factor: Decimal
    limit: Decimal
    wanted: Decimal


@dataclasses.dataclass(frozen=True, slots=True)
class Fit:
    """The tiers that an objective can have, fastest first, and in words what was changed or left out."""

    burns: tuple[Burn, ...]
    remarks: tuple[str, ...] = ()


@functools.lru_cache  # a thousand services have a handful of objectives between them
def fit(target: Decimal, window: Millis) -> Fit:
    """The tiers for `target` (the ratio of good events) over `window`. None is left where even a total outage spends
    the budget no faster than the objective allows."""
    burns: list[Burn] = []
    remarks: list[str] = []
    for tier in TIERS:
        if tier.long > window // 2:  # it would be told by what the budget itself says at the same time
            remarks.append(f"no {tier.name} tier: its window of {promql.duration(tier.long)} is over half of "
                           f"{promql.duration(window)}")
            continue
        burn = _burn(tier, target, window)
        if burn.factor < 1:
            remarks.append(f"no {tier.name} tier: even a total outage is no burn rate of over 1 at "
                           f"{promql.percent(target)}")
            continue
        burns.append(burn)
        remarks.extend(_said(burn, target))
    return Fit(tuple(burns), tuple(remarks))


def severity(objective: Objective, tier: Tier) -> Severity:
    """What the tier's alert on this objective is."""
    return objective.told.get(tier.name, Told()).severity or tier.severity


def pages(objective: Objective) -> bool:
    """Whether a tier of it is critical."""
    return any(severity(objective, burn.tier) is Severity.CRITICAL
               for burn in fit(objective.target, objective.window).burns)


def _burn(tier: Tier, target: Decimal, window: Millis) -> Burn:
    """Slower than 1 spends no budget to its end, so that is the least; MOST of the events is the most."""
    budget = 1 - target
    wanted = max(tier.share * window / tier.long, Decimal(1)) * budget
    limit = min(wanted, MOST).quantize(_FINEST, ROUND_HALF_EVEN)
    return Burn(tier, limit / budget, limit, wanted)


def _said(burn: Burn, target: Decimal) -> Iterator[str]:
    tier, limit = burn.tier, _percent(burn.limit)
    if burn.wanted > MOST:
        never = ("it could never fire" if burn.wanted >= 1 else f"it would need {_percent(burn.wanted)}")
        yield (f"the {tier.name} tier tells from {limit} bad events on (burn rate {_short(burn.factor)}): by the table "
               f"{never} at {promql.percent(target)}")
    elif burn.limit > NOTABLE:
        yield f"the {tier.name} tier tells only where over {limit} of the events are bad (burn rate " \
              f"{_short(burn.factor)})"


def _percent(ratio: Decimal) -> str:
    return f"{_short(ratio * 100)}%"


def _short(value: Decimal) -> str:
    return promql.number(value.quantize(Decimal("0.01")))

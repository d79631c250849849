"""When the conditions of an objective's alerts held, by its counts: what `rulegen.burn` and `rulegen.budget` say in
PromQL over records, for a history without them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from alertd.backtest.counts import Counts
from alertd.model import Millis
from alertd.rulegen import budget, promql, tiers
from alertd.rulegen.differences import DELAY
from alertd.rulegen.rows import Tracked

Held = Callable[[Counts, Millis], bool]


def conditions(tracked: Tracked) -> Iterator[tuple[str, str, Millis | None, Held]]:
    """Of each alert: the label that tells it from the others, that label's value, how often it is looked at where that
    is less than there are evaluations, and whether it holds by these counts at this moment."""
    for burn in tiers.fit(tracked.target, tracked.window).burns:
        yield "tier", burn.tier.name, burn.tier.every, _burns(tracked, burn)
    for level, _ in budget.LEVELS:
        yield "left", promql.percent(level), tiers.DAYS, _low(tracked, level)


def _burns(tracked: Tracked, burn: tiers.Burn) -> Held:
    limit, tier = float(burn.limit), burn.tier

    def held(counts: Counts, now: Millis) -> bool:
        end = now - DELAY if tier.settled else now
        events, bad = counts.within(end - tier.short, end)
        if bad <= limit * events:  # also where there were none
            return False
        events, bad = counts.within(end - tier.long, end)
        return bad >= tracked.least and bad > limit * events
    return held


def _low(tracked: Tracked, level: Decimal) -> Held:
    allowed, least_left = float(1 - tracked.target), float(level)

    def held(counts: Counts, now: Millis) -> bool:
        events, bad = counts.within(now - tracked.window, now)
        if bad < tracked.least or not events:
            return False
        left = 1 - counts.coverage(tracked.window, now) * bad / events / allowed
        return left < least_left if level else left <= 0
    return held


def moments(start: Millis, end: Millis, step: Millis, every: Millis | None) -> range:
    """When rules are evaluated: every `step`, or as often as they are looked at."""
    if every is None:
        return range(start, end + 1, step)
    step = -(-step // every) * every
    return range(-(-start // step) * step, end + 1, step)

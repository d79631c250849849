"""When an objective's alerts held, by counts alone."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from alertd.backtest import budgets
from alertd.backtest.counts import Counts
from alertd.model import DAY, HOUR, MINUTE
from alertd.rulegen.indicator import Indicator
from alertd.rulegen.rows import Tracked

SHOP = Tracked("shop", "up", Decimal("0.999"), 30 * DAY, Indicator(("a_total",), ("b_total",)))


def outage(start: int, end: int, hours: int = 24) -> Counts:
    """100 requests a minute, of which all fail in the minutes after `start` up to `end`."""
    events = {minute * MINUTE: 100.0 for minute in range(1, hours * 60 + 1)}
    return Counts(events, {minute * MINUTE: 100.0 for minute in range(start + 1, end + 1)})


def held(counts: Counts, value: str, tracked: Tracked = SHOP) -> list[int]:
    """The minutes at which the alert of this tier or level held."""
    every, holds = next((every, holds) for _, its, every, holds in budgets.conditions(tracked) if its == value)
    return [now // MINUTE for now in budgets.moments(0, DAY, MINUTE, every) if holds(counts, now)]


def test_a_burn_holds_while_both_windows_do() -> None:
    """1.44 % of the hour's 6,000 are 86.4: a minute of an outage, and five after it the short one is over."""
    assert held(outage(600, 610), "fast") == list(range(601, 615))


def test_slower_tiers_are_told_with_the_rows() -> None:
    """Every five minutes, over windows that ended a minute before: 216 of the 36,000 of six hours. Every fifteen, where
    they are of a day: 432 of 144,000."""
    assert held(outage(600, 610), "medium") == list(range(605, 645, 5))
    assert held(outage(600, 610), "slow") == list(range(615, 735, 15))


def test_fewer_bad_events_than_it_takes_are_chance() -> None:
    """Two failures of two requests are silent, three of three are not."""
    for count, expected in ((2.0, []), (3.0, [60, 61, 62, 63, 64])):
        assert held(Counts({HOUR: count}, {HOUR: count}), "fast") == expected


def test_what_is_not_known_is_free_of_errors() -> None:
    """A tenth of two days' requests failed: of 30 days at 99 %, that is two thirds of the budget, whatever is known."""
    tracked = dataclasses.replace(SHOP, target=Decimal("0.99"))
    counts = Counts({at * HOUR: 100.0 for at in range(1, 49)}, {at * HOUR: 10.0 for at in range(1, 49)})
    levels = {value: holds for _, value, _, holds in budgets.conditions(tracked)}
    assert [levels[value](counts, 2 * DAY) for value in ("50%", "25%", "10%", "0%")] == [True, False, False, False]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=30), st.integers(0, 30),
       st.integers(0, 30))
def test_windows_add_up(points: list[tuple[int, int]], start: int, length: int) -> None:
    """A window holds what ended after its start and up to its end."""
    counts = Counts({at: float(each) for at, (each, _) in enumerate(points)},
                    {at: float(each) for at, (_, each) in enumerate(points)})
    inside = points[start + 1:start + length + 1]
    assert counts.within(start, start + length) == (sum(each for each, _ in inside), sum(each for _, each in inside))

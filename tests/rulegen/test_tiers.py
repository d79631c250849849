from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.model import DAY, HOUR
from alertd.rulegen import tiers


def factors(target: str, window: int) -> dict[str, str]:
    return {burn.tier.name: f"{float(burn.factor):.6g}" for burn in tiers.fit(Decimal(target), window).burns}


@pytest.mark.parametrize(("window", "wanted"), [
    (30 * DAY, {"fast": "14.4", "medium": "6", "slow": "3", "long": "1"}),
    (28 * DAY, {"fast": "13.44", "medium": "5.6", "slow": "2.8", "long": "1"}),
    (90 * DAY, {"fast": "43.2", "medium": "18", "slow": "9", "long": "3"}),
    (7 * DAY, {"fast": "3.36", "medium": "1.4", "slow": "1", "long": "1"}),
    (12 * HOUR, {"fast": "1", "medium": "1"}),
    (2 * HOUR, {"fast": "1"}),
])
def test_factors_follow_the_window(window: int, wanted: dict[str, str]) -> None:
    """The shares of the budget are fixed, what burn rate they are depends on the window; below 1 nothing alerts."""
    assert factors("0.999", window) == wanted


def test_a_tier_that_could_never_fire_is_derived_anew() -> None:
    """At 90 % a burn rate of 14.4 would ask for 144 % bad events; 90 % is what it tells at, and says so."""
    fit = tiers.fit(Decimal("0.9"), 30 * DAY)
    assert [(burn.tier.name, burn.limit) for burn in fit.burns][:2] == [("fast", Decimal("0.9")),
                                                                        ("medium", Decimal("0.6"))]
    assert fit.remarks == (
        "the fast tier tells from 90% bad events on (burn rate 9): by the table it could never fire at 90%",
        "the medium tier tells only where over 60% of the events are bad (burn rate 6)")


def test_an_objective_that_a_total_outage_meets_has_no_tier() -> None:
    """Where failing all the time spends the budget no faster than it may, nothing can be told."""
    assert tiers.fit(Decimal("0.09"), 30 * DAY).burns == ()


@given(st.integers(1, 99_999_999), st.integers(2, 366 * 24))
def test_every_tier_can_fire_and_none_before_a_slower_one(target: int, hours: int) -> None:
    """Whatever is declared: limits lie below what a total outage shows, faster tiers ask for no less, and a burn rate
    below 1 alerts nobody."""
    fit = tiers.fit(Decimal(target).scaleb(-8), hours * HOUR)
    limits = [burn.limit for burn in fit.burns]
    assert all(0 < limit <= tiers.MOST for limit in limits)
    assert limits == sorted(limits, reverse=True)
    assert all(burn.factor >= Decimal("0.9999") for burn in fit.burns)

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.config import units
from alertd.rulegen import promql


@pytest.mark.parametrize(("text", "millis"), [
    ("90s", 90_000), ("5m", 300_000), ("1h30m", 5_400_000), ("1d", 86_400_000), ("500ms", 500), ("0", 0), (0, 0),
    ("1w", 604_800_000), ("1y", 31_536_000_000), ("1d12h", 129_600_000), (" 5m ", 300_000),
    ("1 second", 1_000), ("500 ms", 500), ("10 minutes", 600_000), ("1 s", 1_000), ("2 weeks", 1_209_600_000),
])
def test_durations(text: object, millis: int) -> None:
    """Prometheus' own form, and a number and a word."""
    assert units.duration(text) == millis


@pytest.mark.parametrize("text", ["", "5", 5, 1.5, "1.5h", "-5m", "5m1h", "1m1m", "5 m", "m", "5min", None, True, [],
                                  "1s 2s", "٥m", "300y", "9" * 30 + "s"])
def test_what_is_no_duration(text: object) -> None:
    """Anything else is refused, a number without a unit and more than Prometheus can count too."""
    with pytest.raises(ValueError, match=r"duration|unit|longer"):
        units.duration(text)


@given(st.integers(0, units.MOST_DURATION))
def test_durations_survive_being_written(millis: int) -> None:
    """What is written for Prometheus reads as the same duration."""
    assert units.duration(promql.duration(millis)) == millis


@pytest.mark.parametrize(("text", "ratio"), [
    ("70%", "0.7"), ("0.5%", "0.005"), ("99.9 %", "0.999"), ("100%", "1"), ("0%", "0"), ("99.999999%", "0.99999999")])
def test_percentages(text: str, ratio: str) -> None:
    """A percentage is an exact ratio."""
    assert units.percentage(text) == Decimal(ratio)
    assert promql.number(units.percentage(text)) == ratio


@pytest.mark.parametrize("text", ["", "%", "70", 70, 0.7, "70 percent", "-1%", "101%", "1e2%", None, True,
                                  "99.9999999%", "٧%"])
def test_what_is_no_percentage(text: object) -> None:
    """A bare number may mean 0.7 % or 70 %, so it is refused."""
    with pytest.raises(ValueError, match=r"percentage|unit|more than"):
        units.percentage(text)


@given(st.integers(0, 10**units.FINEST))
def test_percentages_survive_being_written(parts: int) -> None:
    """What is written for people reads as the same ratio, with no digit more."""
    ratio = Decimal(parts).scaleb(-units.FINEST)
    assert units.percentage(promql.percent(ratio)) == ratio
    assert float(promql.number(ratio)) == float(ratio)

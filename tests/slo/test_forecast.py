"""When a budget will be gone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.model import HOUR
from alertd.slo.forecast import Forecast, Spending, calendar, rolling

NOW = 1_000 * HOUR
QUIET = Spending(1.0, 0.0)


def test_at_an_even_rate_it_is_gone_when_the_arithmetic_says():
    """100 hours allow one each; 50 are left and three an hour come, while each hour allows one: two go an hour, and
    nothing bad leaves. 25 hours."""
    hours = [QUIET] * 50 + [Spending(1.0, 1.0)] * 50
    assert rolling(hours, Spending(1.0, 3.0), NOW).exhausted_at == pytest.approx(NOW + 50 / 3 * HOUR, abs=HOUR)


def test_old_errors_that_leave_make_it_last():
    """What burns now is less than what grows old: never, though a straight line would end within the window."""
    hours = [Spending(1.0, 1.2)] * 60 + [Spending(1.0, 0.2)] * 40
    assert rolling(hours, Spending(1.0, 0.9), NOW) == Forecast()
    assert calendar(Spending(100.0, 80.0), Spending(1.0, 1.9), NOW, NOW + 100 * HOUR).exhausted_at is not None


def test_what_is_gone_comes_back_when_its_errors_are_old():
    """An outage in the tenth hour of the window leaves it in ten hours."""
    hours = [QUIET] * 10 + [Spending(1.0, 200.0)] + [QUIET] * 89
    assert rolling(hours, QUIET, NOW).back_at == pytest.approx(NOW + 11 * HOUR, abs=HOUR)


def test_a_calendar_window_begins_anew():
    """What is gone is back at its end at the latest; what lasts until then is not foretold to go."""
    assert calendar(Spending(10.0, 11.0), Spending(1.0, 2.0), NOW, NOW + 50 * HOUR) == Forecast(back_at=NOW + 50 * HOUR)
    assert calendar(Spending(100.0, 0.0), Spending(1.0, 2.0), NOW, NOW + 50 * HOUR) == Forecast()


counts = st.builds(Spending, st.floats(0, 10), st.floats(0, 10))


@given(st.lists(counts, min_size=1, max_size=60), counts)
def test_the_moment_foretold_is_when_the_window_turns(hours, per_hour):
    """Let the window go on hour by hour: before that hour it stands as now, behind it otherwise."""
    found = rolling(hours, per_hour, NOW)
    gone = sum(hour.left for hour in hours) <= 0
    at = found.back_at if gone else found.exhausted_at
    window = list(hours)
    for passed in range(1, len(hours) + 1):
        window = [*window[1:], per_hour]
        turned = (sum(hour.left for hour in window) <= 1e-9) != gone
        if at is not None and NOW + passed * HOUR >= at + HOUR:
            break
        if abs(sum(hour.left for hour in window)) > 1e-6 and (at is None or NOW + passed * HOUR < at):
            assert not turned


def test_only_one_of_the_two_is_said():
    """It is gone or it is not."""
    found = rolling([Spending(1.0, 2.0)], Spending(1.0, 2.0), NOW)
    assert found == Forecast()

"""How an error budget was spent, by the hour and by the day."""

from __future__ import annotations

import dataclasses
import datetime
import zoneinfo

import pytest

from alertd import burndown
from alertd.burndown import Day, Spent
from alertd.model import DAY, HOUR
from alertd.slo.budget import Slo, Standing, Status
from alertd.slo.window import Calendar, Period, Rolling

SINCE = 20_000 * DAY  # a midnight
NOW = SINCE + 4 * DAY
STATUS = Status("a:b", Slo("a", "b", 0.99, Rolling(4 * DAY)), {}, NOW, SINCE, Standing.OK, 96_000.0, 480.0,
                budget_remaining=0.5)


def hours(bad_at: dict[int, float], missing: range = range(0)) -> list[Spent]:
    """Of each hour 1,000 events, of which 10 may be bad."""
    return [Spent(SINCE + number * HOUR, 10.0, bad_at.get(number, 0.0), 1.0, 1_000.0) for number in range(96)
            if number not in missing]


def test_what_is_left_goes_down_with_what_was_bad() -> None:
    """480 of 960 in two hours: all, three quarters, a half."""
    left = burndown.draw(STATUS, hours({10: 240.0, 50: 240.0})).left
    assert (left[9], left[10], left[49], left[50], left[-1]) == (1, 0.75, 0.75, 0.5, 0.5)


def test_an_hour_that_is_not_known_is_a_gap() -> None:
    """And no rate is said over time of which less than half is known."""
    drawn = burndown.draw(STATUS, hours({}, missing=range(90, 96)))
    assert drawn.left[89] is not None
    assert drawn.left[90:] == (None,) * 6
    assert dict(drawn.rates) == {"hour": None, "6 hours": None, "1 day": 0.0, "3 days": 0.0}


def test_burn_rates_are_up_to_now() -> None:
    """Of the last hour as the list says it; of the last six, what is under way and a part of the oldest: half an hour
    later half of what was bad six and a half hours ago counts."""
    rates = dict(burndown.draw(dataclasses.replace(STATUS, burn_rate=2.0), hours({95: 20.0})).rates)
    assert (rates["hour"], rates["6 hours"]) == (2.0, pytest.approx(1 / 3))
    later = dataclasses.replace(STATUS, at=NOW + HOUR // 2)
    under_way = Spent(NOW, 5.0, 10.0, 0.5, 500.0)
    rates = dict(burndown.draw(later, [*hours({90: 20.0}), under_way]).rates)
    assert rates["6 hours"] == pytest.approx((10 + 10) / (5 + 50 + 5))


def test_days_say_what_they_spent_and_how_fast() -> None:
    """Ten times as fast as lasts the window is red; of a day without hours nothing is known."""
    days = burndown.draw(STATUS, hours({30: 480.0, 60: 2_640.0}, missing=range(24))).days
    assert [day.state for day in days] == ["unknown", "at_risk", "exhausted", "ok"]
    assert days[0] == Day(datetime.datetime.fromtimestamp(SINCE / 1000, datetime.UTC).date(), None, None)
    assert days[3].spent == 0


def test_days_of_a_calendar_window_are_those_of_its_zone() -> None:
    """March of Berlin: it begins an hour before that of UTC, and its last Sunday has 23 hours."""
    month = Calendar(Period.MONTH, zoneinfo.ZoneInfo("Europe/Berlin"))
    now = round(datetime.datetime(2026, 3, 30, 12, tzinfo=datetime.UTC).timestamp() * 1000)
    status = dataclasses.replace(STATUS, slo=dataclasses.replace(STATUS.slo, window=month), at=now,
                                 since=month.begin(now))
    every = [Spent(start, 10.0, 1.0, 1.0, 1_000.0) for start in range(status.since, now, HOUR)]
    days = burndown.draw(status, every).days
    assert [day.date.day for day in days] == list(range(1, 31))
    assert days[27].spent == pytest.approx(24 / len(every) / 10)
    assert days[28].spent == pytest.approx(23 / len(every) / 10)


def test_a_line_of_days_is_a_share_of_the_whole_budget() -> None:
    """The window's 960, whatever part of it the days are."""
    assert burndown.days(STATUS, hours({30: 96.0}), SINCE, 3) == (0.0, pytest.approx(0.1), 0.0)

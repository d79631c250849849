"""Which hours a window has."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.model import DAY, HOUR
from alertd.slo.window import Calendar, Period, Rolling, parse


def at(text, zone="UTC"):
    return round(parse_time(text, zone).timestamp() * 1000)


def parse_time(text, zone):
    import zoneinfo

    return datetime.datetime.fromisoformat(text).replace(tzinfo=zoneinfo.ZoneInfo(zone))


def test_a_rolling_window_begins_at_a_full_hour():
    """It has its full hours and the one under way."""
    assert Rolling(DAY).begin(5 * DAY + HOUR // 2) == 4 * DAY
    assert Rolling(DAY).begin(5 * DAY) == 4 * DAY


@pytest.mark.parametrize(("period", "now", "begin", "end"), [
    ("week", "2026-03-29T12:00", "2026-03-23T00:00", "2026-03-30T00:00"),  # the clocks change on that Sunday
    ("month", "2026-03-31T23:59", "2026-03-01T00:00", "2026-04-01T00:00"),
    ("quarter", "2026-12-31T23:59", "2026-10-01T00:00", "2027-01-01T00:00"),
    ("month", "2026-12-01T00:00", "2026-12-01T00:00", "2027-01-01T00:00")])
def test_a_calendar_window_goes_by_the_clocks_of_its_zone(period, now, begin, end):
    """From local midnight to local midnight, whatever the clocks do between."""
    window = parse(period, "Europe/Berlin")
    now = at(now, "Europe/Berlin")
    assert window.begin(now) == at(begin, "Europe/Berlin")
    assert window.end(now) == at(end, "Europe/Berlin")


def test_in_a_zone_half_an_hour_off_it_begins_at_the_next_full_hour():
    """Hours of the ledger are those of UTC."""
    assert parse("month", "Asia/Kolkata").begin(at("2026-03-10T12:00")) == at("2026-02-28T19:00")


@given(st.integers(1_500_000_000_000, 2_000_000_000_000), st.sampled_from(list(Period)),
       st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]))
def test_every_moment_lies_in_one_period(now, period, zone):
    """It has begun, give or take the hour that a zone is off, and has not ended; the next begins where it ends."""
    window = parse(period.value, zone)
    begin, end = window.begin(now), window.end(now)
    assert isinstance(window, Calendar)
    assert begin - HOUR <= now < end
    assert 0 <= window.begin(end) - end < HOUR


@pytest.mark.parametrize(("text", "zone"), [("0d", "UTC"), ("30", "UTC"), ("year", "UTC"), ("month", "Mars/Base")])
def test_what_is_no_window_says_what_to_write(text, zone):
    """ValueError, for people."""
    with pytest.raises(ValueError, match="write one such as"):
        parse(text, zone)

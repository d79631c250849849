"""When the daily summary is due."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.digest import Every, due
from tests.reports import T0

BERLIN = ZoneInfo("Europe/Berlin")
EIGHT = datetime.time(8)


def at(text: str, fold: int = 0) -> int:
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).timestamp() * 1000)


@pytest.mark.parametrize(("now", "date"), [
    ("2027-01-15T07:59:59", "2027-01-14"), ("2027-01-15T08:00:00", "2027-01-15"),
    ("2027-01-15T23:59:59", "2027-01-15")])
def test_it_is_due_at_its_hour(now, date):
    """In its own zone."""
    assert due(EIGHT, BERLIN, at(now)).isoformat() == date


def test_an_hour_that_comes_twice_is_one_date():
    """02:30 of the autumn change, both times."""
    half_past_two = datetime.time(2, 30)
    assert {due(half_past_two, BERLIN, at("2026-10-25T02:30:00", fold)) for fold in (0, 1)} == {
        datetime.date(2026, 10, 25)}


def test_an_hour_that_is_skipped_is_not_lost():
    """02:30 of the spring change never comes; at 03:00 it is over."""
    half_past_two = datetime.time(2, 30)
    assert due(half_past_two, BERLIN, at("2027-03-28T01:59:00")).isoformat() == "2027-03-27"
    assert due(half_past_two, BERLIN, at("2027-03-28T03:00:00")).isoformat() == "2027-03-28"


@given(st.integers(0, 366 * 24 * 60), st.integers(0, 24 * 60 - 1))
def test_dates_only_go_forward(minutes, at_minute):
    """However the zone's clock jumps, a later moment never owes an earlier date, but within a repeated hour."""
    hour = datetime.time(at_minute // 60, at_minute % 60)
    now = T0 + minutes * 60_000
    assert due(hour, BERLIN, now) <= due(hour, BERLIN, now + 2 * 3600_000)


@pytest.mark.parametrize(("now", "date"), [
    ("2027-01-18T07:59:59", "2027-01-11"), ("2027-01-18T08:00:00", "2027-01-18"),
    ("2027-01-24T12:00:00", "2027-01-18")])
def test_a_weekly_one_is_due_on_its_day(now, date):
    """The newest Monday that has come."""
    assert due(EIGHT, BERLIN, at(now), Every.MONDAY).isoformat() == date

"""The daily summary."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.digest import Entry, compose, due
from alertd.incidents import Known, decide
from tests.reports import T0, reported, routing, webhook

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


def entry(*alerts, ended=False):
    known = Known()
    changes = decide(webhook(*alerts), known, routing(), T0)
    known.apply(changes)
    return Entry(changes.incidents[0], changes.alerts)


def test_the_subject_is_the_verdict():
    """In one line, and quiet days are said."""
    text = compose("daily-summary", datetime.date(2027, 1, 15), BERLIN, [entry(reported("a", severity="info"))])
    assert text.subject == "alertd daily 2027-01-15: 1 incident still open, 0 resolved"
    assert "a is broken" in text.text
    assert compose("x", datetime.date(2027, 1, 15), BERLIN, []).subject.endswith("quiet")


def test_what_does_not_fit_is_counted():
    """Five summaries of an incident, then how many more."""
    alerts = [reported(f"n{number}", severity="info") for number in range(9)]
    text = compose("x", datetime.date(2027, 1, 15), BERLIN, [entry(*alerts)]).text
    assert text.count("is broken") == 5
    assert "+4 more" in text


def test_a_summary_keeps_to_its_line():
    """Line breaks in an annotation do not make lines of the digest."""
    alert = reported("a\nSubject: x", severity="info")
    text = compose("x", datetime.date(2027, 1, 15), BERLIN, [entry(alert)]).text
    assert "\nSubject" not in text

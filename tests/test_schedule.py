"""When maintenance windows are: hours of the week, recurrence rules, and the nights on which clocks change."""

from __future__ import annotations

import datetime
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.matchers import parse_all
from alertd.model import DAY, HOUR, MINUTE
from alertd.rotas import DAYS, parse_hours
from alertd.schedule import Once, Recurring, Weekly, When, Window, Windows, check_rule, everything, holding

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
ZONES = [zoneinfo.ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                                              "Pacific/Apia", "Asia/Kolkata", "Africa/Casablanca", "UTC")]


def at(text: str, fold: int = 0) -> int:
    """Milliseconds of a local time in Berlin."""
    return round(datetime.datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).timestamp() * 1000)


def weekly(text: str, zone: zoneinfo.ZoneInfo = BERLIN) -> Window:
    return window(Weekly((parse_hours(text),), zone))


def window(when: When, match: str = 'service="db"') -> Window:
    return Window("upgrade", parse_all(match), when)


def test_a_weekly_window_is_at_its_hours() -> None:
    """SUN 02:00-04:00 is from two to before four on Sundays."""
    sunday = weekly("SUN 02:00-04:00")
    assert sunday.active(at("2026-11-29T02:00")) == (at("2026-11-29T02:00"), at("2026-11-29T04:00"))
    assert sunday.active(at("2026-11-29T01:59")) is None
    assert sunday.active(at("2026-11-29T04:00")) is None
    assert sunday.active(at("2026-11-30T03:00")) is None


def test_hours_over_midnight_belong_to_the_day_they_begin() -> None:
    """MON-FRI 22:00-06:00 covers Saturday until six, and not Sunday night."""
    nights = weekly("MON-FRI 22:00-06:00")
    assert nights.active(at("2026-11-28T05:59"))
    assert not nights.active(at("2026-11-28T22:00"))
    assert not nights.active(at("2026-11-30T05:00"))


@pytest.mark.parametrize(("hours", "starts", "ends"), [
    ("01:00-02:30", "2027-03-28T01:00", "2027-03-28T03:00"),
    ("02:30-04:00", "2027-03-28T03:00", "2027-03-28T04:00"),
    ("02:15-02:45", "2027-03-28T03:00", "2027-03-28T03:30"),
])
def test_an_edge_in_the_hour_that_is_skipped_is_at_the_first_minute_there_is(hours: str, starts: str, ends: str
                                                                            ) -> None:
    """At night clocks go from 02:00 to 03:00; a window within that hour begins at three and keeps its length."""
    assert weekly(f"SUN {hours}").next(at("2027-03-28T00:00"), 1) == [(at(starts), at(ends))]


@pytest.mark.parametrize(("hours", "lasts"), [("02:00-03:00", 2 * HOUR), ("01:30-02:30", 2 * HOUR),
                                              ("02:30-04:00", 5 * HOUR // 2)])
def test_an_hour_that_comes_twice_is_covered_both_times(hours: str, lasts: int) -> None:
    """From the first time the clocks show the start to the last time they show the end."""
    [(starts, ends)] = weekly(f"SUN {hours}").next(at("2026-10-25T00:00"), 1)
    assert ends - starts == lasts


@st.composite
def weeklies(draw: st.DrawFn) -> tuple[Window, str, str, frozenset[int]]:
    times = st.times().map(lambda time: f"{time:%H:%M}")
    begins, ends = draw(times), draw(times)
    days = draw(st.lists(st.sampled_from(DAYS), min_size=1, unique=True))
    hours = f"{','.join(days)} {begins}-{ends}"
    return weekly(hours, draw(st.sampled_from(ZONES))), begins, ends, parse_hours(hours).weekdays


@given(weeklies(), st.integers(at("2010-01-01T00:00") // MINUTE, at("2035-01-01T00:00") // MINUTE))
def test_every_minute_that_the_clocks_show_within_the_hours_is_covered(
        drawn: tuple[Window, str, str, frozenset[int]], minute: int) -> None:
    """In any zone, on any night, whatever the clocks do."""
    one, begins, ends, weekdays = drawn
    assert isinstance(one.when, Weekly)
    local = datetime.datetime.fromtimestamp(minute * 60, one.when.timezone)
    clock, day = f"{local:%H:%M}", local.weekday()
    within = begins <= clock < ends if begins < ends else clock >= begins
    after = begins >= ends and clock < ends and (day - 1) % 7 in weekdays
    if (within and day in weekdays) or after:
        assert one.active(minute * MINUTE)


@given(weeklies(), st.integers(at("2010-01-01T00:00") // MINUTE, at("2035-01-01T00:00") // MINUTE))
def test_occurrences_come_in_order_apart_and_agree_with_active(
        drawn: tuple[Window, str, str, frozenset[int]], minute: int) -> None:
    """Whoever asks for a stretch of time and whoever asks for a moment get the same answer."""
    one, since = drawn[0], minute * MINUTE
    found = one.occurrences(since, since + 9 * DAY)
    edges = [edge for stretch in found for edge in stretch]
    assert edges == sorted(set(edges))
    for starts, ends in found:
        assert one.active(starts)
        if ends < since + 9 * DAY:
            assert one.active(ends) is None
            assert one.active(ends - 1)


@given(weeklies(), st.lists(st.integers(0, 30 * DAY), min_size=1, max_size=20),
       st.integers(at("2026-01-01T00:00"), at("2027-12-31T00:00")))
def test_what_is_remembered_of_active_windows_is_what_they_say(
        drawn: tuple[Window, str, str, frozenset[int]], moments: list[int], since: int) -> None:
    """Asked at any moments in any order, forwards or back."""
    windows = Windows([drawn[0]])
    for moment in moments:
        assert bool(windows.active(since + moment)) == bool(drawn[0].active(since + moment))


def test_no_windows_are_never_looked_at_again() -> None:
    """Without any, the first answer holds for ever."""
    windows = Windows()
    assert windows.active(at("2026-11-29T02:00")) == ()
    assert windows.active(0) == ()


def test_a_rule_of_the_first_sunday_of_each_month() -> None:
    """RRULE occurrences last what the window says, at the same time by the clocks in winter and in summer."""
    first = window(Recurring("FREQ=MONTHLY;BYDAY=1SU;BYHOUR=2;BYMINUTE=30", 2 * HOUR, BERLIN))
    found = first.next(at("2027-02-20T00:00"), 3)
    assert found[0] == (at("2027-03-07T02:30"), at("2027-03-07T04:30"))
    assert found[1:] == [(at("2027-04-04T02:30"), at("2027-04-04T04:30")),
                         (at("2027-05-02T02:30"), at("2027-05-02T04:30"))]
    assert first.active(at("2027-04-04T04:29"))


@given(st.sampled_from(["FREQ=DAILY;BYHOUR=2,14", "FREQ=WEEKLY;BYDAY=SU,WE", "FREQ=MONTHLY;BYDAY=2TU;BYHOUR=20",
                        "FREQ=MONTHLY;BYMONTHDAY=-1;BYHOUR=23", "FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU;BYHOUR=2;BYMINUTE=30",
                        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;BYHOUR=6"]),
       st.sampled_from(ZONES), st.integers(at("2026-01-01T00:00"), at("2028-12-31T00:00")), st.integers(0, 40 * DAY))
def test_a_rule_says_the_same_whenever_it_is_asked(rule: str, zone: zoneinfo.ZoneInfo, since: int, later: int) -> None:
    """What is asked later agrees with what was asked before, occurrence for occurrence."""
    one = window(Recurring(rule, 3 * HOUR, zone))
    until = since + 80 * DAY
    assert [stretch for stretch in one.occurrences(since, until) if stretch[1] > since + later] == one.occurrences(
        since + later, until)


def test_a_rule_that_counts_begins_where_it_is_told() -> None:
    """Every other week from a date, and only so often."""
    rule = "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=3"
    other = window(Recurring(rule, HOUR, BERLIN, datetime.datetime(2026, 11, 29, 22)))  # noqa: DTZ001  by the clocks
    assert [starts for starts, _ in other.next(at("2026-11-01T00:00"))] == [
        at("2026-11-29T22:00"), at("2026-12-13T22:00"), at("2026-12-27T22:00")]


@pytest.mark.parametrize("rule", ["FREQ=MINUTELY", "FREQ=WEEKLY;COUNT=3", "FREQ=WEEKLY;INTERVAL=2", "weekly",
                                  "FREQ=WEEKLY;BYDAY=XX", "FREQ=WEEKLY;BYHOUR=2", "FREQ=MONTHLY",
                                  "FREQ=YEARLY;BYMONTH=2", "FREQ=WEEKLY;UNTIL=20270101T000000Z", ""])
def test_a_rule_that_cannot_be_kept_is_refused(rule: str) -> None:
    """Too often, without a beginning to count from, or no rule at all."""
    with pytest.raises(ValueError, match=r"FREQ|COUNT|RRULE|no day"):
        check_rule(rule, None)


def test_a_window_once_is_over_when_it_is_over() -> None:
    """It has one occurrence, and none after it."""
    once = window(Once(at("2026-12-01T20:00"), at("2026-12-01T23:00")))
    assert once.next(at("2026-11-24T00:00")) == [(at("2026-12-01T20:00"), at("2026-12-01T23:00"))]
    assert once.next(at("2026-12-01T23:00")) == []
    assert once.active(at("2026-12-01T22:59"))


def test_a_window_of_all_hours_has_no_edge_at_midnight() -> None:
    """Occurrences that touch are one."""
    always = weekly("00:00-24:00")
    midnight = at("2026-11-29T00:00")
    found = always.active(midnight)
    assert found
    assert found[0] < midnight < found[1]
    assert len(always.next(midnight)) == 1


@pytest.mark.parametrize(("match", "all_of_it"), [
    ('alertname=~".+"', True), ('service=~".*"', True), ('alertname!=""', True), ('service=~".+"', False),
    ('service="db"', False), ('service!="db"', False), ('alertname=~".*", severity="critical"', False)])
def test_what_matches_everything(match: str, all_of_it: bool) -> None:
    """Known by what the matchers take, not by how they are written."""
    assert everything(parse_all(match)) is all_of_it


def test_the_first_window_that_covers_an_alert_holds_it() -> None:
    """In the order in which they stand."""
    first, second = window(Once(0, 1), 'service="db"'), window(Once(0, 1), 'severity="critical"')
    assert holding({"service": "db", "severity": "critical"}, (first, second)) is first
    assert holding({"service": "web", "severity": "critical"}, (first, second)) is second
    assert holding({"service": "web"}, (first, second)) is None

"""How the last weeks were."""

from __future__ import annotations

import csv
import datetime
import io
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd import statistics
from alertd.model import DAY, HOUR, MINUTE, IncidentId, Severity
from alertd.statistics import Call, Case, Episode, forms, measure, trend

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
MONDAY = round(datetime.datetime(2026, 11, 23, tzinfo=BERLIN).timestamp() * 1000)
WEEK = 7 * DAY
NOW = MONDAY + 3 * DAY
LONG_AGO = MONDAY - 100 * WEEK


def asked(weeks: int = 3, hours: str = statistics.OFFICE) -> statistics.Asked:
    return statistics.ask(str(weeks), "Europe/Berlin", hours, NOW)


def case(number: int, opened: int, taken: int | None = None, over: int | None = None) -> Case:
    """Taken care of and over so many milliseconds after it opened."""
    return Case(IncidentId(f"i{number}"), Severity.CRITICAL, opened, None if taken is None else opened + taken,
                None if over is None else opened + over)


def test_means_are_over_what_happened() -> None:
    """Of two incidents of a week, one was acknowledged; the other does not count as zero."""
    cases = [case(1, MONDAY - DAY, 4 * MINUTE, HOUR), case(2, MONDAY - 2 * DAY, None, 3 * HOUR), case(3, MONDAY, None)]
    *_, last, current = measure(asked(), cases, [], [], LONG_AGO).weeks
    assert (last.incidents, last.acknowledged, last.mtta, last.mttr) == (2, 1, 4 * MINUTE, 2 * HOUR)
    assert (current.incidents, current.mtta, current.mttr) == (1, None, None)


def test_a_week_before_the_record_is_unknown_and_not_zero() -> None:
    """One that it began within is known in part."""
    first, second, third = measure(asked(), [], [], [], MONDAY - WEEK + DAY).weeks
    assert (first.known, first.incidents, first.calls) == (0, None, None)
    assert (second.known, second.incidents) == (pytest.approx(6 / 7, abs=0.01), 0)
    assert third.known == 1
    assert all(week.calls is None for week in measure(asked(), [], [], [], None).weeks)


def test_calls_out_of_hours_are_those_outside_them_by_local_clocks() -> None:
    """Nights, weekends; nine in the morning of a Tuesday is not."""
    calls = [Call(MONDAY - 6 * DAY + at, "on-call", "jane") for at in (3 * HOUR, 9 * HOUR)]  # a Tuesday
    calls.append(Call(MONDAY - DAY + 12 * HOUR, "on-call", "jane"))  # a Sunday
    found = measure(asked(), [], calls, [], LONG_AGO)
    assert (found.weeks[1].calls, found.weeks[1].calls_out_of_hours) == (3, 2)
    load, = found.loads
    assert (load.receiver, load.person, load.calls, load.out_of_hours) == ("on-call", "jane", (0, 3, 0), 2)


@pytest.mark.parametrize(("hours", "at", "within"), [
    ("MON-FRI 22:00-06:00", 4 * DAY + 23 * HOUR, True), ("MON-FRI 22:00-06:00", 5 * DAY + 3 * HOUR, True),
    ("MON-FRI 22:00-06:00", 6 * DAY + 3 * HOUR, False), ("08:00-18:00", 6 * DAY + 9 * HOUR, True)])
def test_hours_may_go_past_midnight(hours: str, at: int, within: bool) -> None:
    """The night after Friday is Friday's."""
    assert asked(hours=hours).in_hours(MONDAY - WEEK + at) is within


def test_noise_counts_what_nobody_needed() -> None:
    """Gone soon, never acknowledged, flapping; the loudest first."""
    episodes = [Episode("Flappy", "one", MONDAY + at * HOUR, MONDAY + at * HOUR + MINUTE, IncidentId("i1"))
                for at in range(3)]
    episodes.append(Episode("Steady", "two", MONDAY, None, IncidentId("i2")))
    found = measure(asked(), [case(1, MONDAY), case(2, MONDAY, MINUTE)], [], episodes, LONG_AGO).noise
    assert [(one.alert, one.episodes, one.incidents, one.never_acknowledged, one.gone_soon, one.flapping_days)
            for one in found] == [("Flappy", 3, 1, 1, 3, 1), ("Steady", 1, 1, 0, 0, 0)]


def test_the_trend_compares_the_last_whole_week() -> None:
    """With the mean of those before it; the week under way does not count, nor what is unknown."""
    assert trend([2, 4, 9, 100]) == 6
    assert trend([None, 4, 9, 100]) == 5
    assert trend([9, 100]) is None
    assert trend([1, None, 2]) is None
    assert trend([]) is None


@given(st.lists(st.integers(-3, 40).map(lambda days: MONDAY - days * DAY), max_size=30), st.integers(1, 26))
def test_every_call_of_the_weeks_is_counted_once(times: list[int], weeks: int) -> None:
    """In one week, and with one receiver."""
    wanted = asked(weeks)
    calls = [Call(at, "on-call", None) for at in times if wanted.since <= at <= NOW]
    found = measure(wanted, [], calls, [], LONG_AGO)
    assert sum(week.calls or 0 for week in found.weeks) == len(calls)
    assert sum(one or 0 for load in found.loads for one in load.calls) == len(calls)


@pytest.mark.parametrize("wrong", [("0", "UTC", statistics.OFFICE), ("x", "UTC", statistics.OFFICE),
                                   ("8", "Mars/Base", statistics.OFFICE), ("8", "../etc", statistics.OFFICE),
                                   ("8", "UTC", "always")])
def test_a_question_that_makes_no_sense_is_refused(wrong: tuple[str, str, str]) -> None:
    """With what to write."""
    with pytest.raises(ValueError, match=r"weeks|timezone|hours"):
        statistics.ask(*wrong, NOW)


def test_no_cell_of_the_csv_begins_a_formula() -> None:
    """Names of alerts are anybody's; what is unknown is empty."""
    episodes = [Episode(name, "x", MONDAY, None, None) for name in ("=1+1", "@SUM(A1)", "-2", "Good, one")]
    rows = list(csv.reader(io.StringIO(forms.as_csv(measure(asked(), [], [], episodes, None)))))
    assert {row[1] for row in rows if row[0] == "alert"} == {"'=1+1", "'@SUM(A1)", "'-2", "Good, one"}
    assert all(row[4] == "" for row in rows if row[0] == "week")


def test_every_listed_object_has_an_id() -> None:
    """Of the JSON."""
    view = forms.view(measure(asked(), [case(1, MONDAY)], [Call(MONDAY, "on-call", "jane")],
                              [Episode("A", "x", MONDAY, None, None)], LONG_AGO))
    assert all(item["id"] for name in ("weeks", "calls", "noise") for item in view[name])
    assert view["calls"][0]["id"] == "on-call/jane"

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
from alertd.digest import Facts
from alertd.digest.facts import load_of, noise_of
from alertd.model import DAY, HOUR, MINUTE, IncidentId, Severity
from alertd.statistics import Call, Case, Episode, Figures, Record, forms, measure, trend

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


def call(at: int, number: int = 0, *, receiver: str = "on-call", epoch: int = 1) -> Call:
    """Of jane, about one incident a moment or number."""
    return Call(at, receiver, "jane", IncidentId(f"i{at}/{number}"), epoch)


def test_means_are_over_what_happened() -> None:
    """Of two incidents of a week, one was acknowledged; the other does not count as zero."""
    cases = [case(1, MONDAY - DAY, 4 * MINUTE, HOUR), case(2, MONDAY - 2 * DAY, None, 3 * HOUR), case(3, MONDAY, None)]
    *_, last, current = measure(asked(), Record(cases, since=LONG_AGO)).weeks
    assert (last.incidents, last.acknowledged, last.mtta, last.mttr) == (2, 1, 4 * MINUTE, 2 * HOUR)
    assert (current.incidents, current.mtta, current.mttr) == (1, None, None)


def test_what_happened_counts_where_it_happened() -> None:
    """An incident of one week that somebody came to and that ended in the next: its times are the next week's, so that
    no figure of a week that is over changes later."""
    over_midnight = case(1, MONDAY - HOUR, 2 * HOUR, 3 * HOUR)
    *_, last, current = measure(asked(), Record([over_midnight], since=LONG_AGO)).weeks
    assert (last.incidents, last.acknowledged, last.mtta, last.mttr) == (1, 0, None, None)
    assert (current.incidents, current.acknowledged, current.mtta, current.mttr) == (0, 1, 2 * HOUR, 3 * HOUR)


def test_a_start_that_calls_several_people_is_one_call() -> None:
    """With each of them one too; one that became worse and was told anew is another."""
    calls = [call(MONDAY), call(MONDAY, receiver="second"), call(MONDAY, epoch=2)]
    found = measure(asked(), Record(calls=calls, since=LONG_AGO))
    assert found.weeks[-1].calls == 2
    assert {load.receiver: load.calls[-1] for load in found.loads} == {"on-call": 2, "second": 1}


@given(st.lists(st.tuples(st.integers(0, 6 * 24 * 60), st.integers(0, 900), st.integers(1, 900)), max_size=30))
def test_digest_and_statistics_have_the_same_figures(ones: list[tuple[int, int, int]]) -> None:
    """Of the same stretch of time by the same clocks: pages, those out of hours, both means, and the noise."""
    cases = [case(number, MONDAY - WEEK + at * MINUTE, took * MINUTE, lasted * MINUTE)
             for number, (at, took, lasted) in enumerate(ones)]
    calls = [call(one.opened_at, number) for number, one in enumerate(cases)]
    episodes = [Episode("A", "x", one.opened_at, one.resolved_at, one.id, "shop") for one in cases]
    record = Record(cases, calls, episodes, LONG_AGO)
    week = measure(asked(), record).weeks[1]
    facts = Facts(MONDAY - WEEK, MONDAY, record=record)
    assert load_of(facts, BERLIN).now == Figures(week.incidents or 0, week.acknowledged or 0, week.mtta, week.mttr,
                                                 week.calls or 0, week.calls_out_of_hours or 0)
    told = [one for one in measure(asked(), record).noise if one.episodes > 1 or one.gone_soon]
    assert noise_of(facts, BERLIN) == told


def test_a_week_before_the_record_is_unknown_and_not_zero() -> None:
    """One that it began within is known in part."""
    first, second, third = measure(asked(), Record(since=MONDAY - WEEK + DAY)).weeks
    assert (first.known, first.incidents, first.calls) == (0, None, None)
    assert (second.known, second.incidents) == (pytest.approx(6 / 7, abs=0.01), 0)
    assert third.known == 1
    assert all(week.calls is None for week in measure(asked(), Record()).weeks)


def test_calls_out_of_hours_are_those_outside_them_by_local_clocks() -> None:
    """Nights, weekends; nine in the morning of a Tuesday is not."""
    calls = [call(MONDAY - 6 * DAY + at) for at in (3 * HOUR, 9 * HOUR)]  # a Tuesday
    calls.append(call(MONDAY - DAY + 12 * HOUR))  # a Sunday
    found = measure(asked(), Record(calls=calls, since=LONG_AGO))
    assert (found.weeks[1].calls, found.weeks[1].calls_out_of_hours) == (3, 2)
    load, = found.loads
    assert (load.receiver, load.person, load.calls, load.out_of_hours) == ("on-call", "jane", (0, 3, 0), 2)


@pytest.mark.parametrize(("hours", "at", "within"), [
    ("MON-FRI 22:00-06:00", 4 * DAY + 23 * HOUR, True), ("MON-FRI 22:00-06:00", 5 * DAY + 3 * HOUR, True),
    ("MON-FRI 22:00-06:00", 6 * DAY + 3 * HOUR, False), ("08:00-18:00", 6 * DAY + 9 * HOUR, True)])
def test_hours_may_go_past_midnight(hours: str, at: int, within: bool) -> None:
    """The night after Friday is Friday's."""
    assert asked(hours=hours).office.is_open(MONDAY - WEEK + at) is within


def test_noise_counts_what_nobody_needed() -> None:
    """Gone soon, never acknowledged, flapping; the loudest first."""
    episodes = [Episode("Flappy", "one", MONDAY + at * HOUR, MONDAY + at * HOUR + MINUTE, IncidentId("i1"))
                for at in range(3)]
    episodes.append(Episode("Steady", "two", MONDAY, None, IncidentId("i2")))
    cases = [case(1, MONDAY, over=HOUR), case(2, MONDAY, MINUTE)]
    found = measure(asked(), Record(cases, (), episodes, LONG_AGO)).noise
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
    calls = [call(at, number) for number, at in enumerate(times) if wanted.since <= at <= NOW]
    found = measure(wanted, Record(calls=calls, since=LONG_AGO))
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
    rows = list(csv.reader(io.StringIO(forms.as_csv(measure(asked(), Record(episodes=episodes))))))
    assert {row[1] for row in rows if row[0] == "alert"} == {"'=1+1", "'@SUM(A1)", "'-2", "Good, one"}
    assert all(row[4] == "" for row in rows if row[0] == "week")


def test_every_listed_object_has_an_id() -> None:
    """Of the JSON."""
    view = forms.view(measure(asked(), Record([case(1, MONDAY)], [call(MONDAY)],
                                              [Episode("A", "x", MONDAY, None, None)], LONG_AGO)))
    assert all(item["id"] for name in ("weeks", "calls", "noise") for item in view[name])
    assert view["calls"][0]["id"] == "on-call/jane"

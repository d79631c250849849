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
from alertd.model import DAY, HOUR, MINUTE, IncidentId
from alertd.statistics import AlertKind, Case, Counts, Figures, Ring, Tally, forms, measure, trend
from alertd.statistics.tally import slots_of

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
MONDAY = round(datetime.datetime(2026, 11, 23, tzinfo=BERLIN).timestamp() * 1000)
WEEK = 7 * DAY
NOW = MONDAY + 3 * DAY
LONG_AGO = MONDAY - 100 * WEEK


def asked(weeks: int = 3, hours: str = statistics.OFFICE) -> statistics.Asked:
    return statistics.ask(str(weeks), "Europe/Berlin", hours, NOW)


def case(number: int, opened: int, taken: int | None = None, over: int | None = None) -> Case:
    """Taken care of and over so many milliseconds after it opened."""
    return Case(IncidentId(f"i{number}"), opened, None if taken is None else opened + taken,
                None if over is None else opened + over)


def call(at: int, receiver: str = "on-call", *, first: bool = True) -> Ring:
    """Of jane."""
    return Ring(at, receiver, "jane", first=first)


def tally(cases=(), calls=(), kinds=None, since: int | None = LONG_AGO) -> Tally:  # type: ignore[no-untyped-def]
    """What the hours of these say together."""
    return Tally(slots_of(cases), list(calls), kinds or {}, since)


def test_means_are_over_what_happened() -> None:
    """Of two incidents of a week, one was acknowledged; the other does not count as zero."""
    cases = [case(1, MONDAY - DAY, 4 * MINUTE, HOUR), case(2, MONDAY - 2 * DAY, None, 3 * HOUR), case(3, MONDAY, None)]
    *_, last, current = measure(asked(), tally(cases)).weeks
    assert (last.incidents, last.acknowledged, last.mtta, last.mttr) == (2, 1, 4 * MINUTE, 2 * HOUR)
    assert (current.incidents, current.mtta, current.mttr) == (1, None, None)


def test_what_happened_counts_where_it_happened() -> None:
    """An incident of one week that somebody came to and that ended in the next: its times are the next week's, so that
    no figure of a week that is over changes later."""
    over_midnight = case(1, MONDAY - HOUR, 2 * HOUR, 3 * HOUR)
    *_, last, current = measure(asked(), tally([over_midnight])).weeks
    assert (last.incidents, last.acknowledged, last.mtta, last.mttr) == (1, 0, None, None)
    assert (current.incidents, current.acknowledged, current.mtta, current.mttr) == (0, 1, 2 * HOUR, 3 * HOUR)


def test_a_start_that_calls_several_people_is_one_call() -> None:
    """With each of them one too; one that became worse and was told anew is another."""
    calls = [call(MONDAY), call(MONDAY, "second", first=False), call(MONDAY)]
    found = measure(asked(), tally(calls=calls))
    assert found.weeks[-1].calls == 2
    assert {load.receiver: load.calls[-1] for load in found.loads} == {"on-call": 2, "second": 1}


@given(st.lists(st.tuples(st.integers(0, 6 * 24 * 60), st.integers(0, 900), st.integers(1, 900)), max_size=30))
def test_digest_and_statistics_have_the_same_figures(ones: list[tuple[int, int, int]]) -> None:
    """Of the same stretch of time by the same clocks: pages, those out of hours, both means, and the noise."""
    cases = [case(number, MONDAY - WEEK + at * MINUTE, took * MINUTE, lasted * MINUTE)
             for number, (at, took, lasted) in enumerate(ones)]
    calls = [call(one.opened_at) for one in cases]
    kinds = {AlertKind("A", "shop"): Counts(len(ones), 1)} if ones else {}
    week = (found := measure(asked(), tally(cases, calls, kinds))).weeks[1]
    held = slots_of(cases, MONDAY - WEEK, MONDAY)
    facts = Facts(MONDAY - WEEK, MONDAY, record=Tally(held, calls, kinds, LONG_AGO))
    assert load_of(facts, BERLIN).now == Figures(week.incidents or 0, week.acknowledged or 0, week.mtta, week.mttr,
                                                 week.calls or 0, week.calls_out_of_hours or 0)
    assert noise_of(facts, BERLIN) == list(found.noise)


def test_a_week_before_the_record_is_unknown_and_not_zero() -> None:
    """One that it began within is known in part."""
    first, second, third = measure(asked(), tally(since=MONDAY - WEEK + DAY)).weeks
    assert (first.known, first.incidents, first.calls) == (0, None, None)
    assert (second.known, second.incidents) == (pytest.approx(6 / 7, abs=0.01), 0)
    assert third.known == 1
    assert all(week.calls is None for week in measure(asked(), Tally()).weeks)


def test_calls_out_of_hours_are_those_outside_them_by_local_clocks() -> None:
    """Nights, weekends; nine in the morning of a Tuesday is not."""
    calls = [call(MONDAY - 6 * DAY + at) for at in (3 * HOUR, 9 * HOUR)]  # a Tuesday
    calls.append(call(MONDAY - DAY + 12 * HOUR))  # a Sunday
    found = measure(asked(), tally(calls=calls))
    assert (found.weeks[1].calls, found.weeks[1].calls_out_of_hours) == (3, 2)
    load, = found.loads
    assert (load.receiver, load.person, load.calls, load.out_of_hours) == ("on-call", "jane", (0, 3, 0), 2)


@pytest.mark.parametrize(("hours", "at", "within"), [
    ("MON-FRI 22:00-06:00", 4 * DAY + 23 * HOUR, True), ("MON-FRI 22:00-06:00", 5 * DAY + 3 * HOUR, True),
    ("MON-FRI 22:00-06:00", 6 * DAY + 3 * HOUR, False), ("08:00-18:00", 6 * DAY + 9 * HOUR, True)])
def test_hours_may_go_past_midnight(hours: str, at: int, within: bool) -> None:
    """The night after Friday is Friday's."""
    assert asked(hours=hours).office.is_open(MONDAY - WEEK + at) is within


def test_days_it_flapped_are_those_of_the_zone() -> None:
    """Two hours of one day, and one that is the next day's in Berlin; the loudest first."""
    hours = {MONDAY + 5 * HOUR, MONDAY + 9 * HOUR, MONDAY + DAY}
    kinds = {AlertKind("Steady", ""): Counts(1, 0, 1), AlertKind("Flappy", ""): Counts(9, 9, 1, 1, hours)}
    found = measure(asked(), tally(kinds=kinds)).noise
    assert [(one.alert, one.episodes, one.incidents, one.never_acknowledged, one.gone_soon, one.flapping_days)
            for one in found] == [("Flappy", 9, 1, 1, 9, 2), ("Steady", 1, 1, 0, 0, 0)]


def test_what_has_not_ended_is_no_noise() -> None:
    """Of an incident that ended in the time, the alerts may have ended before it."""
    assert measure(asked(), tally(kinds={AlertKind("A", ""): Counts(incidents=1)})).noise == ()


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
    calls = [call(at) for at in times if wanted.since <= at <= NOW]
    found = measure(wanted, tally(calls=calls))
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
    kinds = {AlertKind(name, ""): Counts(1) for name in ("=1+1", "@SUM(A1)", "-2", "Good, one")}
    rows = list(csv.reader(io.StringIO(forms.as_csv(measure(asked(), tally(kinds=kinds, since=None))))))
    assert {row[1] for row in rows if row[0] == "alert"} == {"'=1+1", "'@SUM(A1)", "'-2", "Good, one"}
    assert all(row[4] == "" for row in rows if row[0] == "week")


def test_every_listed_object_has_an_id() -> None:
    """Of the JSON."""
    view = forms.view(measure(asked(), tally([case(1, MONDAY)], [call(MONDAY)], {AlertKind("A", ""): Counts(1)})))
    assert all(item["id"] for name in ("weeks", "calls", "noise") for item in view[name])
    assert view["calls"][0]["id"] == "on-call/jane"

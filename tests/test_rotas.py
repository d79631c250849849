"""Who is on call when: turns, handovers by the wall clock, hours, stand-ins."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.model import HOUR, MINUTE
from alertd.rotas import DAYS, Handover, Rota, StandIn, gaps, on_call, parse_handover, parse_hours

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
PRIMARY = Rota("primary", ("alice", "bob"), parse_handover("MON 09:00"), BERLIN, datetime.date(2026, 11, 23))


def at(text: str) -> int:
    """Milliseconds of a local time in Berlin."""
    return round(datetime.datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp() * 1000)


ZONES = st.sampled_from([zoneinfo.ZoneInfo(name) for name in (
    "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata", "UTC")])
TIMES = st.times().map(lambda time: time.replace(second=0, microsecond=0))
INSTANTS = st.integers(at("2010-01-01T00:00"), at("2035-01-01T00:00"))
HOURS = st.builds(lambda days, begins, ends: parse_hours(f"{','.join(days)} {begins:%H:%M}-{ends:%H:%M}"),
                  st.lists(st.sampled_from(DAYS), min_size=1, unique=True), TIMES, TIMES)


NO_HOURS = st.just(())


@st.composite
def rotas(draw: st.DrawFn, hours: st.SearchStrategy[tuple[object, ...]] = NO_HOURS) -> tuple[Rota, int, int]:
    """A rota, and a time of up to three weeks to look at, with stand-ins in it."""
    since = draw(INSTANTS)
    until = since + draw(st.integers(1, 21 * 24 * HOUR))
    edges = st.integers(since - HOUR, until + HOUR)
    stand_ins = draw(st.lists(st.builds(lambda a, b, who: StandIn(min(a, b), max(a, b) + 1, who), edges, edges,
                                        st.sampled_from("xyz")), max_size=4))
    rota = Rota("r", tuple("abc"[:draw(st.integers(1, 3))]),
                Handover(draw(TIMES), draw(st.none() | st.integers(0, 6))), draw(ZONES),
                draw(st.dates(datetime.date(2009, 1, 1), datetime.date(2036, 1, 1))), draw(hours), tuple(stand_ins))
    return rota, since, until


def test_turns_change_on_monday_at_nine() -> None:
    """The first person's turn begins at the first handover on the start date, and a week later it is the next's."""
    assert PRIMARY.on_call(at("2026-11-23T09:00")) == "alice"
    assert PRIMARY.on_call(at("2026-11-30T08:59")) == "alice"
    assert PRIMARY.on_call(at("2026-11-30T09:00")) == "bob"
    assert PRIMARY.on_call(at("2026-11-23T08:59")) == "bob", "turns are counted back from the start too"


@pytest.mark.parametrize(("week", "hours"), [("2027-03-22", 167), ("2026-10-19", 169), ("2026-11-02", 168)])
def test_a_week_ends_at_nine_by_the_clock(week: str, hours: int) -> None:
    """The week in which clocks change has an hour less or more, and the handover stays at nine."""
    began = at(f"{week}T09:00")
    [first, *_] = PRIMARY.shifts(began, began + 200 * HOUR)
    assert first.ends - first.starts == hours * HOUR
    assert datetime.datetime.fromtimestamp(first.ends / 1000, BERLIN).hour == 9


def test_a_handover_in_the_hour_that_comes_twice_happens_once() -> None:
    """At the first 02:30 the next one takes over, and does not give it back at the second 02:15."""
    rota = dataclasses.replace(PRIMARY, handover=parse_handover("02:30"))
    first = at("2026-10-25T02:30")
    before, after = rota.on_call(first - 1), rota.on_call(first)
    assert before != after
    assert {rota.on_call(first + minutes * MINUTE) for minutes in (15, 45, 75, 600)} == {after}


def test_a_handover_in_the_hour_that_is_skipped_comes_an_hour_later() -> None:
    """02:30 does not exist on the night clocks go forward: it is 03:30."""
    rota = dataclasses.replace(PRIMARY, handover=parse_handover("02:30"))
    assert rota.turn_began(at("2027-03-28T12:00")) == at("2027-03-28T03:30")


@given(rotas())
def test_without_hours_everything_is_covered(drawn: tuple[Rota, int, int]) -> None:
    """A rota without hours has exactly one person at every instant: its shifts tile the time."""
    rota, since, until = drawn
    shifts = rota.shifts(since, until)
    assert (shifts[0].starts, shifts[-1].ends) == (since, until)
    assert all(one.ends == two.starts for one, two in itertools.pairwise(shifts))
    assert all(shift.starts < shift.ends for shift in shifts)
    assert gaps([rota], since, until) == []


@given(rotas(st.lists(HOURS, max_size=2).map(tuple)), st.data())
def test_shifts_say_what_on_call_says(drawn: tuple[Rota, int, int], data: st.DataObject) -> None:
    """At any instant the shift that holds it names the person on call, and where none does it is a gap."""
    rota, since, until = drawn
    shifts, holes = rota.shifts(since, until), gaps([rota], since, until)
    edges = [edge + step for shift in shifts for edge in (shift.starts, shift.ends) for step in (-1, 0)]
    for instant in [data.draw(st.integers(since, until - 1)), *(edge for edge in edges if since <= edge < until)]:
        named = [shift.person for shift in shifts if shift.starts <= instant < shift.ends]
        person = rota.on_call(instant)
        assert named == ([person] if person else [])
        assert any(starts <= instant < ends for starts, ends in holes) == (person is None)


@given(rotas(st.lists(HOURS, min_size=1, max_size=1).map(tuple)))
def test_a_stand_in_wins(drawn: tuple[Rota, int, int]) -> None:
    """Inside a stand-in's time it is the last one written who is on call, also outside the hours."""
    rota, since, until = drawn
    rota = dataclasses.replace(rota, stand_ins=(*rota.stand_ins, StandIn(since, until, "zoe")))
    assert {rota.on_call(instant) for instant in (since, (since + until) // 2, until - 1)} == {"zoe"}


@given(rotas())
def test_turns_go_round(drawn: tuple[Rota, int, int]) -> None:
    """After everybody had one turn it is the first one's again."""
    rota, since, _ = drawn
    rota = dataclasses.replace(rota, stand_ins=(), timezone=zoneinfo.ZoneInfo("UTC"))
    round_ = len(rota.people) * rota.handover.days * 24 * HOUR
    assert rota.on_call(since) == rota.on_call(since + round_)


def test_hours_leave_the_rest_to_others() -> None:
    """Office hours and the night shift past midnight leave the evening and the weekend open, and those are the gaps."""
    office = dataclasses.replace(PRIMARY, hours=(parse_hours("MON-FRI 08:00-18:00"),))
    night = dataclasses.replace(PRIMARY, people=("carol",), hours=(parse_hours("MON-FRI 22:00-08:00"),))
    assert on_call([office, night], at("2026-11-24T03:00")) == ("carol",)
    assert on_call([office, night], at("2026-11-24T19:00")) == ()
    holes = gaps([office, night], at("2026-11-27T00:00"), at("2026-11-30T09:00"))
    assert holes == [(at("2026-11-27T18:00"), at("2026-11-27T22:00")), (at("2026-11-28T08:00"), at("2026-11-30T08:00"))]


@pytest.mark.parametrize(("text", "weekdays"), [
    ("MON-FRI 09:00-17:00", {0, 1, 2, 3, 4}), ("sat, sun 00:00-24:00", {5, 6}), ("FRI-MON 9:00-17:00", {4, 5, 6, 0}),
    ("20:00-08:00", set(range(7)))])
def test_hours_are_read(text: str, weekdays: set[int]) -> None:
    """Days are ranges, lists, or left out for every day."""
    assert parse_hours(text).weekdays == weekdays


@pytest.mark.parametrize("text", ["MON", "25:00", "MONDAY 09:00", "FOO 09:00", "MON 09:60", ""])
def test_no_handover(text: str) -> None:
    """What is no handover is refused with what to write instead."""
    with pytest.raises(ValueError, match="; "):
        parse_handover(text)


@pytest.mark.parametrize("text", ["MON-FRI", "09:00", "FOO 09:00-17:00", "MON- 09:00-17:00", "25:00-26:00"])
def test_no_hours(text: str) -> None:
    """What is no stretch of hours is refused with what to write instead."""
    with pytest.raises(ValueError, match="; "):
        parse_hours(text)

"""Calendars: what others are shown of a rota, and what theirs say."""

from __future__ import annotations

import dataclasses

import pytest

from alertd.calendars import heard, written
from alertd.model import DAY, HOUR
from alertd.rotas import StandIn
from tests.test_rotas import BERLIN, PRIMARY, at

PEOPLE = {"alice": {"email": "alice@example.com"}, "bob": {"email": "Bob@example.com"},
          "carol": {"slack": "U012ABCDEF"}}
SINCE, UNTIL = at("2026-11-23T00:00"), at("2027-04-30T00:00")


def calendar(*events: str) -> bytes:
    """A calendar with these events, each a line of properties separated by blanks of two."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//EN"]
    for number, event in enumerate(events):
        lines += ["BEGIN:VEVENT", *([] if "UID:" in event else [f"UID:{number}"]), *event.split("  "), "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def said(*events: str) -> list[StandIn]:
    return list(heard(calendar(*events), PEOPLE, BERLIN, SINCE, UNTIL).stand_ins)


@pytest.mark.parametrize(("who", "person"), [
    ("SUMMARY:bob", "bob"), ("SUMMARY:Carol covers the night", "carol"), ("SUMMARY:On call", None),
    ("SUMMARY:swap alice and bob", None), ("SUMMARY:bobby", None),
    ("SUMMARY:alice is away  ATTENDEE:mailto:bob@example.com", "bob")])
def test_an_event_is_about_one_person(who: str, person: str | None) -> None:
    """By an attendee's address, else by the only name in the title; any other event is named and changes nothing."""
    found = heard(calendar(f"{who}  DTSTART:20261201T080000Z  DTEND:20261201T180000Z"), PEOPLE, BERLIN, SINCE, UNTIL)
    starts = at("2026-12-01T09:00")
    assert found.stand_ins == ((StandIn(starts, starts + 10 * HOUR, person),) if person else ())
    assert bool(found.unknown) == (person is None)


def test_times_without_a_zone_are_the_rotas() -> None:
    """A floating time and a whole day are meant by the clocks of the rota."""
    found = said("SUMMARY:bob  DTSTART:20261201T090000  DTEND:20261201T100000",
                 "SUMMARY:carol  DTSTART;VALUE=DATE:20261224  DTEND;VALUE=DATE:20261226")
    assert found == [StandIn(at("2026-12-01T09:00"), at("2026-12-01T10:00"), "bob"),
                     StandIn(at("2026-12-24T00:00"), at("2026-12-26T00:00"), "carol")]


def test_a_weekly_event_keeps_to_the_wall_clock() -> None:
    """Every week at nine, also after the clocks changed; what was taken out, moved or cancelled is not there."""
    weekly = ("SUMMARY:bob  UID:w  DTSTART;TZID=Europe/Berlin:20270315T090000  DTEND;TZID=Europe/Berlin:20270315T100000"
              "  RRULE:FREQ=WEEKLY;UNTIL=20270413  EXDATE;TZID=Europe/Berlin:20270322T090000")
    moved = ("SUMMARY:bob  UID:w  RECURRENCE-ID;TZID=Europe/Berlin:20270405T090000"
             "  DTSTART;TZID=Europe/Berlin:20270406T090000  DTEND;TZID=Europe/Berlin:20270406T100000")
    cancelled = ("SUMMARY:bob  UID:w  STATUS:CANCELLED  RECURRENCE-ID;TZID=Europe/Berlin:20270412T090000"
                 "  DTSTART;TZID=Europe/Berlin:20270412T090000  DTEND;TZID=Europe/Berlin:20270412T100000")
    assert [one.starts for one in said(weekly, moved, cancelled)] == [
        at("2027-03-15T09:00"), at("2027-03-29T09:00"), at("2027-04-06T09:00")]


@pytest.mark.parametrize("body", [
    b"", b"<html>sign in</html>", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", b"\xff\xfe",
    calendar("SUMMARY:bob  DTSTART:20000101T000000Z  DTEND:20000101T000001Z  RRULE:FREQ=SECONDLY"),
    calendar("SUMMARY:bob  DTSTART:20000101T000000Z  DTEND:20000101T000001Z  RRULE:FREQ=DAILY;BYSECOND=1,2,3"),
    calendar("SUMMARY:bob")])
def test_what_is_no_calendar(body: bytes) -> None:
    """A sign-in page, a torn file or a rule without end is an error, and never an empty calendar."""
    with pytest.raises(ValueError, match="is no calendar that can be read"):
        heard(body, PEOPLE, BERLIN, SINCE, UNTIL)


def test_what_is_written_reads_back() -> None:
    """Everybody's shifts as events with their names; asked again later, a shift has the same UID."""
    rota = dataclasses.replace(PRIMARY, stand_ins=(StandIn(SINCE + 3 * DAY, SINCE + 4 * DAY, "carol"),))
    body = written([rota], SINCE + DAY, SINCE + 21 * DAY, SINCE)
    read = heard(body, PEOPLE, BERLIN, SINCE, UNTIL).stand_ins
    shifts = rota.shifts(rota.turn_began(SINCE + DAY), SINCE + 21 * DAY)
    assert read == tuple(StandIn(shift.starts, shift.ends, shift.person) for shift in shifts)
    later = written([rota], SINCE + 2 * DAY, SINCE + 21 * DAY, SINCE + DAY)
    assert _uids(later) == _uids(body)


def _uids(body: bytes) -> list[bytes]:
    return [line for line in body.splitlines() if line.startswith(b"UID")]

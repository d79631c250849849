"""Calendars (iCal, RFC 5545): a rota's shifts as one that others subscribe to, and one of theirs that says who stands
in. Pure."""

from __future__ import annotations

import dataclasses
import datetime
import re
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from alertd.model import Millis
from alertd.rotas import Rota, StandIn

PRODUCT = "-//alertd//on call//EN"
MOST_EVENTS = 5_000  # of one calendar; a rota has some hundred in ten years
_STEPS = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})  # anything faster has no end worth computing
_FINE = ("BYHOUR", "BYMINUTE", "BYSECOND", "BYSETPOS")


@dataclasses.dataclass(frozen=True, slots=True)
class Heard:
    """What a calendar says: who is on call instead of whose turn it is, and the titles that name nobody we know."""

    stand_ins: tuple[StandIn, ...]
    unknown: tuple[str, ...] = ()


def written(rotas: Iterable[Rota], since: Millis, until: Millis, now: Millis) -> bytes:
    """The shifts of these rotas that begin or last in this time. A shift keeps its UID from one asking to the next."""
    import icalendar  # with dateutil some 3 MB, which only calendars need; so below

    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    for rota in rotas:
        for shift in rota.shifts(rota.turn_began(since), until):
            event = icalendar.Event()
            event.add("uid", f"{re.sub(r'[^A-Za-z0-9]+', '-', f'{rota.name}-{shift.person}')}-{shift.starts}@alertd")
            event.add("dtstamp", _utc(now))
            event.add("dtstart", _utc(shift.starts))
            event.add("dtend", _utc(shift.ends))
            event.add("summary", f"{shift.person} on call ({rota.name})")
            calendar.add_component(event)
    return bytes(calendar.to_ical())


def heard(body: bytes, people: Mapping[str, Mapping[str, str]], zone: zoneinfo.ZoneInfo, since: Millis, until: Millis
          ) -> Heard:
    """What a calendar says of the time between these; `people` are addresses by channel. Times without a zone and
    whole days are those of `zone`. ValueError where it is no calendar, or one that asks for too much."""
    import icalendar

    try:
        calendar: Any = icalendar.Calendar.from_ical(body)  # the library types a property as any of thirty classes
        events = [event for event in calendar.walk("VEVENT") if str(event.get("STATUS", "")).upper() != "CANCELLED"]
        moved = {(str(event.get("UID")), _aware(event["RECURRENCE-ID"].dt, zone))
                 for event in calendar.walk("VEVENT") if "RECURRENCE-ID" in event}
        if len(events) > MOST_EVENTS:
            raise ValueError(f"has over {MOST_EVENTS} events")
        stand_ins: list[StandIn] = []
        unknown: dict[str, None] = {}
        for event in events:
            person = _person(event, people)
            times = [(starts, ends) for starts, ends in _times(event, zone, moved, since, until)
                     if starts < ends and starts < until and ends > since]
            if person is None:
                unknown.update(dict.fromkeys([str(event.get("SUMMARY", "an event without a title"))] if times else []))
            else:
                stand_ins += [StandIn(starts, ends, person) for starts, ends in times]
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
        raise ValueError(f"is no calendar that can be read: {error}") from error
    return Heard(tuple(sorted(stand_ins, key=lambda one: (one.starts, one.ends, one.person))), tuple(unknown))


def _person(event: Any, people: Mapping[str, Mapping[str, str]]) -> str | None:
    """Whom an event is about: by an attendee's address, else the one name that stands in its title."""
    attendees = event.get("ATTENDEE", [])
    mails = {str(one).lower().removeprefix("mailto:") for one in (
        attendees if isinstance(attendees, list) else [attendees])}
    named = [name for name, ways in people.items() if ways.get("email", "").lower() in mails - {""}]
    title = str(event.get("SUMMARY", ""))
    named = named or [name for name in people if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", title, re.IGNORECASE)]
    return named[0] if len(named) == 1 else None


def _times(event: Any, zone: zoneinfo.ZoneInfo, moved: set[tuple[str, datetime.datetime]], since: Millis,
           until: Millis) -> Iterator[tuple[Millis, Millis]]:
    """When an event takes place, each time it comes; one that recurs without those that were moved or taken out."""
    begins, ends = _aware(event.start, zone), _aware(event.end, zone)
    if not event.rrules and not event.rdates:
        yield _millis(begins), _millis(ends)
        return
    lasts = ends.replace(tzinfo=None) - begins.replace(tzinfo=None)  # by the clocks, so that nine o'clock stays nine
    from dateutil import rrule

    dates = rrule.rruleset()
    for rule in event.rrules:
        dates.rrule(rrule.rrulestr(_bounded(rule, zone), dtstart=begins))
    for date in event.rdates:
        dates.rdate(_aware(date[0] if isinstance(date, tuple) else date, zone))
    for date in event.exdates:
        dates.exdate(_aware(date, zone))
    first = datetime.datetime.fromtimestamp(since / 1000, zone) - lasts - datetime.timedelta(days=1)
    for date in dates.between(first, datetime.datetime.fromtimestamp(until / 1000, zone), inc=True):
        if "RECURRENCE-ID" in event or (str(event.get("UID")), date) not in moved:
            yield _millis(date), _millis(date + lasts)


def _bounded(rule: Any, zone: zoneinfo.ZoneInfo) -> str:
    """A rule as dateutil takes it: its end in UTC, and no rule that would be computed for ever."""
    if str(rule["FREQ"][0]).upper() not in _STEPS or any(key in rule for key in _FINE):
        raise ValueError("an event recurs more often than daily")
    import icalendar

    whole: Any = icalendar.vRecur(rule)
    if "UNTIL" in whole:
        last = whole["UNTIL"][0]
        if not isinstance(last, datetime.datetime):
            last = datetime.datetime.combine(last, datetime.time(23, 59, 59))
        whole["UNTIL"] = [_aware(last, zone).astimezone(zoneinfo.ZoneInfo("UTC"))]
    return str(whole.to_ical().decode())


def _aware(moment: datetime.date, zone: zoneinfo.ZoneInfo) -> datetime.datetime:
    if not isinstance(moment, datetime.datetime):
        moment = datetime.datetime.combine(moment, datetime.time())
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _millis(moment: datetime.datetime) -> Millis:
    return round(moment.timestamp() * 1000)


def _utc(at: Millis) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at // 1000, datetime.UTC)

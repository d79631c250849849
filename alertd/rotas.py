"""Who is on call: people who take turns, hand over at a local time of day, and stand in for one another. Pure.

Wall time rules. A handover at 09:00 is at nine by the clocks of the rota's zone, so the week in which they change has
an hour less or more. A time that the clocks skip counts as an hour later, one that comes twice as its first.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import re
import zoneinfo
from collections.abc import Iterable, Iterator
from functools import lru_cache

from alertd.model import Millis

DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
FIRST_MONDAY = datetime.date(1970, 1, 5)  # where turns are counted from when the file does not say
ONE_DAY = datetime.timedelta(days=1)

_TIME = r"([01]?\d|2[0-3]):([0-5]\d)"
_HANDOVER = re.compile(rf"(?:(?P<day>[A-Za-z]{{3}})\s+)?{_TIME}", re.ASCII)
_HOURS = re.compile(rf"(?:(?P<days>[A-Za-z,\s-]+?)\s+)?{_TIME}\s*-\s*(?:{_TIME}|(24):00)", re.ASCII)


@dataclasses.dataclass(frozen=True, slots=True)
class Handover:
    """When one hands over to the next: every day, or every week on a weekday (0 is Monday)."""

    at: datetime.time
    weekday: int | None = None

    @property
    def days(self) -> int:
        """How many days a turn has."""
        return 1 if self.weekday is None else 7


@dataclasses.dataclass(frozen=True, slots=True)
class Hours:
    """The part of the week that a rota covers: on these weekdays from `begins`, to `ends` of the same day or, where
    that is no later, of the next."""

    weekdays: frozenset[int]
    begins: datetime.time
    ends: datetime.time


@dataclasses.dataclass(frozen=True, slots=True)
class StandIn:
    """Somebody is on call from `starts` until before `ends`, whoever's turn it is."""

    starts: Millis
    ends: Millis
    person: str


@dataclasses.dataclass(frozen=True, slots=True)
class Shift:
    """A stretch of time with one person on call. `stands_in`: it is not their turn."""

    starts: Millis
    ends: Millis
    person: str
    stands_in: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Rota:
    """People in the order of their turns. The first one's begins with the first handover on or after `start`, and
    turns are counted back from there too, so that there is always one whose turn it is. Without `hours` a rota covers
    every hour; of the `stand_ins` the last that fits wins, before those that its `calendar` says."""

    name: str
    people: tuple[str, ...]
    handover: Handover
    timezone: zoneinfo.ZoneInfo
    start: datetime.date = FIRST_MONDAY
    hours: tuple[Hours, ...] = ()
    stand_ins: tuple[StandIn, ...] = ()
    line: int = 0
    calendar: tuple[StandIn, ...] = ()

    def on_call(self, at: Millis) -> str | None:
        """Who is on call at this moment; None outside the rota's hours."""
        if (stand_in := self._stand_in(at)) is not None:
            return stand_in.person
        if self.hours and not any(starts <= at < ends for starts, ends in self._covered(at, at + 1)):
            return None
        return self.people[self._turn(at) % len(self.people)]

    def shifts(self, since: Millis, until: Millis) -> list[Shift]:
        """Who is on call when, in order and without overlap; a person's turns that follow each other stay apart."""
        found: list[Shift] = []
        edges = [since, *self._edges(since, until), until]
        for starts, ends in itertools.pairwise(edges):
            person = self.on_call(starts)
            if person is None:
                continue
            stands_in = self._stand_in(starts) is not None
            shift = Shift(starts, ends, person, stands_in)
            last = found[-1] if found else None
            if last and last.ends == starts and (last.person, last.stands_in) == (person, stands_in) and (
                    stands_in or self.turn_began(last.starts) == self.turn_began(starts)):
                found[-1] = dataclasses.replace(last, ends=ends)
            else:
                found.append(shift)
        return found

    def _stand_in(self, at: Millis) -> StandIn | None:
        fitting = (one for one in (*reversed(self.stand_ins), *reversed(self.calendar)) if one.starts <= at < one.ends)
        return next(fitting, None)

    def turn_began(self, at: Millis) -> Millis:
        """When the turn under way at this moment began."""
        return self._handover(self._turn(at))

    def _turn(self, at: Millis) -> int:
        """How many handovers lie between the first one and this moment, below 0 before it."""
        local = _local(at, self.timezone)
        guess = (local - self._first()) // (ONE_DAY * self.handover.days) - 2  # behind, whatever a zone did
        while self._handover(guess + 1) <= at:
            guess += 1
        return guess

    def _first(self) -> datetime.datetime:
        begins, weekday = self.start, self.handover.weekday
        if weekday is not None:
            begins += ONE_DAY * ((weekday - begins.weekday()) % 7)
        return datetime.datetime.combine(begins, self.handover.at)

    def _handover(self, number: int) -> Millis:
        return _instant(self._first() + ONE_DAY * (number * self.handover.days), self.timezone)

    def _covered(self, since: Millis, until: Millis) -> Iterator[tuple[Millis, Millis]]:
        """The stretches that `hours` cover, those around this time among them."""
        day = _local(since, self.timezone).date() - 2 * ONE_DAY
        while day <= _local(until, self.timezone).date() + ONE_DAY:
            for hours in self.hours:
                if day.weekday() in hours.weekdays:
                    last = day if hours.ends > hours.begins else day + ONE_DAY
                    yield (_instant(datetime.datetime.combine(day, hours.begins), self.timezone),
                           _instant(datetime.datetime.combine(last, hours.ends), self.timezone))
            day += ONE_DAY

    def _edges(self, since: Millis, until: Millis) -> list[Millis]:
        """Every moment between these at which somebody else may be on call."""
        edges = {edge for stand_in in (*self.calendar, *self.stand_ins) for edge in (stand_in.starts, stand_in.ends)}
        edges |= {edge for stretch in self._covered(since, until) for edge in stretch} if self.hours else set()
        edges |= {self._handover(turn) for turn in range(self._turn(since), self._turn(until) + 1)}
        return sorted(edge for edge in edges if since < edge < until)


def gaps(rotas: Iterable[Rota], since: Millis, until: Millis) -> list[tuple[Millis, Millis]]:
    """The stretches in which none of these has anybody on call, in order."""
    found: list[tuple[Millis, Millis]] = []
    free = since
    shifts = sorted((shift.starts, shift.ends) for rota in rotas for shift in rota.shifts(since, until))
    for starts, ends in shifts:
        if starts > free:
            found.append((free, starts))
        free = max(free, ends)
    return [*found, (free, until)] if free < until else found


def on_call(rotas: Iterable[Rota], at: Millis) -> tuple[str, ...]:
    """Everybody whom one of these rotas has on call, each once."""
    return tuple(dict.fromkeys(person for rota in rotas if (person := rota.on_call(at))))


def parse_handover(text: str) -> Handover:
    """"MON 09:00" (weekly) or "09:00" (daily). ValueError says what is wrong and what to write."""
    match = _HANDOVER.fullmatch(text.strip())
    if match is None:
        raise ValueError("must be a time of day, with a weekday when it is weekly; write MON 09:00 or 09:00")
    day, hour, minute = match.groups()
    return Handover(datetime.time(int(hour), int(minute)), _weekday(day) if day else None)


def parse_hours(text: str) -> Hours:
    """"MON-FRI 09:00-17:00", "SAT,SUN 00:00-24:00", or "20:00-08:00" for every day."""
    match = _HOURS.fullmatch(text.strip())
    if match is None:
        raise ValueError("must be hours; write MON-FRI 09:00-17:00, or 20:00-08:00 for every day")
    days, hour, minute, last_hour, last_minute, midnight = match.groups()
    begins = datetime.time(int(hour), int(minute))
    ends = datetime.time(0) if midnight else datetime.time(int(last_hour), int(last_minute))
    return Hours(_weekdays(days) if days else frozenset(range(7)), begins, ends)


def _weekdays(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = (word.strip() for word in part.partition("-"))
        begins = _weekday(first)
        length = (_weekday(last) - begins) % 7 if dash else 0
        found |= {(begins + days) % 7 for days in range(length + 1)}
    return frozenset(found)


def _weekday(word: str) -> int:
    if word.upper() not in DAYS:
        raise ValueError(f"{word!r} is no weekday; known are {', '.join(DAYS)}")
    return DAYS.index(word.upper())


def _local(at: Millis, zone: zoneinfo.ZoneInfo) -> datetime.datetime:
    """The clocks' time there, without its zone: good for counting days."""
    return datetime.datetime.fromtimestamp(at / 1000, zone).replace(tzinfo=None)


@lru_cache(maxsize=4096)
def _instant(local: datetime.datetime, zone: zoneinfo.ZoneInfo) -> Millis:
    return round(local.replace(tzinfo=zone, fold=0).timestamp() * 1000)

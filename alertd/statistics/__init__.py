"""How the last weeks were: how long until somebody came and until it was over, who was called when, what is noise.
Pure.

Weeks are those of a zone, from Monday. A week from before anything was recorded is unknown, and so is a mean over
nothing; zero is said only where zero was counted.
"""

from __future__ import annotations

import dataclasses
import datetime
import statistics
import zoneinfo
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from alertd.model import MINUTE, IncidentId, Millis, Severity
from alertd.rotas import Hours, parse_hours

GONE_SOON: Millis = 5 * MINUTE  # an alert that lasts no longer hardly needed a person
FLAPPED = 3  # episodes of one alert within a day
MOST_WEEKS = 26
OFFICE = "MON-FRI 09:00-18:00"  # as the digest has it

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """An incident: when it opened, when somebody first took care of it, when it was over."""

    id: IncidentId
    severity: Severity
    opened_at: Millis
    acknowledged_at: Millis | None
    resolved_at: Millis | None


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """A person was called: a start that a vendor took, by a channel that calls people or to a person's own address."""

    at: Millis
    receiver: str
    person: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Episode:
    """One firing of an alert. `who` tells alerts of one name apart."""

    name: str
    who: str
    starts_at: Millis
    ends_at: Millis | None
    incident: IncidentId | None


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """Over which weeks, by which clocks, and which hours count as working hours."""

    weeks: int
    timezone: zoneinfo.ZoneInfo
    hours: Hours
    now: Millis

    @property
    def begins(self) -> list[datetime.date]:
        """The Mondays, the oldest first; the last week is the one under way."""
        monday = _local(self.now, self.timezone).date()
        monday -= datetime.timedelta(days=monday.weekday())
        return [monday - datetime.timedelta(weeks=back) for back in range(self.weeks - 1, -1, -1)]

    @property
    def since(self) -> Millis:
        return self._at(self.begins[0])

    def _at(self, date: datetime.date) -> Millis:
        return round(datetime.datetime.combine(date, datetime.time(), self.timezone).timestamp() * 1000)

    def bounds(self) -> list[tuple[datetime.date, Millis, Millis]]:
        """Each week with its first moment and the first one after it."""
        return [(date, self._at(date), self._at(date + datetime.timedelta(weeks=1))) for date in self.begins]

    def in_hours(self, at: Millis) -> bool:
        """Whether this moment lies within the working hours."""
        local = _local(at, self.timezone)
        begins, ends, time = self.hours.begins, self.hours.ends, local.time()
        if ends > begins:
            return local.weekday() in self.hours.weekdays and begins <= time < ends
        before = (local - datetime.timedelta(days=1)).weekday()
        return (local.weekday() in self.hours.weekdays and time >= begins) or (
            before in self.hours.weekdays and time < ends)


@dataclasses.dataclass(frozen=True, slots=True)
class Week:
    """What a week held, by when incidents opened and calls were made. `known`: the share of it that was recorded, 0
    (and then every figure is None) to 1. Means are in milliseconds."""

    begins: datetime.date
    known: float
    incidents: int | None = None
    acknowledged: int | None = None
    mtta: Millis | None = None
    mttr: Millis | None = None
    calls: int | None = None
    calls_out_of_hours: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Load:
    """Calls to one receiver, or one person of it, a week each (None: not recorded)."""

    receiver: str
    person: str | None
    calls: tuple[int | None, ...]
    out_of_hours: int


@dataclasses.dataclass(frozen=True, slots=True)
class Noise:
    """One alert name over the whole time: how often it fired, in how many incidents; how many of those nobody ever
    took care of; how many episodes were gone within five minutes; on how many days one of them flapped."""

    alert: str
    episodes: int
    incidents: int
    never_acknowledged: int
    gone_soon: int
    flapping_days: int


@dataclasses.dataclass(frozen=True, slots=True)
class Statistics:
    """All of it; weeks are the oldest first, loads and noise the most first. `cut`: there were more alerts than are
    looked at."""

    asked: Asked
    weeks: tuple[Week, ...]
    loads: tuple[Load, ...]
    noise: tuple[Noise, ...]
    cut: bool = False


def ask(weeks: str, timezone: str, hours: str, now: Millis) -> Asked:
    """What a person or a program asked for; ValueError says what is wrong with it."""
    if not weeks.isdecimal() or not 1 <= int(weeks) <= MOST_WEEKS:
        raise ValueError(f"weeks is a number from 1 to {MOST_WEEKS}")
    try:
        zone = zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"timezone: there is no zone {timezone[:60]!r}; write Europe/Berlin") from error
    try:
        return Asked(int(weeks), zone, parse_hours(hours), now)
    except ValueError as error:
        raise ValueError(f"hours: {error}") from error


def measure(asked: Asked, cases: Sequence[Case], calls: Sequence[Call], episodes: Sequence[Episode],
            recorded_since: Millis | None, *, cut: bool = False) -> Statistics:
    """The figures. `recorded_since` is when the first webhook came that is known of; None: none ever did."""
    bounds = asked.bounds()
    known = [_known(begins, ends, recorded_since, asked.now) for _, begins, ends in bounds]
    weeks = tuple(_week(date, share, _within(cases, begins, ends, lambda case: case.opened_at),
                        _within(calls, begins, ends, lambda call: call.at), asked)
                  for (date, begins, ends), share in zip(bounds, known, strict=True))
    return Statistics(asked, weeks, tuple(_loads(asked, calls, known)), tuple(_noise(episodes, cases, asked.timezone)),
                      cut)


def trend(values: Sequence[float | None]) -> float | None:
    """How the newest whole week differs from the mean of those before it; the last value is the week under way. None
    where there is nothing to compare."""
    *whole, _ = values or (None,)
    before = [value for value in whole[:-1] if value is not None]
    if not whole or whole[-1] is None or not before:
        return None
    return whole[-1] - statistics.fmean(before)


def _known(begins: Millis, ends: Millis, recorded_since: Millis | None, now: Millis) -> float:
    if recorded_since is None:
        return 0.0
    until = min(ends, now)
    return max(0.0, min(1.0, (until - max(begins, recorded_since)) / max(until - begins, 1)))


def _week(begins: datetime.date, known: float, cases: Sequence[Case], calls: Sequence[Call], asked: Asked) -> Week:
    if not known:
        return Week(begins, 0.0)
    taken = [case.acknowledged_at - case.opened_at for case in cases if case.acknowledged_at is not None]
    over = [case.resolved_at - case.opened_at for case in cases if case.resolved_at is not None]
    return Week(begins, round(known, 3), len(cases), len(taken), _mean(taken), _mean(over), len(calls),
                sum(not asked.in_hours(call.at) for call in calls))


def _loads(asked: Asked, calls: Sequence[Call], known: Sequence[float]) -> Iterable[Load]:
    by_whom: dict[tuple[str, str | None], list[Call]] = {}
    for call in calls:
        by_whom.setdefault((call.receiver, call.person), []).append(call)
    found = []
    for (receiver, person), theirs in by_whom.items():
        numbers = [len(_within(theirs, begins, ends, lambda call: call.at)) if share else None
                   for (_, begins, ends), share in zip(asked.bounds(), known, strict=True)]
        found.append(Load(receiver, person, tuple(numbers), sum(not asked.in_hours(call.at) for call in theirs)))
    return sorted(found, key=lambda load: (-sum(one or 0 for one in load.calls), load.receiver, load.person or ""))


def _noise(episodes: Iterable[Episode], cases: Iterable[Case], zone: zoneinfo.ZoneInfo) -> Iterable[Noise]:
    attended = {case.id: case.acknowledged_at is not None for case in cases}
    by_name: dict[str, list[Episode]] = {}
    for episode in episodes:
        by_name.setdefault(episode.name, []).append(episode)
    found = []
    for name, theirs in by_name.items():
        incidents = {one.incident for one in theirs if one.incident is not None}
        soon = sum(one.ends_at is not None and one.ends_at - one.starts_at <= GONE_SOON for one in theirs)
        alone = sum(not attended[id] for id in incidents if id in attended)
        found.append(Noise(name, len(theirs), len(incidents), alone, soon, _flapping_days(theirs, zone)))
    return sorted(found, key=lambda noise: (-noise.episodes, noise.alert))


def _flapping_days(episodes: Iterable[Episode], zone: zoneinfo.ZoneInfo) -> int:
    starts: dict[tuple[str, datetime.date], int] = {}
    for one in episodes:
        key = one.who, _local(one.starts_at, zone).date()
        starts[key] = starts.get(key, 0) + 1
    return len({date for (_, date), number in starts.items() if number >= FLAPPED})


def _within(items: Sequence[T], begins: Millis, ends: Millis, at: Callable[[T], Millis]) -> list[T]:
    return [item for item in items if begins <= at(item) < ends]


def _mean(values: Sequence[Millis]) -> Millis | None:
    return round(statistics.fmean(values)) if values else None


def _local(at: Millis, zone: zoneinfo.ZoneInfo) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at / 1000, zone)

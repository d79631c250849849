"""What a stretch of time held, in figures: the day of a digest and the week of the statistics are counted alike. Pure.

Everything is counted where it happened: an incident where it opened, the time to acknowledge it where somebody came,
the time to resolve it where it ended. So each counts once, and what is over stays as it was.
"""

from __future__ import annotations

import dataclasses
import datetime
import statistics
from collections.abc import Iterable, Sequence

from alertd.model import MINUTE, Millis
from alertd.statistics.record import Call, Case, Episode, Office, Record, kind_of

GONE_SOON: Millis = 5 * MINUTE  # an alert that lasts no longer hardly needed a person
FLAPPED = 3  # episodes of one alert within a day


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """Incidents that opened, those that somebody first took care of, how long that took (`mtta`) and how long it took
    until those were over that ended (`mttr`), both means in milliseconds and None over nothing; calls, and those of
    them out of hours."""

    incidents: int
    acknowledged: int
    mtta: Millis | None
    mttr: Millis | None
    calls: int
    calls_out_of_hours: int


@dataclasses.dataclass(frozen=True, slots=True)
class Noise:
    """The alerts of one name and service: how often they fired, in how many incidents; how many of those ended without
    anybody taking care; how many episodes were gone within five minutes; on how many days one of them flapped."""

    alert: str
    service: str
    episodes: int
    incidents: int
    never_acknowledged: int
    gone_soon: int
    flapping_days: int

    @property
    def kind(self) -> str:
        """What to tune so that there is less of it."""
        return kind_of(self.alert, self.service)


def figures(record: Record, begins: Millis, ends: Millis, office: Office) -> Figures:
    """From `begins` to before `ends`."""

    def within(at: Millis | None) -> bool:
        return at is not None and begins <= at < ends

    came = [one.acknowledged_at - one.opened_at for one in record.cases
            if one.acknowledged_at is not None and within(one.acknowledged_at)]
    over = [one.resolved_at - one.opened_at for one in record.cases
            if one.resolved_at is not None and within(one.resolved_at)]
    made = [call for call in starts(record.calls) if within(call.at)]
    return Figures(sum(within(one.opened_at) for one in record.cases), len(came), _mean(came), _mean(over), len(made),
                   sum(not office.is_open(call.at) for call in made))


def starts(calls: Iterable[Call]) -> list[Call]:
    """One call for each start, whoever and however many were called by it: the first; in order."""
    first: dict[tuple[str, int], Call] = {}
    for call in sorted(calls, key=lambda call: call.at):
        first.setdefault((call.incident, call.epoch), call)
    return list(first.values())


def noise(episodes: Iterable[Episode], cases: Iterable[Case], office: Office) -> list[Noise]:
    """By alert and service, the most frequent first."""
    alone = {case.id for case in cases if case.acknowledged_at is None and case.resolved_at is not None}
    by_kind: dict[tuple[str, str], list[Episode]] = {}
    for episode in episodes:
        by_kind.setdefault((episode.name, episode.service), []).append(episode)
    found = []
    for (name, service), theirs in by_kind.items():
        incidents = {one.incident for one in theirs if one.incident is not None}
        soon = sum(one.ends_at is not None and one.ends_at - one.starts_at <= GONE_SOON for one in theirs)
        found.append(Noise(name, service, len(theirs), len(incidents), len(incidents & alone), soon,
                           _flapping_days(theirs, office)))
    return sorted(found, key=lambda one: (-one.episodes, one.kind))


def _flapping_days(episodes: Iterable[Episode], office: Office) -> int:
    began: dict[tuple[str, datetime.date], int] = {}
    for one in episodes:
        key = one.who, office.local(one.starts_at).date()
        began[key] = began.get(key, 0) + 1
    return len({date for (_, date), number in began.items() if number >= FLAPPED})


def _mean(times: Sequence[Millis]) -> Millis | None:
    return round(statistics.fmean(times)) if times else None

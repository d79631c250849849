"""What a stretch of time held, in figures: the day of a digest and the week of the statistics are counted alike. Pure.

Everything is counted where it happened: an incident where it opened, the time to acknowledge it where somebody came,
the time to resolve it where it ended, and so an alert where it ended. So each counts once, and what is over stays as it
was.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping

from alertd.model import MINUTE, Millis
from alertd.statistics.record import AlertKind, Counts, Office, kind_of
from alertd.statistics.tally import Ring, Slot, quarter_of

GONE_SOON: Millis = 5 * MINUTE  # an alert that lasts no longer hardly needed a person
FLAPPED = 3  # ends of one alert within an hour by the clock


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
    """The alerts of one name and service: how often they fired and ended, in how many incidents that ended; how many of
    those without anybody taking care; how many alerts were gone within five minutes; on how many days one of them
    flapped."""

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


def figures(slots: Iterable[Slot], rings: Iterable[Ring], office: Office) -> Figures:
    """Of all that these held."""
    held, first = Slot(), [ring for ring in rings if ring.first]
    for slot in slots:
        held.add(slot)
    return Figures(held.opened, held.acknowledged, _mean(held.to_acknowledge, held.acknowledged),
                   _mean(held.to_resolve, held.ended), sum(ring.number for ring in first), out_of_hours(first, office))


def out_of_hours(rings: Iterable[Ring], office: Office) -> int:
    """How many of these calls came when nobody was at work."""
    return sum(ring.number for ring in rings if not _is_open(office, quarter_of(ring.at)))


@functools.lru_cache(maxsize=2**15)
def _is_open(office: Office, at: Millis) -> bool:
    return office.is_open(at)


def noise(kinds: Mapping[AlertKind, Counts], office: Office) -> list[Noise]:
    """By alert and service, the most frequent first."""
    found = [Noise(kind.name, kind.service, one.ended, one.incidents, one.never_acknowledged, one.gone_soon,
                   len({office.local(hour).date() for hour in one.flapped}))
             for kind, one in kinds.items() if one.ended]
    return sorted(found, key=lambda one: (-one.episodes, one.kind))


def _mean(total: Millis, number: int) -> Millis | None:
    return round(total / number) if number else None

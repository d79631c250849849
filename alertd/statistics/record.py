"""What the figures are made of: incidents, kinds of alerts, and the hours at which people are at work."""

from __future__ import annotations

import dataclasses
import datetime
import zoneinfo
from typing import NamedTuple

from alertd.model import IncidentId, Labels, Millis
from alertd.rotas import Hours, parse_hours

OFFICE = "MON-FRI 09:00-18:00"  # hours in which nobody is woken, unless asked otherwise


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """An incident: when it opened, when somebody first took care of it, when it was over."""

    id: IncidentId
    opened_at: Millis
    acknowledged_at: Millis | None
    resolved_at: Millis | None


class AlertKind(NamedTuple):
    """What makes alerts one kind: name and service, '' where there is none."""

    name: str
    service: str


@dataclasses.dataclass(slots=True)
class Counts:
    """Of one kind: alerts that ended and those of them that were gone soon; incidents with such alerts that were
    resolved, and those of them that nobody took care of; the hours in which it flapped. `labels`: of one alert."""

    ended: int = 0
    gone_soon: int = 0
    incidents: int = 0
    never_acknowledged: int = 0
    flapped: set[Millis] = dataclasses.field(default_factory=set)
    labels: Labels = dataclasses.field(default_factory=dict)

    def add(self, other: Counts) -> None:
        """Those of another stretch of time."""
        self.ended += other.ended
        self.gone_soon += other.gone_soon
        self.incidents += other.incidents
        self.never_acknowledged += other.never_acknowledged
        self.flapped |= other.flapped
        self.labels = other.labels or self.labels


@dataclasses.dataclass(frozen=True, slots=True)
class Office:
    """The working hours, by the clocks of a zone."""

    timezone: zoneinfo.ZoneInfo
    hours: Hours = dataclasses.field(default_factory=lambda: parse_hours(OFFICE))

    def local(self, at: Millis) -> datetime.datetime:
        """A moment by its clocks."""
        return datetime.datetime.fromtimestamp(at / 1000, self.timezone)

    def is_open(self, at: Millis) -> bool:
        """Whether whoever is called then is at work; else it is their evening, night or weekend."""
        local = self.local(at)
        weekdays, begins, ends, time = self.hours.weekdays, self.hours.begins, self.hours.ends, local.time()
        if ends > begins:
            return local.weekday() in weekdays and begins <= time < ends
        before = (local - datetime.timedelta(days=1)).weekday()
        return (local.weekday() in weekdays and time >= begins) or (before in weekdays and time < ends)


def kind_of(name: str, service: str) -> str:
    """What people call alerts of one name and service."""
    return f"{name} of {service}" if service else name

"""What the figures are made of: what is known of incidents, of calls, and of alerts."""

from __future__ import annotations

import dataclasses
import datetime
import zoneinfo
from collections.abc import Mapping, Sequence

from alertd.model import IncidentId, Labels, Millis, Severity
from alertd.rotas import Hours, parse_hours

OFFICE = "MON-FRI 09:00-18:00"  # hours in which nobody is woken, unless asked otherwise


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
    """A person was called: a critical start that a vendor took, by a channel that calls people or to a person's own
    address. `epoch` tells the times apart that an incident became worse and was told anew."""

    at: Millis
    receiver: str
    person: str | None
    incident: IncidentId
    epoch: int = 1
    team: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Episode:
    """One firing of an alert. `who` tells alerts of one name apart."""

    name: str
    who: str
    starts_at: Millis
    ends_at: Millis | None
    incident: IncidentId | None
    service: str = ""

    @property
    def kind(self) -> str:
        """What to tune so that there is less of it."""
        return kind_of(self.name, self.service)


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """All of it of some time. `since`: of what was before nothing is known, None where nothing ever was; `samples` has
    the labels of one alert of each kind; `cut`: there were more alerts than are looked at; `quieter`: so many kinds of
    noise are left out of the episodes, which come less often than all that are in them."""

    cases: Sequence[Case] = ()
    calls: Sequence[Call] = ()
    episodes: Sequence[Episode] = ()
    since: Millis | None = None
    samples: Mapping[str, Labels] = dataclasses.field(default_factory=dict)
    cut: bool = False
    quieter: int = 0


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

"""When an incident that comes and goes is flapping: then it is held open, and one notice stands for all its swings.
Pure.

A swing is a start or an end of the whole incident. What came back once is news each time; what comes a third time
within half an hour will come again, and who is told of it then learns nothing new.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from alertd.model import MINUTE, Incident, Millis

MOST = 50  # swings that are remembered: more than enough for any limit that makes sense


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """It flaps once it has swung so often within so long a time, and until it has been quiet for so long."""

    changes: int = 6
    within: Millis = 30 * MINUTE
    quiet: Millis = 15 * MINUTE


def swung(incident: Incident, limits: Limits | None, now: Millis) -> Incident:
    """The incident that ended just now, or that began once more while it is held open. Only an end is ever held back:
    a start is told to whoever has not been told of it."""
    if limits is None:
        return incident
    swings = counted(incident.swings, limits, now)
    flaps = incident.flapping or (incident.firing == 0 and len(swings) >= limits.changes)
    return dataclasses.replace(incident, swings=swings, quiet_at=now + limits.quiet if flaps else None)


def counted(before: Iterable[Millis], limits: Limits | None, now: Millis) -> tuple[Millis, ...]:
    """The swings that count, and the one of just now."""
    return (*(at for at in before if at > now - limits.within), now)[-MOST:] if limits else ()

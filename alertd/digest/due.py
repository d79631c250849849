"""When a digest is due: once per local date, whatever clocks, restarts and replicas do."""

from __future__ import annotations

import datetime
import enum
from zoneinfo import ZoneInfo

from alertd.model import Millis


class Every(enum.StrEnum):
    """Every day, or every week on a day."""

    DAY = "day"
    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"

    @property
    def days(self) -> int:
        """From one to the next."""
        return 1 if self is Every.DAY else 7

    @property
    def word(self) -> str:
        return "daily" if self is Every.DAY else "weekly"

    @property
    def span(self) -> str:
        """What it looks back on."""
        return "day" if self is Every.DAY else "week"


def due(at: datetime.time, zone: ZoneInfo, now: Millis, every: Every = Every.DAY) -> datetime.date:
    """The local date of the newest digest that should have gone out by now, one going out at this time.

    One per local date, whatever the clock does: an hour that comes twice is one date, an hour that is skipped is
    over once its date's time has passed, and after downtime the newest one goes out late, once.
    """
    local = datetime.datetime.fromtimestamp(now / 1000, zone)
    newest = local.date() if local.time() >= at else local.date() - datetime.timedelta(days=1)
    if every is Every.DAY:
        return newest
    return newest - datetime.timedelta(days=(newest.weekday() - list(Every).index(every) + 1) % 7)


def moment(date: datetime.date, at: datetime.time, zone: ZoneInfo) -> Millis:
    """When this time of this local date is, or would be where the clock skips it."""
    return int(datetime.datetime.combine(date, at, zone).timestamp() * 1000)

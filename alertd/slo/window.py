"""The stretch of time a budget is of: the last so many days, or a week, month or quarter of the calendar."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import re
import zoneinfo

from alertd.model import DAY, HOUR, Millis

UTC = zoneinfo.ZoneInfo("UTC")
MOST: Millis = 3660 * DAY


class Period(enum.StrEnum):
    """Of the calendar. A week begins on Monday."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"

    @property
    def rolling(self) -> Millis:
        """The length of a rolling window that is most like it."""
        return _ROLLING[self]

    @property
    def longest(self) -> Millis:
        """How long it may be, less the hour that the clocks may give it."""
        return _LONGEST[self]


_ROLLING = {Period.WEEK: 7 * DAY, Period.MONTH: 30 * DAY, Period.QUARTER: 90 * DAY}
_LONGEST = {Period.WEEK: 7 * DAY, Period.MONTH: 31 * DAY, Period.QUARTER: 92 * DAY}


@dataclasses.dataclass(frozen=True, slots=True)
class Rolling:
    """The last `length`, whole hours. What grew old leaves it."""

    length: Millis

    def begin(self, now: Millis) -> Millis:
        """The full hour it begins at: it has its full hours, and the one under way as far as it has come."""
        return (now - self.length) // HOUR * HOUR

    def end(self, _now: Millis) -> Millis | None:
        """It never begins anew."""
        return None

    def __str__(self) -> str:
        days, hours = divmod(self.length, DAY)
        return f"{days}d" if not hours else f"{self.length // HOUR}h"

    @property
    def said(self) -> str:
        """In a sentence."""
        return f"the last {self}"


@dataclasses.dataclass(frozen=True, slots=True)
class Calendar:
    """The week, month or quarter by the clocks of a zone. It begins with a full budget."""

    period: Period
    timezone: zoneinfo.ZoneInfo = UTC

    def begin(self, now: Millis) -> Millis:
        """Local midnight of its first day; in a zone that is half an hour off, the full hour after it."""
        return -(-self._midnight(self._first(now)) // HOUR) * HOUR

    def end(self, now: Millis) -> Millis | None:
        """When the next one begins."""
        first = self._first(now)
        if self.period is Period.WEEK:
            return self._midnight(first + datetime.timedelta(days=7))
        month = first.month + (3 if self.period is Period.QUARTER else 1)
        return self._midnight(first.replace(year=first.year + (month > 12), month=(month - 1) % 12 + 1))

    def _first(self, now: Millis) -> datetime.date:
        today = datetime.datetime.fromtimestamp(now / 1000, self.timezone).date()
        if self.period is Period.WEEK:
            return today - datetime.timedelta(days=today.weekday())
        quarter = (today.month - 1) // 3 * 3 + 1
        return today.replace(day=1, month=quarter if self.period is Period.QUARTER else today.month)

    def _midnight(self, day: datetime.date) -> Millis:
        local = datetime.datetime.combine(day, datetime.time(), self.timezone)
        return round(local.timestamp() * 1000)

    def __str__(self) -> str:
        return self.period.value

    @property
    def said(self) -> str:
        """In a sentence."""
        return f"the calendar {self.period} ({self.timezone.key})"


Window = Rolling | Calendar


def parse(text: str, timezone: str = "UTC") -> Window:
    """`7d`, `36h`, `week`, `month` or `quarter`; ValueError says what is wrong."""
    place = zone(timezone)
    if text in set(Period):
        return Calendar(Period(text), place)
    found = re.fullmatch(r"(\d{1,5})([hdw])", text, re.ASCII)
    length = int(found[1]) * {"h": HOUR, "d": DAY, "w": 7 * DAY}[found[2]] if found else 0
    if not 0 < length <= MOST:
        raise ValueError(f"{text!r} is no window; write one such as 7d, 36h, week, month or quarter")
    return Rolling(length)


def zone(name: str) -> zoneinfo.ZoneInfo:
    """The time zone of this name; ValueError where there is none."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone; write one such as Europe/Berlin") from error

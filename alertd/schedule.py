"""Maintenance windows: when they are, once or again and again, and what they cover. Pure.

Wall time rules. A window covers every minute that its zone's clocks show as within it: an hour that comes twice is
covered both times. Where it would begin or end in an hour that the clocks skip, it does so at the first minute there
is; one that lies within the skipped hour as a whole begins there and keeps its length.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence

from dateutil import rrule

from alertd.matchers import Matcher
from alertd.model import DAY, Labels, Millis
from alertd.rotas import Hours

ONE_DAY = datetime.timedelta(days=1)
LONGEST: Millis = 31 * DAY  # one occurrence of what recurs; how far back is looked for one that still lasts
AHEAD: Millis = 8 * DAY  # how far an edge is looked for before it is looked for again; weekly windows have one in it
YEARS: Millis = 5 * 366 * DAY  # what does not begin within these is taken never to
DAY_OF = {"DAILY": frozenset({"FREQ"}), "WEEKLY": frozenset({"BYDAY"}), "MONTHLY": frozenset({"BYDAY", "BYMONTHDAY"}),
          "YEARLY": frozenset({"BYDAY", "BYMONTHDAY", "BYYEARDAY"})}  # what names the day; daily rules need none
STEPS = tuple(DAY_OF)  # faster rules have no end worth computing

Stretch = tuple[Millis, Millis]  # from the first moment to before the second


class Mode(enum.StrEnum):
    """What becomes of what would be told within a window: kept until its end, or collected for the digest as well."""

    HOLD = "hold"
    DIGEST = "digest"


@dataclasses.dataclass(frozen=True, slots=True)
class Once:
    """One stretch of time."""

    starts: Millis
    ends: Millis

    def around(self, since: Millis, until: Millis) -> Iterator[Stretch]:
        if self.starts < until and self.ends > since:
            yield self.starts, self.ends


@dataclasses.dataclass(frozen=True, slots=True)
class Weekly:
    """Hours of the week, by the clocks of a zone."""

    hours: tuple[Hours, ...]
    timezone: zoneinfo.ZoneInfo

    def around(self, since: Millis, until: Millis) -> Iterator[Stretch]:
        day = _local(since, self.timezone).date() - 2 * ONE_DAY
        last = _local(until, self.timezone).date() + ONE_DAY
        while day <= last:
            for hours in self.hours:
                if day.weekday() in hours.weekdays:
                    ending = day if hours.ends > hours.begins else day + ONE_DAY
                    yield _stretch(datetime.datetime.combine(day, hours.begins),
                                   datetime.datetime.combine(ending, hours.ends), self.timezone)
            day += ONE_DAY


@dataclasses.dataclass(frozen=True, slots=True)
class Recurring:
    """An RRULE of RFC 5545 whose occurrences last `length` each. `first` is what it counts from, by the clocks there;
    None: it counts nothing, and begins at midnight unless the rule says."""

    rule: str
    length: Millis
    timezone: zoneinfo.ZoneInfo
    first: datetime.datetime | None = None

    def around(self, since: Millis, until: Millis) -> Iterator[Stretch]:
        begin, end = (_local(at, self.timezone) for at in (since - self.length, until))
        begin -= ONE_DAY
        rule = _parsed(self.rule, self.first or begin.replace(hour=0, minute=0, second=0, microsecond=0))
        for local in rule.between(begin, end + ONE_DAY, inc=True):
            starts = _first_of(local, self.timezone)
            yield starts, starts + self.length


When = Once | Weekly | Recurring


@dataclasses.dataclass(frozen=True, slots=True)
class Window:
    """Maintenance of what all matchers match (without any: of everything). `line` is that of routing.yaml; `id` that of
    one that a person made, by `creator`. `notices`: its start and end are told."""

    name: str
    matchers: tuple[Matcher, ...]
    when: When
    mode: Mode = Mode.HOLD
    reason: str = ""
    line: int = 0
    id: str = ""
    creator: str = ""
    notices: bool = True
    exclude_from_budget: bool = False

    def covers(self, labels: Labels) -> bool:
        return all(matcher.matches(labels) for matcher in self.matchers)

    def occurrences(self, since: Millis, until: Millis) -> list[Stretch]:
        """Each stretch that lies in this time or reaches into it, in order; what overlaps or touches is one."""
        found: list[Stretch] = []
        for starts, ends in sorted(self.when.around(since, until)):
            if starts >= ends or ends <= since or starts >= until:
                continue
            if found and starts <= found[-1][1]:
                found[-1] = found[-1][0], max(found[-1][1], ends)
            else:
                found.append((starts, ends))
        return found

    def active(self, at: Millis) -> Stretch | None:
        """The occurrence under way at this moment. Of one that lasts without end, the end that is known so far."""
        return next((one for one in self.occurrences(at - LONGEST, at + AHEAD) if one[0] <= at < one[1]), None)

    def next(self, at: Millis, number: int = 5) -> list[Stretch]:
        """The occurrence under way and those to come."""
        found: list[Stretch] = []
        span = 4 * AHEAD
        while len(found) < number + 1 and span < 2 * YEARS:  # one more: the last may go on past what was looked at
            found = self.occurrences(at, at + span)
            span *= 4
        return found[:number]

    @property
    def title(self) -> str:
        """What every reason that names it begins with."""
        return f"maintenance window {self.name!r} ("

    def place(self, file: str) -> str:
        """How a reason names it."""
        where = f"{file}:{self.line}" if self.line else f"{self.id}, made by {self.creator}"
        return f"{self.title}{where})" + (f", {self.reason}" if self.reason else "")


class Windows:
    """All windows there are. What is active is computed once for each stretch of time in which nothing begins or ends:
    asking costs nothing while none is."""

    def __init__(self, every: Iterable[Window] = ()) -> None:
        self.every = tuple(every)
        self._now: tuple[Millis, Millis, tuple[Window, ...]] = (0, 0 if self.every else 2**62, ())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Windows) and self.every == other.every

    def __hash__(self) -> int:
        return hash(self.every)

    def active(self, at: Millis) -> tuple[Window, ...]:
        """The windows within which this moment lies."""
        since, until, active = self._now  # as one value: two threads ask
        if not since <= at < until:
            since, until, active = self._now = self._looked(at)
        return active

    def _looked(self, at: Millis) -> tuple[Millis, Millis, tuple[Window, ...]]:
        stretches = [one.occurrences(at - LONGEST, at + AHEAD) for one in self.every]
        edges = {edge for stretch in stretches for one in stretch for edge in one if edge > at} | {at + AHEAD}
        return at, min(edges), tuple(window for window, stretch in zip(self.every, stretches, strict=True)
                                     if any(starts <= at < ends for starts, ends in stretch))


def holding(labels: Labels, windows: Sequence[Window]) -> Window | None:
    """The first of these windows that covers an alert with these labels."""
    return next((window for window in windows if window.covers(labels)), None)


def everything(matchers: Iterable[Matcher]) -> bool:
    """Whether these match every alert: there are none, or each takes whatever its label holds."""
    return all(_takes_all(matcher) for matcher in matchers)


def _takes_all(matcher: Matcher) -> bool:
    always_there = matcher.label == "alertname"  # Prometheus gives it to every alert
    if matcher.op in ("!=", "!~"):
        return always_there and matcher.value in ("", "^$") and matcher.matches({"alertname": "x"})
    probes = ("x", "Zq 9-/é", "\u2603") + (() if always_there else ("",))
    return matcher.op == "=~" and all(matcher.matches({matcher.label: probe}) for probe in probes)


def check_rule(rule: str, first: datetime.datetime | None) -> None:
    """ValueError where it is no RRULE, or one that alertd does not take."""
    parts = dict(part.partition("=")[::2] for part in rule.upper().removeprefix("RRULE:").split(";"))
    if parts.get("FREQ") not in STEPS:
        raise ValueError(f"FREQ must be one of {', '.join(STEPS)}; write FREQ=WEEKLY;BYDAY=SU;BYHOUR=2")
    if first is None and ("COUNT" in parts or parts.get("INTERVAL", "1") != "1"):
        raise ValueError("COUNT and INTERVAL count from somewhere; say `from: 2026-12-06T02:00`")
    if first is None and not parts.keys() & DAY_OF[parts["FREQ"]]:  # RFC 5545 takes the day from where it begins
        raise ValueError(f"says no day; add one of {', '.join(sorted(DAY_OF[parts['FREQ']]))}, or `from:`")
    try:
        _parsed(rule, first or datetime.datetime(2026, 1, 1))  # noqa: DTZ001  the clocks' time, in whatever zone
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise ValueError(f"is no RRULE of RFC 5545 ({error}); write FREQ=WEEKLY;BYDAY=SU;BYHOUR=2") from error


def _parsed(rule: str, first: datetime.datetime) -> rrule.rrule:
    return rrule.rrulestr(rule.removeprefix("RRULE:"), dtstart=first)


def _stretch(begins: datetime.datetime, ends: datetime.datetime, zone: zoneinfo.ZoneInfo) -> Stretch:
    first, last = _first_of(begins, zone), _last_of(ends, zone)
    if first >= last:  # within a skipped hour
        last = first + (ends - begins) // datetime.timedelta(milliseconds=1)
    return first, last


def _first_of(local: datetime.datetime, zone: zoneinfo.ZoneInfo) -> Millis:
    """The first moment at which the clocks there show this time, or a later one where they skip it."""
    at, later = (_millis(local.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    if later >= at:
        return at
    before, after = later, at  # skipped: the clocks change between these
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (before, middle) if _offset(middle, zone) == _offset(at, zone) else (middle, after)
    return after


def _last_of(local: datetime.datetime, zone: zoneinfo.ZoneInfo) -> Millis:
    """The last moment at which the clocks there show this time, or the first later one where they skip it."""
    at, later = (_millis(local.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    return later if later >= at else _first_of(local, zone)


def _offset(at: Millis, zone: zoneinfo.ZoneInfo) -> Millis:
    offset = datetime.datetime.fromtimestamp(at / 1000, zone).utcoffset() or datetime.timedelta()
    return offset // datetime.timedelta(milliseconds=1)


def _millis(moment: datetime.datetime) -> Millis:
    return round(moment.timestamp() * 1000)


def _local(at: Millis, zone: zoneinfo.ZoneInfo) -> datetime.datetime:
    """The clocks' time there, without its zone."""
    return datetime.datetime.fromtimestamp(at / 1000, zone).replace(tzinfo=None)

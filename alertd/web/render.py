"""The pages, rendered on the server. Text of strangers is data: autoescaping is on, a missing name is an error, and a
link leads to the web or nowhere."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from alertd import escaping, messages, story, times
from alertd.burndown import Drawn
from alertd.model import SECOND, Alert, Labels, Millis, State
from alertd.statistics import Week
from alertd.store.showing import Row
from alertd.web import static

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_LABELS = 12


def page(template: str, **values: Any) -> str:
    """The page of this template."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # a megabyte, once somebody looks

    environment = Environment(loader=PackageLoader("alertd.web"), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)
    for filter in FILTERS:
        environment.filters[filter.__name__] = filter
    environment.filters |= {"iso": times.iso, "duration": times.duration, "static": static.address}
    return environment


# Times and numbers ---------------------------------------------------------------------------------------------------


def moment(at: Millis) -> str:
    """To the minute."""
    return times.utc(at)


def to_the_second(at: Millis) -> str:
    return f"{times.moment(at):%Y-%m-%d %H:%M:%S}"


def clock(at: Millis) -> str:
    return f"{times.moment(at):%H:%M} UTC"


def moment_of(text: str) -> str:
    """A time of the API as people read it."""
    return f"{datetime.datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC"


def local(text: str) -> str:
    """A time with its zone's offset, as people there read it."""
    at = datetime.datetime.fromisoformat(text)
    return f"{at:%a %Y-%m-%d %H:%M} {_offset(at)}"


def stretch(first: str, last: str) -> str:
    """From one such time to another; what they have in common is said once."""
    begins, ends = datetime.datetime.fromisoformat(first), datetime.datetime.fromisoformat(last)
    if begins.date() != ends.date() or begins.utcoffset() != ends.utcoffset():
        return f"{local(first)} to {local(last)}"
    return f"{begins:%a %Y-%m-%d %H:%M} to {ends:%H:%M} {_offset(ends)}"


def _offset(at: datetime.datetime) -> str:
    return f"{at:%z}" if at.utcoffset() else "UTC"


def in_zone(at: Millis, zone: datetime.tzinfo) -> str:
    """By the clocks of a zone."""
    return f"{datetime.datetime.fromtimestamp(at / 1000, zone):%a %Y-%m-%d %H:%M}"


def ago(at: Millis, now: Millis) -> str:
    if abs(now - at) < SECOND:
        return "just now"
    return f"{times.duration(now - at)} ago" if at <= now else f"in {times.duration(at - now)}"


def thousands(number: int) -> str:
    return f"{number:,}"


def share(value: float | None) -> str:
    """A ratio in percent; unknown is no number."""
    if value is None:
        return "unknown"
    percent = 100 * value
    return f"{percent:.4g} %" if abs(percent) < 1000 else f"{percent:.0f} %"


def percent_width(value: float) -> str:
    return f"{100 * min(max(value, 0.0), 1.0):.1f}"


def calls_chart(weeks: Sequence[Week]) -> str:
    """What the chart of calls draws."""
    at = [datetime.datetime.combine(week.begins, datetime.time(), datetime.UTC).timestamp() for week in weeks]
    return json.dumps({"series": ["calls", "out of hours", "incidents"], "points": [
        at, [week.calls for week in weeks], [week.calls_out_of_hours for week in weeks],
        [week.incidents for week in weeks]]})


def burndown_chart(drawn: Drawn) -> str:
    """What the chart of an objective draws."""
    return json.dumps({"series": ["budget left"], "points": [drawn.times, drawn.left], "percent": True})


def scaled(days: Sequence[float | None]) -> list[float | None]:
    """Shares as a line shows them: the top is the most there was, and a tenth of the budget at least."""
    top = max([0.1, *(day for day in days if day is not None)])
    return [None if day is None else day / top for day in days]


def polyline(points: Sequence[float | None]) -> list[str]:
    """Points of lines in a box of 120 by 28, 1 at its top; where a value is unknown the line has a gap."""
    if not points:
        return []
    low = min([0.0, *(point for point in points if point is not None)])
    high = max([1.0, *(point for point in points if point is not None)])
    lines: list[list[str]] = [[]]
    for index, point in enumerate(points):
        if point is None:
            lines.append([])
            continue
        x, y = 120 * index / max(len(points) - 1, 1), 26 - 24 * (point - low) / (high - low)
        lines[-1].append(f"{x:.1f},{y:.1f}")
    return [" ".join(line) for line in lines if line]


# Text of strangers ---------------------------------------------------------------------------------------------------


def short(text: object, most: int) -> str:
    """In one line, harmless and no longer than that."""
    return escaping.line(str(text), most)


def summary(alert: Alert) -> str:
    return messages.summary(alert)


def headline(row: Row) -> str:
    """What an incident is about, in one line."""
    if row.alerts:
        return messages.summary(row.alerts[0])
    said = " ".join(f"{key}={value}" for key, value in sorted(row.incident.labels.items()))
    return escaping.line(said, messages.SUMMARY) or f"incident {row.incident.id}"


def others(row: Row) -> list[str]:
    """What else its alerts say than the first."""
    said = dict.fromkeys(map(messages.summary, row.alerts))
    return list(said)[1:]


def shown_labels(labels: Labels, without: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Names and values, cut to what fits a page."""
    found = [(escaping.line(key, 80), escaping.line(value, messages.VALUE)) for key, value in sorted(labels.items())
             if key not in without]
    more = len(found) - MOST_LABELS
    return [*found[:MOST_LABELS], ("more", f"+{more}")] if more > 0 else found


def links(alert: Alert) -> list[tuple[str, str, str]]:
    """Where the alert says one should look, as (name, address, host)."""
    return [(link.name, link.url, link.host) for link in story.links([alert])]


def told(row: Row, now: Millis) -> str:
    """Whom its newest start reached, or was to."""
    note = row.told
    if note is None:
        return "nobody is told"
    who = escaping.line(f"{note.outlet.receiver} by {note.outlet.channel}", messages.VALUE)
    if note.state is State.SENT:
        return f"told {who}, {ago(note.created_at, now)}"
    if note.state is State.DEAD:
        return f"{who} could not be told"
    if note.state is State.HELD:
        return f"{who} is told later: {escaping.line(note.reason, 160)}"
    return f"{who} is being told" if note.state in (State.QUEUED, State.CLAIMED) else f"{who}: {note.state.value}"


# Addresses of our own ------------------------------------------------------------------------------------------------


def segment(text: str) -> str:
    """A name as one part of a path, or as a value of a query."""
    return quote(text, safe="")


def encoded(query: Mapping[str, str]) -> str:
    return urlencode(query)


def with_cursor(query: Mapping[str, str], cursor: object) -> str:
    return "?" + urlencode({**{key: value for key, value in query.items() if key != "cursor"}, "cursor": str(cursor)})


def without_cursor(query: Mapping[str, str]) -> str:
    return "?" + urlencode({key: value for key, value in query.items() if key != "cursor"})


FILTERS: tuple[Callable[..., object], ...] = (
    ago, burndown_chart, calls_chart, clock, encoded, headline, in_zone, links, local, moment,
    moment_of, others, percent_width, polyline, scaled, segment, share, short, shown_labels, stretch, summary,
    thousands, to_the_second, told, with_cursor, without_cursor)

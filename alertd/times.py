"""Moments and lengths of time, as people and programs read them. Pure."""

from __future__ import annotations

import datetime

from alertd.model import DAY, HOUR, MINUTE, SECOND, Millis


def duration(length: Millis) -> str:
    """The two largest units: 40 s, 23 min, 2 h 5 min, 3 d 4 h."""
    if length < MINUTE:
        return f"{length // SECOND} s"
    if length < HOUR:
        return f"{length // MINUTE} min"
    large, small = ((HOUR, "h"), (MINUTE, "min")) if length < DAY else ((DAY, "d"), (HOUR, "h"))
    rest = length % large[0] // small[0]
    return f"{length // large[0]} {large[1]}" + (f" {rest} {small[1]}" if rest else "")


def utc(at: Millis) -> str:
    """A moment as people read it."""
    return f"{moment(at):%Y-%m-%d %H:%M} UTC"


def iso(at: Millis) -> str:
    """A moment as programs read it (RFC 3339, milliseconds)."""
    return moment(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(at: Millis) -> datetime.datetime:
    """`at` as a date and time of day, UTC."""
    return datetime.datetime.fromtimestamp(at / 1000, datetime.UTC)

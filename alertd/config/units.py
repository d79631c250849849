"""Percentages and durations as people write them, read exactly: no float ever stands between text and rule."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal

from alertd.model import DAY, HOUR, MINUTE, SECOND, Millis

MOST_DURATION: Millis = 2**63 // 1_000_000  # Prometheus counts nanoseconds in 64 bits, some 292 years
FIRST_YEAR, LAST_YEAR = 1971, 9000  # beyond, with an offset or a length added, there are no dates any more
FINEST = 8  # decimals of a ratio: 99.999999 % is finer than anything measured, and counts stay exact in a float

# Prometheus' own form: whole numbers, largest unit first, each unit at most once.
# https://prometheus.io/docs/prometheus/latest/configuration/configuration/#configuration-file
_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?", re.ASCII)
_SIZES = (365 * DAY, 7 * DAY, DAY, HOUR, MINUTE, SECOND, 1)
_WORDS = re.compile(r"(\d+) ?(ms|milliseconds?|s|seconds?|minutes?|hours?|days?|weeks?)", re.ASCII)
_WORD_SIZES = {"ms": 1, "millisecond": 1, "s": SECOND, "second": SECOND, "minute": MINUTE, "hour": HOUR, "day": DAY,
               "week": 7 * DAY}
_PERCENTAGE = re.compile(r"(\d+(?:\.\d+)?) ?%", re.ASCII)


def duration(text: object) -> Millis:
    """Milliseconds of `90s`, `1h30m`, `500ms`, `1d`, `0`, or a number and a word as in `1 second`, `500 ms`.

    Raises ValueError for anything else, and for more than Prometheus can count.
    """
    if isinstance(text, (int, float)) and not isinstance(text, bool) and text != 0:
        raise ValueError(f"{text!r} has no unit; write {text}s or {text}ms")
    plain = str(text).strip()
    millis = _in_words(plain) if " " in plain or plain.endswith(("second", "seconds")) else _as_prometheus(plain)
    if millis is None:
        raise ValueError(f"{plain!r} is no duration; write one such as 500ms, 90s, 5m, 1h30m or 1d")
    if millis > MOST_DURATION:
        raise ValueError(f"{plain!r} is longer than the 292 years Prometheus can count")
    return millis


def _as_prometheus(text: str) -> Millis | None:
    if text == "0":
        return 0
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        return None
    return sum(int(count or 0) * size for count, size in zip(match.groups(), _SIZES, strict=True))


def _in_words(text: str) -> Millis | None:
    match = _WORDS.fullmatch(text)
    if match is None:
        return None
    word = match[2]
    return int(match[1]) * _WORD_SIZES[word if word in _WORD_SIZES else word.removesuffix("s")]


def in_calendar(moment: datetime.datetime) -> datetime.datetime:
    """The moment; raises ValueError for one that cannot be reckoned with."""
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"must be within the years {FIRST_YEAR} to {LAST_YEAR}")
    return moment


def percentage(text: object) -> Decimal:
    """The ratio of `70%`, `99.9 %`: an exact Decimal from 0 to 1.

    Raises ValueError for anything else, a number without % too: 0.7 may mean 70 % or 0.7 %.
    """
    plain = str(text).strip()
    match = _PERCENTAGE.fullmatch(plain)
    if match is None:
        if not isinstance(text, bool) and re.fullmatch(r"\d*\.?\d+", plain, re.ASCII):
            raise ValueError(f"{plain} has no unit; write {plain}%" + _as_ratio(plain))
        raise ValueError(f"{plain!r} is no percentage; write one such as 70% or 99.9%")
    # From the text itself: Decimal arithmetic rounds at 28 digits, moving the point does not.
    ratio = Decimal(f"{match[1]}e-2")
    if ratio > 1:
        raise ValueError(f"{plain} is more than 100%")
    if -int(ratio.normalize().as_tuple().exponent) > FINEST:
        raise ValueError(f"{plain} has more than {FINEST - 2} decimals")
    return ratio


def _as_ratio(text: str) -> str:
    value = Decimal(text)
    return f", or {format((value * 100).normalize(), 'f')}% if a ratio was meant" if 0 < value <= 1 else ""

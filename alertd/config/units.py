"""Durations as Prometheus writes them."""

from __future__ import annotations

import re

from alertd.model import DAY, HOUR, MINUTE, SECOND

# Prometheus' own form: whole numbers, largest unit first, each unit at most once.
_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?", re.ASCII)
_UNITS = (365 * DAY, 7 * DAY, DAY, HOUR, MINUTE, SECOND, 1)


def duration(text: str) -> int:
    """Milliseconds of a duration such as `90s`, `1h30m` or `500ms`; ValueError for anything else."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not text.strip():
        raise ValueError(f"{text!r} is no duration; write one such as 90s, 5m, 1h30m or 1d")
    return sum(int(number or 0) * unit for number, unit in zip(match.groups(), _UNITS, strict=True))

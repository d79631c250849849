"""How times read."""

from __future__ import annotations

import pytest

from alertd import times
from alertd.model import DAY, HOUR, MINUTE, SECOND


@pytest.mark.parametrize(("length", "words"), [
    (0, "0 s"), (59 * SECOND, "59 s"), (MINUTE, "1 min"), (HOUR - 1, "59 min"), (HOUR, "1 h"),
    (2 * HOUR + 5 * MINUTE, "2 h 5 min"), (DAY, "1 d"), (3 * DAY + 4 * HOUR + MINUTE, "3 d 4 h")])
def test_durations(length: int, words: str) -> None:
    """The two largest units."""
    assert times.duration(length) == words


def test_a_moment_is_said_to_the_minute_and_written_to_the_millisecond() -> None:
    """Both in UTC: one for people, one for programs (RFC 3339)."""
    at = 1_795_442_580_123
    assert times.utc(at) == "2026-11-23 14:03 UTC"
    assert times.iso(at) == "2026-11-23T14:03:00.123Z"

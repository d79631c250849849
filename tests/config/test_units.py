"""Durations as Prometheus writes them."""

from __future__ import annotations

import pytest

from alertd.config.units import duration


@pytest.mark.parametrize(("text", "millis"), [
    ("500ms", 500), ("90s", 90_000), ("5m", 300_000), ("1h30m", 5_400_000), ("1d", 86_400_000),
    ("1w2d", 9 * 86_400_000), ("1y", 365 * 86_400_000), (" 2m ", 120_000)])
def test_prometheus_durations(text: str, millis: int) -> None:
    """Whole numbers with units, largest first."""
    assert duration(text) == millis


@pytest.mark.parametrize("text", ["", "5", "m", "1m1h", "1.5h", "-5m", "5 minutes ago", "٣m"])
def test_anything_else_is_refused(text: str) -> None:
    """The refusal shows a duration that would do."""
    with pytest.raises(ValueError, match="90s"):
        duration(text)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.rulegen.slo_world import Counts, Line, humanized_duration
from tests.rulegen.test_scenarios import expanded

PHASES = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 5)), min_size=1, max_size=5)


@given(PHASES)
def test_what_is_counted_is_what_is_shown(phases: list[tuple[int, int]]) -> None:
    """At every minute the line's value is the one that promtool reads from its notation."""
    line = Line.of(phases)
    values = expanded(line.notation())
    assert values == [line.at(minute) for minute in range(len(values))]
    assert len(values) == 1 + sum(minutes for minutes, _ in phases)


@given(PHASES, PHASES, st.integers(0, 50), st.integers(1, 50))
def test_good_and_bad_are_all(every: list[tuple[int, int]], good: list[tuple[int, int]], minute: int, window: int
                              ) -> None:
    """Bad events are those not good, in every window."""
    events, marked = Line.of(every), Line.of(good)
    total, bad = Counts((events,), (marked,), True).within(minute, window * 60_000)
    assert (total, total - bad) == Counts((events,), (marked,), False).within(minute, window * 60_000)


@pytest.mark.parametrize(("seconds", "text"), [(0.5, "500ms"), (12.345, "12.35s"), (61, "1m 1s"), (3600, "1h 0m 0s"),
                                               (90061.9, "1d 1h 1m 1s")])
def test_durations_as_prometheus_writes_them(seconds: float, text: str) -> None:
    """From the largest unit to the second."""
    assert humanized_duration(seconds) == text

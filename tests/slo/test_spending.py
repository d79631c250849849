"""What some time took of a budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.model import HOUR, MINUTE
from alertd.slo.budget import Sums
from alertd.slo.counts import SLOTS, Count, Hour
from alertd.slo.spending import cost, lost

START = 100 * HOUR - MINUTE  # an hour's slots begin a minute before it
WHOLE = Sums(Count(1_000, 10), 10.0, 720.0)


def hour(bad: float = 12.0, unknown: tuple[int, ...] = ()) -> Hour:
    slots = tuple(None if index in unknown else Count(100, bad / SLOTS) for index in range(SLOTS))
    return Hour(100 * HOUR, Count(1_200, bad), 1 - len(unknown) / SLOTS, slots)


def test_what_was_bad_in_its_time_is_what_it_took() -> None:
    """A quarter of an hour with twelve bad events has three of them; half a slot counts by half."""
    assert lost([hour()], [], START, START + 15 * MINUTE) == (pytest.approx(3), 1)
    assert lost([hour()], [], START, START + 150_000) == (pytest.approx(0.5), 1)


def test_what_is_taken_out_took_nothing() -> None:
    """Of the middle, and of all; and it counts as known."""
    taken = [(START + 5 * MINUTE, START + 10 * MINUTE)]
    assert lost([hour(unknown=(1,))], taken, START, START + 15 * MINUTE) == (pytest.approx(2), 1)
    assert lost([], [(START - HOUR, START + HOUR)], START, START + 15 * MINUTE) == (0, 1)


def test_what_was_not_counted_is_unknown() -> None:
    """Nothing known is no zero; something known is said to be the least; a thin window makes no share."""
    assert cost("shop", "up", {}, lost([], [], START, START + HOUR), WHOLE, 720 * HOUR).bad is None
    half = cost("shop", "up", {}, lost([hour(unknown=tuple(range(6)))], [], START, START + HOUR), WHOLE, 720 * HOUR)
    assert (half.bad, half.known) == (pytest.approx(6), pytest.approx(0.5))
    assert half.reason == "at least: only 50% of this time is known"
    thin = cost("shop", "up", {}, (3.0, 1.0), WHOLE, 7_200 * HOUR)
    assert (thin.bad, thin.share, thin.reason) == (3, None, "only 10% of its window is known")
    assert cost("shop", "up", {}, (0.0, 1.0), Sums(known=720.0), 720 * HOUR).share is None


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=4), st.integers(0, 60), st.integers(0, 60))
def test_parts_add_up(cuts: list[tuple[int, int]], one: int, other: int) -> None:
    """Whatever is taken out, two halves of a time took what the whole did."""
    edges = sorted({edge for cut in cuts for edge in cut})
    taken = [(START + begins * MINUTE, START + ends * MINUTE)
             for begins, ends in zip(edges[::2], edges[1::2], strict=False)]
    first, middle, last = START, START + min(one, other) * MINUTE, START + max(one, other) * MINUTE
    parts = [lost([hour()], taken, first, middle), lost([hour()], taken, middle, last)]
    assert sum(bad for bad, _ in parts) == pytest.approx(lost([hour()], taken, first, last)[0], abs=1e-9)

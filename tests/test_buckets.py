"""How fast messages may leave for one place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd import buckets
from alertd.buckets import ASSUMED, DOUBLES, SLOWEST, Pace
from alertd.model import MINUTE, SECOND

T0 = 1_800_000_000_000
ADAPTING = Pace(adapts=True)


def drained(bucket, now):
    """All that may leave now, and the bucket after it."""
    count = buckets.room(bucket, now)
    return count, buckets.take(bucket, count, now)


@given(rate=st.floats(0.05, 50), steps=st.lists(st.integers(-3_000, 9_000), min_size=1, max_size=60))
def test_no_stretch_of_time_sees_more_than_the_rate(rate, steps):
    """However the moments fall, and wherever the clock steps back: what one second brings, and then the rate."""
    bucket, now, left, passed = buckets.full(Pace(rate), T0), T0, 0, 0
    for step in steps:
        now += step
        passed += max(step, 0)
        count, bucket = drained(bucket, now)
        left += count
        assert left <= max(rate, 1) + rate * passed / SECOND + 0.01


@pytest.mark.parametrize(("rate", "at_once", "after"),
                         [(1.0, 1, 1_000), (0.3, 1, 3_334), (50.0, 50, 20), (2.0, 2, 500)])
def test_what_one_second_brings_leaves_at_once(rate, at_once, after):
    """One message at least; the next when its token is there, and not a moment earlier."""
    count, bucket = drained(buckets.full(Pace(rate), T0), T0)
    assert count == at_once
    assert buckets.ready_at(bucket, T0) == T0 + after
    assert buckets.room(bucket, T0 + after - 2) == 0
    assert buckets.room(bucket, T0 + after) == 1


def test_without_a_rate_everything_leaves():
    """And a vendor's "too fast" changes nothing where the pace is fixed: its Retry-After is kept to elsewhere."""
    assert buckets.room(buckets.full(Pace(), T0), T0) is None
    assert buckets.slowed(buckets.full(Pace(1.0), T0), T0) == buckets.full(Pace(1.0), T0)


def test_too_fast_halves_the_rate_each_time():
    """From what is assumed down to the slowest; several answers within a second are one."""
    bucket, now = buckets.full(ADAPTING, T0), T0
    rates = []
    for _ in range(9):
        bucket = buckets.slowed(buckets.slowed(bucket, now), now + 999)
        rates.append(bucket.slow)
        now += SECOND
    assert rates[0] == ASSUMED / 2
    assert rates[1] == pytest.approx(ASSUMED / 4, rel=0.02)  # the second in between gave a little back
    assert rates[-1] == SLOWEST
    assert buckets.room(bucket, now) == 0


def test_the_rate_comes_back():
    """Doubled every minute, and after the last doubling there is no limit again."""
    bucket = buckets.slowed(buckets.full(ADAPTING, T0), T0)
    assert bucket.rate(T0) == 5
    assert bucket.rate(T0 + DOUBLES // 2) == pytest.approx(7.07, abs=0.01)
    assert bucket.rate(T0 + DOUBLES) is None
    assert buckets.room(bucket, T0 + MINUTE) is None

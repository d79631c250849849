"""When more begins than people can read."""

from hypothesis import given
from hypothesis import strategies as st

from alertd.model import MINUTE, SECOND
from alertd.storm import Gauge, Limits, filled, is_calm
from tests.reports import T0

LIMITS = Limits()


def after(*seconds):
    """The gauge after starts at these times, and which of them were one too many."""
    gauge, too_much = Gauge(), []
    for number, second in enumerate(seconds):
        gauge, over = filled(gauge, LIMITS, T0 + int(second * SECOND))
        too_much += [number] if over else []
    return gauge, too_much


def test_twenty_at_once_are_told():
    """The twenty-first is one too many."""
    assert after(*[0] * 20)[1] == []
    assert after(*[0] * 21)[1] == [20]


def test_ten_a_minute_can_go_on_for_ever():
    """And eleven cannot."""
    assert after(*range(0, 3600, 6))[1] == []
    assert after(*[number * 60 / 11 for number in range(660)])[1] != []


def test_it_is_calm_five_minutes_after_less_than_half():
    """However much there was before: a minute from full to half, and five of calm."""
    gauge, _ = after(*[0] * 5_000)
    assert not is_calm(gauge, LIMITS, T0 + 6 * MINUTE - SECOND)
    assert is_calm(gauge, LIMITS, T0 + 6 * MINUTE)


def test_a_few_more_do_not_make_it_rage_longer():
    """Below half the time that it has been calm goes on."""
    gauge, _ = after(*[0] * 21, *range(100, 360, 30))
    assert is_calm(gauge, LIMITS, T0 + 6 * MINUTE)


@given(st.lists(st.floats(0, 60), max_size=80))
def test_no_stretch_lets_more_than_twice_the_limit_pass(pauses):
    """`over` at once, and what drains meanwhile: however they come, not more is told than `over` and 10 a minute."""
    gauge, now, told, first = Gauge(), T0, 0, T0
    for pause in pauses:
        now += int(pause * SECOND)
        gauge, over = filled(gauge, LIMITS, now)
        told += not over
        assert told <= LIMITS.over + (now - first) * LIMITS.over / LIMITS.within + 1

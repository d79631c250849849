"""When the next message may leave for a place."""

from alertd.buckets import Pace
from alertd.engine.pacing import REST, TIRED, Pacer
from alertd.model import HOUR, SECOND
from tests.reports import T0

PACE = Pace()


def test_what_a_vendor_asked_for_is_kept():
    """To the millisecond, and not longer."""
    pacer = Pacer()
    pacer.wait(T0 + 30 * SECOND, T0)
    assert pacer.take(PACE, 1, T0 + 30 * SECOND - 1) == 0
    assert pacer.free_at(PACE, T0 + SECOND) == T0 + 30 * SECOND
    assert pacer.take(PACE, 1, T0 + 30 * SECOND) == 1


def test_it_is_no_longer_once_the_clock_was_set_back():
    """The vendor asked for thirty seconds, not for an hour more."""
    pacer = Pacer()
    pacer.wait(T0 + 30 * SECOND, T0)
    assert pacer.free_at(PACE, T0 - HOUR) == T0 - HOUR + 30 * SECOND
    assert pacer.take(PACE, 1, T0 - HOUR + 30 * SECOND) == 1


def test_a_place_that_only_fails_is_asked_less_often():
    """As often in a row as attempts may be under way there together; one that is accepted ends it."""
    pacer = Pacer()
    for _ in range(TIRED - 1):
        pacer.failed(T0)
    assert pacer.free_at(PACE, T0) <= T0
    pacer.failed(T0)
    assert pacer.free_at(PACE, T0) == T0 + REST
    pacer.took()
    pacer.failed(T0 + REST)
    assert pacer.free_at(PACE, T0 + REST) <= T0 + REST


def test_how_much_room_there_is_can_be_asked_without_taking_it():
    """None before it was ever used, after a change of its pace, or while its vendor asked for a pause."""
    pacer, pace = Pacer(), Pace(3.0)
    assert pacer.room(pace, 8, T0) == 0
    pacer.take(pace, 1, T0)
    assert (pacer.room(pace, 8, T0), pacer.room(pace, 1, T0), pacer.room(Pace(5.0), 8, T0)) == (2, 1, 0)
    pacer.wait(T0 + SECOND, T0)
    assert (pacer.room(pace, 8, T0), pacer.room(pace, 8, T0 - HOUR)) == (0, 0)


def test_what_leaves_anyway_is_owed():
    """The next one leaves once it is paid for."""
    pacer, pace = Pacer(), Pace(1.0)
    pacer.owe(pace, 3, T0)
    assert pacer.free_at(pace, T0) == T0 + 3 * SECOND

"""What maintenance takes out of an hour."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.matchers import parse
from alertd.model import HOUR, MINUTE
from alertd.slo.counts import SLOT, SLOTS, Count, Hour, hours
from alertd.slo.excluding import Exclusion, out, stretches

START = 500_000 * HOUR


def minutes(bad):
    """Two hours with an event each second, and these bad ones by the minute, as the ledger has them."""
    rows = {}
    for slot in range(2 * SLOTS):
        mark = START + (slot + 1) * SLOT
        its = [bad.get(minute, 0) for minute in range(slot * 5 - 1, slot * 5 + 4)]
        rows[mark] = Count(300.0, float(sum(its)))
    return {hour.start: hour for hour in hours(rows)}


def taken(bad, since, until):
    """How many bad ones are taken out between these minutes."""
    found, gone = minutes(bad), [(START + since * MINUTE, START + until * MINUTE)]
    return sum(out(hour, gone, found).count.bad for hour in found.values())


def test_an_outage_within_the_window_goes_whole():
    """Though its first and last slots reach out of it."""
    assert taken(dict.fromkeys(range(20, 42), 60), 20, 42) == pytest.approx(22 * 60)


def test_of_an_outage_that_goes_on_outside_its_part_stays():
    """Ten minutes of it are maintenance."""
    assert taken(dict.fromkeys(range(5, 60), 60), 22, 32) == pytest.approx(10 * 60)


def test_an_outage_that_ended_before_stays():
    """The slot that both lie in keeps it."""
    assert taken(dict.fromkeys(range(5, 22), 60), 22, 60) == pytest.approx(0, abs=1)


def test_across_the_hour_and_within_one_slot():
    """A window over the change of hours; and one of two minutes in the midst of an even burn."""
    assert taken(dict.fromkeys(range(50, 70), 60), 50, 70) == pytest.approx(20 * 60)
    assert taken(dict.fromkeys(range(-1, 119), 10), 61, 63) == pytest.approx(20)


@given(st.dictionaries(st.integers(-1, 118), st.integers(1, 60)), st.integers(0, 110), st.integers(1, 60))
def test_no_more_is_taken_out_than_there_is(bad, since, length):
    """Nor less than nothing; an hour outside loses nothing, one within everything."""
    found, gone = minutes(bad), [(START + since * MINUTE, START + (since + length) * MINUTE)]
    for hour in found.values():
        lost = out(hour, gone, found)
        assert 0 <= lost.count.bad <= hour.count.bad + 1e-6
        assert 0 <= lost.count.events <= hour.count.events + 1e-6
        assert 0 <= lost.share <= 1


def test_stretches_that_touch_are_one_and_matchers_decide():
    """Of what was taken back nothing is left."""
    def one(starts, ends, match='service="shop"', undone=None):
        return Exclusion("", (parse(match),), starts, ends, "", "", 0, undone_at=undone)

    every = [one(0, 5), one(5, 9), one(20, 30, 'service="other"'), one(40, 50, undone=1), one(60, 70)]
    assert stretches(every, {"service": "shop", "slo": "up"}) == [(0, 9), (60, 70)]


def test_an_hour_without_bad_events_loses_its_share():
    """How its events lie in it is not kept."""
    hour = Hour(START, Count(1200.0, 0.0), 1.0)
    lost = out(hour, [(START - MINUTE, START + 29 * MINUTE)], {START: hour})
    assert lost.count.events == pytest.approx(600)

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.presets import Latency
from alertd.rulegen import buckets, promql

TRAEFIK = tuple(Decimal(edge) for edge in ("0.1", "0.3", "1.2", "5"))
SECONDS, MILLIS = Latency("h", 1000, TRAEFIK), Latency("h", 1, (Decimal("0.5"), Decimal(1000)))


@pytest.mark.parametrize(("duration", "edges", "weights"), [
    (300, ("0.3", "0.3"), (1, 0)), (500, ("0.3", "1.2"), (7, 2)), (1000, ("0.3", "1.2"), (2, 7)),
    (5000, ("5", "5"), (1, 0)), (4999, ("1.2", "5"), (1, 3799))])
def test_where_a_time_lies(duration: int, edges: tuple[str, str], weights: tuple[int, int]) -> None:
    """At an edge, or between two by whole weights."""
    place = buckets.between(SECONDS, TRAEFIK, duration)
    assert place is not None
    assert (place.below, place.above) == tuple(map(Decimal, edges))
    assert place.weights == weights
    assert place.exact == (edges[0] == edges[1])


@pytest.mark.parametrize("duration", [1, 99, 5001, 60_000])
def test_outside_nothing_is_known(duration: int) -> None:
    """Below the first edge and above the last."""
    assert buckets.between(SECONDS, TRAEFIK, duration) is None


def test_milliseconds() -> None:
    """A histogram that counts in milliseconds has its edges in them, and they are shown as durations."""
    place = buckets.between(MILLIS, MILLIS.buckets, 1000)
    assert place is not None
    assert place.exact
    assert [buckets.shown(MILLIS, edge) for edge in MILLIS.buckets] == ["0.5ms", "1s"]
    assert buckets.shown(SECONDS, Decimal("1.2")) == "1s200ms"


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=5, unique=True).map(sorted), st.data())
def test_the_weights_are_the_distances(edges: list[int], data: st.DataObject) -> None:
    """Whole, without a common divisor, and in proportion; three slow requests make exactly three."""
    latency = Latency("h", 1000, tuple(Decimal(edge) / 1000 for edge in edges))
    duration = data.draw(st.integers(edges[0], edges[-1]))
    place = buckets.between(latency, latency.buckets, duration)
    assert place is not None
    below, above = place.weights
    assert below * (place.at - place.below) == above * (place.above - place.at)
    assert (below * 3.0 + above * 3.0) / (below + above) == 3.0


@pytest.mark.parametrize(("edge", "condition"), [
    ("0.5", 'le="0.5"'), ("1", r'le=~"1(\\.0)?"'), ("500", r'le=~"500(\\.0)?"'), ("0.1", 'le="0.1"'),
    ("3600000", r'le=~"3600000(\\.0)?|3\\.6e\\+06"'), ("1000000", r'le=~"1000000(\\.0)?|1e\\+06"'),
    ("1234567.5", r'le=~"1234567\\.5|1\\.2345675e\\+06"'), ("0.00001", r'le=~"0\\.00001|1e\\-05"'),
    ("0.0001", 'le="0.0001"')])
def test_every_spelling_of_an_edge(edge: str, condition: str) -> None:
    """Whole edges with and without .0, very large and very small ones with an exponent too."""
    assert promql.le(Decimal(edge)) == condition
    assert promql.spellings(Decimal(edge))[0] == edge

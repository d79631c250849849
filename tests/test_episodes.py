"""One alert at a time."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd import episodes
from alertd.episodes import Verdict
from alertd.model import Alert, IncidentId, ReportedAlert, Severity
from tests.reports import T0, reported, webhook

SECOND = 1000


def told(*alerts: ReportedAlert, now: int = T0 + 90 * SECOND) -> list[Alert]:
    """The episodes known of one fingerprint after these were told one after the other."""
    known: list[Alert] = []
    for index, alert in enumerate(alerts):
        before = episodes.episode_of(known, "am", alert)
        verdict = episodes.merge(alert, before, now)
        after = None
        if verdict is Verdict.OPENED:
            after = episodes.opened(webhook(), index, "am", alert, Severity.CRITICAL, IncidentId("i"))
        elif verdict is Verdict.CLOSED and before:
            after = episodes.closed(before, alert, now)
        elif verdict is Verdict.RECORDED:
            after = episodes.recorded(webhook(), index, "am", alert, now)
        else:
            after = episodes.refreshed(alert, before, verdict)
        if after:
            known = [episode for episode in known if episode.id != after.id] + [after]
    return known


def is_open(known: list[Alert]) -> bool:
    return any(episode.firing for episode in known)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 20) | st.none()), min_size=1, max_size=6), st.randoms())
def test_the_order_of_arrival_does_not_matter(spans, random):
    """Within two minutes, any order and repetition of firing and resolved copies ends open or closed alike."""
    alerts = [
        reported("a", "firing", start=start) if length is None
        else reported("a", "resolved", start=start, end=start + length)
        for start, length in spans
    ]
    shuffled = alerts + random.sample(alerts, random.randint(0, len(alerts)))
    random.shuffle(shuffled)
    firings = [start for start, length in spans if length is None]
    ends = [start + length for start, length in spans if length is not None]
    expected = bool(firings) and (not ends or max(firings) > max(ends))
    assert is_open(told(*shuffled)) == expected


def test_one_episode_is_open_at_a_time():
    """However often it is told, a fingerprint has one open episode."""
    known = told(reported("a"), reported("a", start=5), reported("a"))
    assert [episode.firing for episode in known] == [True]
    assert known[0].starts_at == T0


def test_a_start_that_moves_back_is_kept():
    """Alertmanager merges overlapping alerts to the earliest start; the episode follows."""
    assert told(reported("a", start=30), reported("a", start=10))[0].starts_at == T0 + 10 * SECOND


def test_an_old_end_does_not_close_a_newer_episode():
    """A resolve that ended before the newest start is stale."""
    assert is_open(told(reported("a", start=100), reported("a", "resolved", start=10, end=20)))


@pytest.mark.parametrize(("after", "opens"), [(119, False), (120, True)])
def test_a_firing_copy_after_its_end_is_late_for_two_minutes(after, opens):
    """What overtook is absorbed; what still comes two minutes later is firing again."""
    closed = told(reported("a"), reported("a", "resolved", end=60), now=T0)
    verdict = episodes.merge(reported("a"), closed[0], T0 + after * SECOND)
    assert verdict is (Verdict.OPENED if opens else Verdict.LATE_COPY)


def test_a_peer_that_tells_the_same_alert_is_the_same_source():
    """Peers of one cluster may carry different addresses: same fingerprint, same start, same alert."""
    known = {"a": told(reported("a"))}
    assert episodes.source_of(webhook(reported("a"), source="peer"), known) == "am"
    assert episodes.source_of(webhook(reported("a", start=1), source="peer"), known) == "peer"


def test_what_is_listed_twice_counts_once():
    """A fingerprint that stands twice in one webhook is one alert, as it was told last."""
    twice = (reported("a"), reported("a", "resolved", end=60), reported("b"))
    assert [(alert.fingerprint, alert.state.value) for alert in episodes.once(twice)] == [
        ("a", "resolved"), ("b", "firing")]


def test_every_verdict_is_reachable():
    """The table of verdicts has no dead entry."""
    alerts = [reported("a"), reported("a", "resolved", end=10), reported("a", start=20),
              reported("a", "resolved", start=20, end=30)]
    seen = set()
    for order in itertools.permutations(alerts):
        known: list[Alert] = []
        for index, alert in enumerate((*order, *order)):
            before = episodes.episode_of(known, "am", alert)
            seen.add(episodes.merge(alert, before, T0))
            known = told(*(*order, *order)[: index + 1], now=T0)
    assert seen == set(Verdict)

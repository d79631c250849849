"""A dead man's switch."""

from hypothesis import given
from hypothesis import strategies as st

from alertd.heartbeats import Pulse, beats, judge, report, routing_for
from alertd.incidents import Known, decide
from alertd.matchers import parse
from alertd.model import MINUTE, Severity, WebhookId
from alertd.routing import Heartbeat, choose
from tests.reports import T0, reported, routing, webhook
from tests.test_incidents import deliver, told

HEART = Heartbeat((parse('alertname="Watchdog"'),), 2 * MINUTE, ("on-call",), 41)
TABLE = routing(heartbeats=(HEART,))
KEY = 'alertname="Watchdog"'
BEATING = Pulse(KEY, "http://am-1", T0)


def judged(pulse, now, awake=0, table=TABLE):
    return [changed.silent_since for changed, _ in judge([pulse], table, awake, now)]


def test_a_firing_watchdog_is_a_beat_and_others_are_not():
    """Nor is its end."""
    watchdog = reported("x", alertname="Watchdog")
    assert list(beats(webhook(reported("a"), watchdog), TABLE)) == [KEY]
    assert list(beats(webhook(reported("a"), reported("x", "resolved", alertname="Watchdog")), TABLE)) == []


def test_silence_is_told_once_and_the_next_beat_ends_it():
    """Not before the time is over, and not again at every look."""
    assert judged(BEATING, T0 + 2 * MINUTE) == []
    assert judged(BEATING, T0 + 2 * MINUTE + 1) == [T0]
    silent = Pulse(KEY, "http://am-1", T0, T0)
    assert judged(silent, T0 + 9 * MINUTE) == []
    assert judged(Pulse(KEY, "http://am-1", T0 + 9 * MINUTE, T0), T0 + 9 * MINUTE) == [None]


def test_the_time_alertd_was_away_counts_for_nothing():
    """Whoever was asleep cannot say that nobody knocked."""
    assert judged(BEATING, T0 + 60 * MINUTE, awake=T0 + 59 * MINUTE) == []
    assert judged(BEATING, T0 + 62 * MINUTE, awake=T0 + 59 * MINUTE) == [T0]


def test_a_heartbeat_that_left_the_file_is_watched_no_more():
    """Its open incident ends; nothing new is told."""
    assert judged(BEATING, T0 + 60 * MINUTE, table=routing()) == []
    assert judged(Pulse(KEY, "http://am-1", T0, T0), T0 + 60 * MINUTE, table=routing()) == [None]


def test_silence_is_a_critical_incident_told_to_its_receivers_only():
    """From its start to its end."""
    known = Known()
    table = routing_for(HEART, TABLE)
    start = decide(report(Pulse(KEY, "http://am-1", T0, T0), HEART, WebhookId("h1"), T0 + 1), known, table, T0 + 1)
    known.apply(start)
    deliver(known)
    assert (told(start), start.incidents[0].severity) == ({("on-call", "firing")}, Severity.CRITICAL)
    assert "http://am-1" in start.alerts[0].annotations["summary"]
    end = decide(report(BEATING, HEART, WebhookId("h2"), T0 + 2), known, table, T0 + 2)
    assert told(end) == {("on-call", "resolved")}


def test_sources_are_told_apart():
    """One Alertmanager that fell silent is not excused by another."""
    known = Known()
    for number, source in enumerate(("http://am-1", "http://am-2")):
        message = report(Pulse(KEY, source, T0, T0), HEART, WebhookId(f"h{number}"), T0)
        known.apply(decide(message, known, routing_for(HEART, TABLE), T0))
    assert len(known.incidents) == 2


def test_watchdog_itself_is_told_to_nobody():
    """While it beats."""
    assert choose({"alertname": "Watchdog", "severity": "critical"}, TABLE).receivers == ()


@given(st.lists(st.integers(0, 600), min_size=1, max_size=20), st.integers(0, 600))
def test_after_any_beats_silence_is_told_exactly_when_the_last_is_too_old(times, more):
    """Whatever came before."""
    pulse, now = BEATING, T0
    for seconds in sorted(times):
        now = T0 + seconds * 1000
        for changed, _ in judge([pulse], TABLE, 0, now):
            pulse = changed
        pulse = Pulse(KEY, pulse.source, now, pulse.silent_since)
    now += more * 1000
    for changed, _ in judge([pulse], TABLE, 0, now):
        pulse = changed
    assert (pulse.silent_since is not None) == (now - pulse.beat_at > 2 * MINUTE)

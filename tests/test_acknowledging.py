"""Somebody takes care of an incident."""

import dataclasses

import pytest

from alertd.acknowledging import acknowledge, lapse
from alertd.incidents import Known
from alertd.model import HOUR, IncidentState, Kind, Severity, State
from tests.reports import T0, reported, routing, webhook
from tests.test_incidents import deliver, run, told

TABLE = routing(pages=frozenset({"pagerduty"}), follows=frozenset({"pagerduty", "slack"}),
                acknowledge={Severity.CRITICAL: HOUR})


@pytest.fixture
def known():
    """One critical incident that everybody was told of."""
    known = Known()
    run(known, webhook(reported("a")), TABLE)
    deliver(known)
    return known


def only(known):
    incident, = known.incidents.values()
    return incident, known.notifications[incident.id]


def by_jane(known, **more):
    changes = acknowledge(*only(known), "jane", TABLE, T0, **more)
    known.apply(changes)
    return changes


def test_whoever_follows_hears_who_takes_care_of_it(known):
    """PagerDuty and Slack show it, management is told in its own words."""
    assert told(by_jane(known)) == {(name, "acknowledged") for name in ("on-call", "slack", "management")}
    incident, _ = only(known)
    assert (incident.state, incident.acknowledged_by, incident.acknowledged_until) == (
        IncidentState.ACKNOWLEDGED, "jane", T0 + HOUR)


def test_the_second_to_acknowledge_changes_nothing(known):
    """One command, done twice, has one effect."""
    by_jane(known)
    assert acknowledge(*only(known), "joe", TABLE, T0).incidents == ()


def test_pages_that_wait_are_stopped_and_messages_are_not():
    """A page is for somebody to come; a message is for everybody to know."""
    known = Known()
    run(known, webhook(reported("a")), TABLE)
    changes = by_jane(known)
    assert {(row.outlet.channel, row.state) for row in changes.superseded} == {("pagerduty", State.SUPERSEDED)}
    assert changes.notifications == ()


def test_whoever_told_us_is_not_told(known):
    """PagerDuty knows of its own click."""
    assert ("on-call", "acknowledged") not in told(by_jane(known, told_by="pagerduty"))


def test_a_rise_in_severity_calls_again_although_acknowledged():
    """What was taken care of was the lesser trouble."""
    known = Known()
    run(known, webhook(reported("a", severity="warning")), TABLE)
    deliver(known)
    by_jane(known)
    changes = run(known, webhook(reported("a", severity="warning"), reported("b")), TABLE)
    assert ("on-call", "firing") in told(changes)
    assert only(known)[0].state is IncidentState.OPEN


def test_more_of_the_same_is_an_update_while_somebody_takes_care_of_it(known):
    """Nobody is called for what they are looking at."""
    by_jane(known)
    deliver(known)
    changes = run(known, webhook(reported("a"), reported("b")), TABLE)
    assert {row.kind for row in changes.notifications} == {Kind.UPDATE}
    assert only(known)[0].state is IncidentState.ACKNOWLEDGED


def test_an_acknowledgement_that_ran_out_calls_again_under_a_new_key(known):
    """PagerDuty stays quiet about what was acknowledged there; another epoch is another page."""
    by_jane(known)
    deliver(known)
    incident, rows = only(known)
    assert lapse(incident, rows, TABLE, T0 + HOUR - 1).incidents == ()
    changes = lapse(incident, rows, TABLE, T0 + HOUR)
    assert changes.incidents[0].state is IncidentState.OPEN
    assert {(row.outlet.channel, row.kind, row.epoch) for row in changes.notifications} == {
        ("pagerduty", Kind.FIRING, 2), ("slack", Kind.FIRING, 2), ("email", Kind.UPDATE, 2)}


def test_a_call_that_an_acknowledgement_stopped_goes_out_when_that_runs_out():
    """Whoever took care of it has not come back, and nobody else was ever called."""
    known = Known()
    run(known, webhook(reported("a")), TABLE)
    by_jane(known)
    changes = lapse(*only(known), TABLE, T0 + HOUR)
    assert ("on-call", "firing") in told(changes)


def test_the_end_is_told_to_whoever_was_told_of_the_start(known):
    """Also of an incident that somebody takes care of."""
    by_jane(known)
    deliver(known)
    assert told(run(known, webhook(reported("a", "resolved")), TABLE)) == {
        (name, "resolved") for name in ("on-call", "slack", "management")}


def test_what_is_over_cannot_be_acknowledged(known):
    """A click on an old message changes nothing."""
    incident, rows = only(known)
    over = dataclasses.replace(incident, state=IncidentState.RESOLVED)
    assert acknowledge(over, rows, "jane", TABLE, T0).incidents == ()

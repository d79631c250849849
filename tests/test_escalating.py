"""Nobody takes care of an incident."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.acknowledging import acknowledge, lapse
from alertd.escalating import escalate
from alertd.incidents import Known
from alertd.model import HOUR, MINUTE, IncidentState, Severity
from alertd.routing import Step
from tests.reports import T0, receiver, reported, routing, webhook
from tests.test_incidents import deliver, run

STEPS = (Step(5 * MINUTE, ("on-call",), 31), Step(15 * MINUTE, ("management",), 32, repeat=30 * MINUTE))
MORE = {"pages": frozenset({"pagerduty"}), "follows": frozenset({"pagerduty", "slack"}),
        "acknowledge": {Severity.CRITICAL: HOUR}, "escalation": {Severity.CRITICAL: STEPS}}
TABLE = routing(**MORE)


def burning(severity="critical"):
    """One incident that everybody was told of at T0."""
    known = Known()
    run(known, webhook(reported("a", severity=severity)), TABLE)
    deliver(known)
    return known


def only(known):
    incident, = known.incidents.values()
    return incident, known.notifications[incident.id]


def step(known, minutes, table=TABLE):
    changes = escalate(*only(known), table, T0 + int(minutes * MINUTE))
    known.apply(changes)
    deliver(known)
    return [(row.outlet.receiver, row.kind.value, row.epoch) for row in changes.notifications]


def test_each_step_is_taken_at_its_time():
    """Not a moment before."""
    known = burning()
    assert step(known, 4.99) == []
    assert step(known, 5) == [("on-call", "firing", 2)]
    assert step(known, 14.99) == []
    assert step(known, 15) == [("management", "firing", 2)]


def test_who_was_called_is_called_again_under_a_new_key():
    """PagerDuty calls nobody for a key that is open already; a place that is new needs none."""
    known = burning()
    step(known, 5)
    incident, rows = only(known)
    assert incident.epoch == 2
    assert {row.epoch for row in rows if row.outlet.channel == "pagerduty"} == {1, 2}


def test_steps_that_fell_into_a_downtime_are_all_taken_and_say_how_late():
    """In their order, once each."""
    known = burning()
    changes = escalate(*only(known), TABLE, T0 + 16 * MINUTE)
    assert [row.outlet.receiver for row in changes.notifications] == ["on-call", "management"]
    assert [decision.verdict for decision in changes.decisions] == [
        "step 1 of the escalation, 11 min late", "step 2 of the escalation, 1 min late"]
    known.apply(changes)
    assert step(known, 16) == []


def test_the_last_step_repeats_and_a_downtime_is_one_repetition():
    """Nobody gets ten messages because alertd was away for five hours."""
    known = burning()
    assert len(step(known, 15)) == 2
    assert len(step(known, 45)) == 1
    assert len(step(known, 345)) == 1
    assert only(known)[0].escalate_at == T0 + 375 * MINUTE


def test_an_acknowledgement_stops_it_and_its_end_begins_it_anew():
    """An hour later, from the first step."""
    known = burning()
    known.apply(acknowledge(*only(known), "jane", TABLE, T0 + MINUTE))
    assert step(known, 60) == []
    known.apply(lapse(*only(known), TABLE, T0 + 61 * MINUTE))
    deliver(known)
    assert step(known, 65.99) == []
    assert [name for name, *_ in step(known, 66)] == ["on-call"]


def test_a_rise_in_severity_begins_anew():
    """A warning has no steps here; as critical it has."""
    known = burning("warning")
    assert only(known)[0].escalate_at is None
    run(known, webhook(reported("a", severity="warning"), reported("b")), TABLE, T0 + HOUR)
    assert only(known)[0].escalate_at == T0 + HOUR + 5 * MINUTE


def test_what_is_over_is_not_escalated():
    """The end takes the due time away."""
    known = burning()
    changes = run(known, webhook(reported("a", "resolved")), TABLE)
    assert changes.incidents[0].escalate_at is None


def test_a_receiver_that_escalates_itself_is_only_watched():
    """And the record says so."""
    table = routing([receiver("on-call", "pagerduty", escalates_itself=True)], **MORE)
    known = burning()
    changes = escalate(*only(known), table, T0 + 5 * MINUTE)
    assert changes.notifications == ()
    assert "on-call: escalates by itself, alertd only watches" in changes.decisions[0].why


def test_more_alerts_after_a_step_tell_nobody_anew():
    """The new key is PagerDuty's matter; whoever knows of the incident gets an update."""
    known = burning()
    step(known, 5)
    changes = run(known, webhook(reported("a"), reported("b")), TABLE)
    assert {row.kind.value for row in changes.notifications} == {"update"}


@pytest.mark.parametrize("table", [routing(), routing(escalation={Severity.CRITICAL: STEPS[:1]})])
def test_a_file_with_fewer_steps_ends_it(table):
    """A reload may take away what was to come; what is due is not kept for ever."""
    known = burning()
    step(known, 5)
    changes = escalate(*only(known), table, T0 + HOUR)
    assert changes.notifications == ()
    assert changes.incidents[0].escalate_at is None


@given(st.lists(st.integers(0, 20 * 60), max_size=12))
def test_whenever_time_is_looked_at_no_step_is_skipped_or_taken_twice(looks):
    """Any looks at the clock, forwards or backwards, end alike once the time has come."""
    steps = (STEPS[0], dataclasses.replace(STEPS[1], repeat=None))
    table = dataclasses.replace(TABLE, escalation={Severity.CRITICAL: steps})
    known, taken = burning(), []
    for seconds in [*looks, 20 * 60]:
        taken += [name for name, *_ in step(known, seconds / 60, table)]
    assert taken == ["on-call", "management"]
    assert only(known)[0].state is IncidentState.OPEN

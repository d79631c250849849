"""What is due, after the clock was set back."""

import dataclasses

from alertd.model import HOUR, MINUTE, Incident, IncidentId, IncidentState, Severity
from alertd.nearing import longest_wait, nearer
from alertd.routing import Step
from tests.reports import T0, receiver, routing

STEPS = (Step(5 * MINUTE, ("on-call",)), Step(15 * MINUTE, ("management",), repeat=30 * MINUTE))
TABLE = routing([receiver("management", "email:boss@example.com", hold=20 * MINUTE)],
                acknowledge={Severity.CRITICAL: HOUR}, escalation={Severity.CRITICAL: STEPS})
OPEN = Incident(IncidentId("i"), "key", "http://am", {}, Severity.CRITICAL, 1, 1, IncidentState.OPEN, T0)


def test_the_next_step_is_no_further_away_than_it_ever_was():
    """The first from the start, the second from the first, and each repeat from the one before."""
    for taken, longest in ((0, 5), (1, 10), (2, 30), (5, 30)):
        due = dataclasses.replace(OPEN, escalated=taken, escalate_at=T0 + 3 * HOUR)
        assert nearer(due, TABLE, T0).escalate_at == T0 + longest * MINUTE


def test_an_acknowledgement_ends_as_if_it_began_now():
    """And its reminder comes as long before the end as ever."""
    held = dataclasses.replace(OPEN, state=IncidentState.ACKNOWLEDGED, acknowledged_until=T0 + 3 * HOUR,
                               remind_at=T0 + 3 * HOUR - 10 * MINUTE)
    after = nearer(held, TABLE, T0)
    assert (after.acknowledged_until, after.remind_at) == (T0 + HOUR, T0 + 50 * MINUTE)


def test_what_is_near_enough_stays():
    """Nothing is moved away, and an hourly word is an hour away at most."""
    due = dataclasses.replace(OPEN, escalate_at=T0 + MINUTE, report_at=T0 + MINUTE)
    assert nearer(due, TABLE, T0) == due
    assert nearer(dataclasses.replace(due, report_at=T0 + 5 * HOUR), TABLE, T0).report_at == T0 + HOUR


def test_a_hold_may_be_longer_than_any_pause_between_attempts():
    """It is what a receiver asks for."""
    assert longest_wait(TABLE) == 20 * MINUTE
    assert longest_wait(routing()) == 5 * MINUTE

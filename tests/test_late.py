"""A critical start that nobody has taken yet."""

import dataclasses

from alertd.incidents import Known
from alertd.late import tell_instead
from alertd.model import MINUTE, IncidentState, Severity
from tests.reports import T0, receiver, reported, routing, webhook
from tests.test_incidents import run, told

PAGER = receiver("on-call", "pagerduty", fallback="platform-team")


def waiting(table, severity="critical"):
    """The page of one incident, still queued; with the incident and all its rows."""
    known = Known()
    run(known, webhook(reported("a", severity=severity)), table)
    incident, = known.incidents.values()
    rows = known.notifications[incident.id]
    return next(row for row in rows if row.outlet.receiver == "on-call"), incident, rows


def test_the_fallback_is_told_after_two_minutes_and_once():
    """Not before, and not again while it waits on."""
    table = routing([PAGER])
    row, incident, rows = waiting(table)
    assert tell_instead(row, incident, rows, table, T0 + 2 * MINUTE - 1).notifications == ()
    changes = tell_instead(row, incident, rows, table, T0 + 2 * MINUTE)
    assert told(changes) == {("platform-team", "firing")}
    assert tell_instead(row, incident, [*rows, *changes.notifications], table, T0 + 9 * MINUTE).notifications == ()


def test_the_time_is_declared_and_a_hold_comes_on_top():
    """What a receiver asked to wait for is not late."""
    table = routing([dataclasses.replace(PAGER, hold=MINUTE, late=5 * MINUTE)])
    row, incident, rows = waiting(table)
    assert tell_instead(row, incident, rows, table, T0 + 6 * MINUTE - 1).notifications == ()
    assert tell_instead(row, incident, rows, table, T0 + 6 * MINUTE).notifications


def test_nobody_is_told_of_what_somebody_takes_care_of_or_what_is_no_page():
    """Acknowledged, over, or a warning."""
    table = routing([PAGER])
    row, incident, rows = waiting(table)
    for state in (IncidentState.ACKNOWLEDGED, IncidentState.RESOLVED):
        taken = dataclasses.replace(incident, state=state)
        assert tell_instead(row, taken, rows, table, T0 + 9 * MINUTE).notifications == ()
    row, incident, rows = waiting(table, "warning")
    assert row.severity is Severity.WARNING
    assert tell_instead(row, incident, rows, table, T0 + 9 * MINUTE).notifications == ()


def test_its_why_is_kept():
    """What waits, for how long, and who is told instead."""
    table = routing([PAGER])
    row, incident, rows = waiting(table)
    decision, = tell_instead(row, incident, rows, table, T0 + 3 * MINUTE).decisions
    assert decision.why == ("on-call by pagerduty: not taken for 3 min",
                            "fallback → platform-team by slack to #platform")

"""What is told because something could not be told."""

import dataclasses

from alertd.incidents import Known, decide
from alertd.model import Kind, Severity, State
from alertd.telling import fall_back
from tests.reports import T0, receiver, reported, routing, webhook

TABLE = routing([receiver("on-call", "pagerduty", fallback="platform-team")])


def page():
    changes = decide(webhook(reported("a")), Known(), TABLE, T0)
    row = next(row for row in changes.notifications if row.outlet.receiver == "on-call")
    return row, changes.incidents[0]


def test_a_dead_critical_start_is_told_to_the_fallback():
    """At once, by each of its outlets."""
    row, incident = page()
    told = fall_back(row, incident, TABLE, T0)
    assert [(one.outlet.receiver, one.kind, one.next_at) for one in told] == [("platform-team", Kind.FIRING, T0)]


def test_the_same_fallback_is_the_same_row():
    """Its key holds no clock: two deaths make one message."""
    row, incident = page()
    assert fall_back(row, incident, TABLE, T0)[0].key == fall_back(row, incident, TABLE, T0 + 5)[0].key


def test_only_critical_starts_fall_back():
    """An update or a warning stays a dead letter."""
    row, incident = page()
    assert fall_back(dataclasses.replace(row, kind=Kind.UPDATE), incident, TABLE, T0) == ()
    assert fall_back(dataclasses.replace(row, severity=Severity.WARNING), incident, TABLE, T0) == ()
    assert fall_back(row, incident, routing(), T0) == ()


def test_one_message_of_several_critical_starts_falls_back_too():
    """With its text, to whoever can read it: a pager takes no such message."""
    row, _ = page()
    dead = dataclasses.replace(row, kind=Kind.NOTICE, incident=None, digest="text", state=State.DEAD, attempts=3)
    table = routing([receiver("on-call", "slack", fallback="other"), receiver("other", "pagerduty", "email:a@b.c")],
                    pages=frozenset({"pagerduty"}))
    [told] = fall_back(dead, None, table, T0)
    assert (told.outlet.channel, told.digest, told.state, told.attempts) == ("email", "text", State.QUEUED, 0)
    assert fall_back(dataclasses.replace(dead, severity=Severity.INFO), None, table, T0) == ()

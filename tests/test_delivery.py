"""When a notification is tried again."""

import dataclasses

import pytest

from alertd.delivery import FIRST_WAIT, LONGEST_ASKED, expired, moot, next_attempt
from alertd.errors import TryLater
from alertd.model import (
    DAY,
    MINUTE,
    SECOND,
    Incident,
    IncidentId,
    IncidentState,
    Kind,
    Notification,
    NotificationId,
    Outlet,
    Severity,
    State,
)

T0 = 1_800_000_000_000
ROW = Notification(NotificationId("n"), "n", IncidentId("i"), Kind.FIRING, Severity.WARNING, 1,
                   Outlet("on-call", "pagerduty", ""), "responder", State.CLAIMED, "", T0, T0)


def wait(attempts, *, jitter=1.0, severity=Severity.WARNING, age=0, after=None):
    row = dataclasses.replace(ROW, attempts=attempts, severity=severity)
    return next_attempt(row, TryLater("no", after=after), T0 + age, jitter) - T0 - age


@pytest.mark.parametrize(("attempts", "longest"), [(0, FIRST_WAIT), (3, 8 * SECOND), (9, 5 * MINUTE), (99, 5 * MINUTE)])
def test_the_wait_doubles_up_to_five_minutes(attempts, longest):
    """1 s × 2^attempts, at full jitter."""
    assert wait(attempts) == longest


def test_jitter_spreads_the_whole_wait():
    """A queue that failed together does not come back together."""
    assert wait(3, jitter=0.5) == 4 * SECOND
    assert wait(3, jitter=0.0) == SECOND // 10


def test_a_fresh_page_is_tried_more_often():
    """For five minutes somebody may still be waiting for it."""
    assert wait(20, severity=Severity.CRITICAL) == 30 * SECOND
    assert wait(20, severity=Severity.CRITICAL, age=5 * MINUTE) == 5 * MINUTE


def test_what_the_vendor_asks_is_kept_to_the_millisecond():
    """And a mistake of an hour or more does not silence a target."""
    assert wait(0, after=30) == 30 * SECOND
    assert wait(9, after=0.25) == 250
    assert wait(0, after=10**9) == LONGEST_ASKED


@pytest.mark.parametrize(("kind", "age", "gone"), [
    (Kind.UPDATE, DAY, True), (Kind.UPDATE, DAY - 1, False), (Kind.FIRING, 30 * DAY, False),
    (Kind.RESOLVED, 30 * DAY, False)])
def test_only_updates_grow_old(kind, age, gone):
    """A start and an end are told however late."""
    assert expired(kind, T0, T0 + age) is gone


def forgone(kind=Kind.FIRING, state=IncidentState.OPEN, made=0, channel="pagerduty"):
    """Whether a message made so many ms after the acknowledgement, if there is one, is not tried again."""
    taken = state is IncidentState.ACKNOWLEDGED
    incident = Incident(IncidentId("i"), "k", "s", {}, Severity.WARNING, 1, 1, state, T0 - MINUTE,
                        acknowledged_at=T0 if taken else None, acknowledged_by="jane" if taken else None)
    row = dataclasses.replace(ROW, kind=kind, created_at=T0 + made, outlet=Outlet("on-call", channel, ""))
    return moot(row, incident, {"pagerduty"}) is not None


def test_what_failed_is_tried_again_while_its_incident_is_open():
    """And so is an end, once it is over."""
    assert not forgone()
    assert not forgone(Kind.RESOLVED, IncidentState.RESOLVED)


@pytest.mark.parametrize("kind", [Kind.FIRING, Kind.UPDATE, Kind.ACKNOWLEDGED])
def test_nothing_but_the_end_is_tried_again_once_it_is_over(kind):
    """Whoever reads of a start after its end takes it for a new one."""
    assert forgone(kind, IncidentState.RESOLVED, channel="slack")


def test_nobody_is_called_again_for_what_somebody_takes_care_of():
    """But whoever reads of it still is told, and PagerDuty hears that it was acknowledged, and of what came since."""
    assert forgone(state=IncidentState.ACKNOWLEDGED, made=-1)
    assert not forgone(state=IncidentState.ACKNOWLEDGED, made=-1, channel="slack")
    assert not forgone(Kind.ACKNOWLEDGED, IncidentState.ACKNOWLEDGED)
    assert not forgone(state=IncidentState.ACKNOWLEDGED, made=1)

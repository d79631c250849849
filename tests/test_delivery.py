"""When a notification is tried again."""

import dataclasses

import pytest

from alertd.delivery import FIRST_WAIT, LONGEST_ASKED, expired, next_attempt
from alertd.errors import TryLater
from alertd.model import DAY, MINUTE, SECOND, IncidentId, Kind, Notification, NotificationId, Outlet, Severity, State

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

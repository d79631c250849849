"""What the first message of an incident tells."""

import dataclasses

import pytest

from alertd.firsts import firsts
from alertd.incidents import Known, decide
from alertd.model import Outlet
from tests.reports import T0, reported, routing, webhook

ON_CALL = Outlet("on-call", "pagerduty", "")


def opened(*reports):
    """What a webhook with these decides, as `firsts` is asked for what on-call is told."""
    changes = decide(webhook(*reports), Known(), routing(), T0)
    rows = [row for row in changes.notifications if row.outlet == ON_CALL]
    incidents = {incident.id: incident for incident in changes.incidents}
    return rows, incidents, changes.alerts


def test_it_tells_of_its_alerts_the_most_severe_first():
    """And of as many as were asked for; how many there are it says anyway."""
    rows, incidents, alerts = opened(reported("a", severity="warning"), reported("b"), reported("c", start=-5))
    delivery, = firsts(rows, incidents, incidents, alerts, 2, T0)
    assert [alert.labels["instance"] for alert in delivery.alerts] == ["c", "b"]
    assert (delivery.firing, delivery.resolved, delivery.epochs) == (3, 0, (1,))


@pytest.mark.parametrize("change", [
    {"next_at": T0 + 1}, {"digest": "storm"}, {"incident": "another"}, {"incident": None}])
def test_there_is_none_where_one_of_them_is_not_the_first(change):
    """One that is not due yet, that a storm carries, or whose incident was open before: then there is an order to be
    kept."""
    rows, incidents, alerts = opened(reported("a"))
    assert firsts(rows, incidents, incidents, alerts, None, T0)
    assert firsts([*rows, dataclasses.replace(rows[0], **change)], incidents, incidents, alerts, None, T0) == []


def test_there_is_none_where_an_incident_has_two():
    """The second must wait for the first."""
    rows, incidents, alerts = opened(reported("a"))
    assert firsts([*rows, *rows], incidents, incidents, alerts, None, T0) == []

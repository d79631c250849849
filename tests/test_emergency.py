"""What is told of a webhook while nothing can be stored."""

import dataclasses

from alertd import emergency
from alertd.model import IncidentState, Kind
from tests.reports import T0, receiver, reported, routing, webhook


def places(webhook, table):
    return {str(one.notification.outlet) for told in emergency.starts(webhook, table, T0).values() for one in told}


def test_a_receiver_without_a_fallback_is_told_itself():
    """By all its channels."""
    assert places(webhook(reported("a")), routing()) == {
        "on-call by pagerduty", "management by email to boss@example.com", "slack by slack to #alerts"}


def test_a_receiver_with_a_fallback_is_told_by_that():
    """And a place that two lead to once."""
    table = routing()
    sms = receiver("sms", "webhook")
    receivers = {**table.receivers, "sms": sms, **{name: dataclasses.replace(table.receivers[name], fallback="sms")
                                                   for name in ("on-call", "slack")}}
    assert places(webhook(reported("a")), dataclasses.replace(table, receivers=receivers)) == {
        "sms by webhook", "management by email to boss@example.com"}


def test_only_critical_starts_are_told():
    """What may wait for the store waits for it."""
    assert places(webhook(reported("a", severity="warning")), routing()) == set()
    assert places(webhook(reported("a", "resolved")), routing()) == set()


def test_every_process_names_it_alike():
    """Two replicas make one incident at PagerDuty; and its text says how it comes."""
    first, second = (emergency.starts(dataclasses.replace(webhook(reported("a")), id=id), routing(), T0)
                     for id in ("one", "other"))
    (key, told), = first.items()
    assert {one.incident.id for one in [*told, *second[key]]} == {key}
    assert told[0].alerts[0].annotations["summary"].startswith("[alertd's store is away] ")


def test_its_end_goes_where_its_start_went():
    """As resolved, whatever made it end."""
    told, = emergency.starts(webhook(reported("a")), routing(), T0).values()
    end = emergency.end(told[0], T0 + 1)
    assert (end.notification.kind, end.notification.outlet) == (Kind.RESOLVED, told[0].notification.outlet)
    assert (end.incident.state, end.firing, end.resolved) == (IncidentState.RESOLVED, 0, 1)

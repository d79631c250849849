"""What burns on is said again."""

import dataclasses

import pytest

from alertd import messages
from alertd.acknowledging import acknowledge, before_end, lapse
from alertd.incidents import Known
from alertd.model import HOUR, MINUTE, IncidentState, Kind, Severity
from alertd.reminding import remind, report
from tests import made
from tests.reports import T0, receiver, reported, routing, webhook
from tests.test_acknowledging import TABLE, by_jane, only
from tests.test_incidents import deliver, run, told

TEN = HOUR - 10 * MINUTE


def burning(*alerts, table=TABLE, severity="critical"):
    """One incident that everybody was told of at T0."""
    known = Known()
    run(known, webhook(*(alerts or (reported("a", severity=severity),))), table)
    deliver(known)
    return known


def taken():
    """And of which everybody heard that jane takes care of it."""
    known = burning()
    by_jane(known)
    deliver(known)
    return known


def at(known, decide, after, table=TABLE):
    changes = decide(*only(known), table, T0 + after)
    known.apply(changes)
    deliver(known)
    return told(changes)


def test_the_team_is_reminded_once_before_an_acknowledgement_ends():
    """Ten minutes before, where it is followed; nobody is called, management is not bothered."""
    known = taken()
    assert at(known, remind, TEN - 1) == set()
    assert at(known, remind, TEN) == {("slack", "reminder")}
    assert at(known, remind, TEN) == set()


@pytest.mark.parametrize(("holds", "before"), [(8 * HOUR, 10 * MINUTE), (HOUR, 10 * MINUTE), (30 * MINUTE, 5 * MINUTE)])
def test_a_short_acknowledgement_ends_after_a_short_reminder(holds, before):
    """Else it would come with the acknowledgement itself."""
    assert before_end(holds) == before


def test_after_the_reminder_an_acknowledgement_holds_anew():
    """Before it, a second click changes nothing; after the second, a third does not."""
    known = taken()
    assert acknowledge(*only(known), "joe", TABLE, T0 + TEN).incidents == ()
    at(known, remind, TEN)
    again = acknowledge(*only(known), "joe", TABLE, T0 + TEN)
    known.apply(again)
    incident = only(known)[0]
    assert (incident.acknowledged_by, incident.acknowledged_until) == ("joe", T0 + TEN + HOUR)
    assert acknowledge(*only(known), "joe", TABLE, T0 + TEN + 1).incidents == ()
    assert lapse(*only(known), TABLE, T0 + HOUR).incidents == ()


def test_a_reminder_that_is_too_late_is_left_out():
    """After a downtime the end itself is told."""
    known = taken()
    assert at(known, remind, HOUR) == set()
    assert only(known)[0].remind_at is None
    assert ("on-call", "firing") in at(known, lapse, HOUR)


@pytest.mark.parametrize("more", [
    (reported("a", severity="warning"), reported("b")), (reported("a", "resolved", severity="warning"),)])
def test_a_rise_or_an_end_takes_the_reminder_away(more):
    """There is nothing left that would end."""
    table = dataclasses.replace(TABLE, acknowledge={Severity.WARNING: HOUR})
    known = burning(severity="warning", table=table)
    known.apply(acknowledge(*only(known), "jane", table, T0))
    assert only(known)[0].remind_at == T0 + TEN
    assert run(known, webhook(*more), table).incidents[0].remind_at is None


def test_management_hears_every_hour_that_it_burns():
    """In every state but the end, from the start."""
    known = burning()
    assert at(known, report, HOUR - 1) == set()
    assert at(known, report, HOUR) == {("management", "reminder")}
    by_jane(known)
    deliver(known)
    assert at(known, report, 2 * HOUR) == {("management", "reminder")}


def test_hours_of_a_downtime_are_one():
    """And the next one keeps to the beat."""
    known = burning()
    assert at(known, report, 4 * HOUR + MINUTE) == {("management", "reminder")}
    assert only(known)[0].report_at == T0 + 5 * HOUR


def test_a_message_that_waits_says_it_all():
    """Who is about to hear that somebody takes care of it does not hear twice."""
    known = burning()
    by_jane(known)
    assert at(known, report, HOUR) == set()


def test_what_is_over_is_not_reported():
    """The end takes the time away."""
    known = burning()
    assert run(known, webhook(reported("a", "resolved")), TABLE).incidents[0].report_at is None


def test_a_warning_is_not_reported_until_it_is_critical():
    """The hour counts from the rise."""
    known = burning(severity="warning")
    assert only(known)[0].report_at is None
    run(known, webhook(reported("a", severity="warning"), reported("b")), TABLE, T0 + MINUTE)
    assert only(known)[0].report_at == T0 + MINUTE + HOUR


def test_who_was_not_told_of_the_start_hears_nothing_hourly():
    """Held for longer than an hour: the start says it all."""
    table = routing([receiver("management", "email:boss@example.com", style="management", hold=2 * HOUR)])
    known = Known()
    run(known, webhook(reported("a")), table)
    assert at(known, report, HOUR, table) == set()


def test_management_is_not_told_what_ended_within_the_hold():
    """Neither the start nor the end."""
    table = routing([receiver("management", "email:boss@example.com", style="management", hold=5 * MINUTE)])
    known = Known()
    run(known, webhook(reported("a")), table)
    changes = run(known, webhook(reported("a", "resolved")), table)
    assert "management" not in {name for name, _ in told(changes)}
    assert "management" in {row.outlet.receiver for row in changes.superseded}


def test_more_of_the_same_is_no_mail_to_management():
    """A change of state is; one more alert is not."""
    known = burning()
    changes = run(known, webhook(reported("a"), reported("b")), TABLE)
    assert ("management", "update") not in told(changes)
    assert ("slack", "update") in told(changes)


def reminder(**more):
    told = made.delivery(Kind.REMINDER, state=IncidentState.ACKNOWLEDGED, by="jane", until=made.END, **more)
    later = dataclasses.replace(told.notification, created_at=made.START + 10 * MINUTE)
    return dataclasses.replace(told, notification=later)


def test_a_reminder_says_when_people_are_called_again_and_what_to_do():
    """In one line that somebody reads at three."""
    message = messages.compose(reminder())
    assert message.title == "STILL CRITICAL: Checkout errors 4.2 %"
    assert message.lead == ("It burns on, and jane takes care of it only until 2026-11-23 14:26 UTC: then whoever is "
                            "called for it is called again. To keep it, acknowledge it again.")


def test_a_report_says_how_long_how_it_stands_and_when_the_next_comes():
    """In management's words."""
    told = reminder(style="management")
    told = dataclasses.replace(told, incident=dataclasses.replace(told.incident, report_at=made.START + HOUR))
    assert messages.compose(told).lead == ("It has lasted 10 min. Somebody works on it; nothing is needed from you. "
                                           "You hear of it again at 2026-11-23 15:03 UTC or earlier.")

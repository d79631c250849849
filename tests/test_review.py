"""The story of an incident, and the draft of its review."""

from __future__ import annotations

import dataclasses
import re

import pytest

from alertd import review, story
from alertd.audit import Act
from alertd.matchers import parse
from alertd.model import (
    MINUTE,
    SECOND,
    Alert,
    Event,
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
from alertd.review import Around, Cost
from alertd.schedule import Once, Window
from alertd.story import Attempt, Decided, Sort, Story
from tests.made import HOSTILE, START, alert

OPENED = START + 30 * SECOND
NOW = START + 60 * MINUTE


def row(name: str, receiver: str, state: State = State.SENT, reason: str = "") -> Notification:
    return Notification(NotificationId(name), name, IncidentId("A1B2"), Kind.FIRING, Severity.CRITICAL, 1,
                        Outlet(receiver, "pagerduty", ""), "responder", state, reason, OPENED, OPENED, 1)


def told(*alerts: Alert, resolved: bool = True, acknowledged: bool = True) -> Story:
    """Paged after 5 s, acknowledged after 14 minutes, over after 23; a second receiver was never reached."""
    incident = Incident(IncidentId("A1B2"), "key", "http://am", {"alertname": "HighErrorRate"}, Severity.CRITICAL, 1, 3,
                        IncidentState.RESOLVED if resolved else IncidentState.OPEN, OPENED, 0, len(alerts) or 1,
                        resolved_at=OPENED + 23 * MINUTE if resolved else None)
    acts = (Act(OPENED + 14 * MINUTE, "jane", "slack", "acknowledge", "incident A1B2", {}),) if acknowledged else ()
    return Story(
        incident, alerts or (alert(firing=not resolved),),
        (row("n1", "on-call"), row("n2", "boss", State.DEAD, "gone")),
        (Attempt(NotificationId("n1"), OPENED + 4 * SECOND, OPENED + 5 * SECOND, Event.ACCEPT, "ok"),
         Attempt(NotificationId("n2"), OPENED + 4 * SECOND, OPENED + 6 * SECOND, Event.REJECT, "404: no channel")),
        (Decided(OPENED, "opened as critical", ("routing.yaml:12 critical → on-call",)),), acts)


def test_the_times_are_those_of_the_record() -> None:
    """Each from its own event; None where it has not happened."""
    found = story.figures(told())
    assert (found.to_detect, found.to_page, found.to_acknowledge, found.to_resolve) == (
        30 * SECOND, 5 * SECOND, 14 * MINUTE, 23 * MINUTE)
    open_still = story.figures(told(resolved=False, acknowledged=False))
    assert (open_still.to_acknowledge, open_still.to_resolve) == (None, None)


def test_the_first_who_came_counts_and_not_the_last() -> None:
    """An acknowledgement that lapsed was one all the same."""
    one = told()
    later = dataclasses.replace(one, acts=(*one.acts, Act(NOW, "omar", "page", "acknowledge", "incident A1B2", {})))
    assert story.acknowledged_at(later) == OPENED + 14 * MINUTE


def test_the_timeline_is_in_the_order_of_time() -> None:
    """From Prometheus' start to the end, with who did what."""
    moments = story.timeline(told())
    assert [one.at for one in moments] == sorted(one.at for one in moments)
    assert [one.kind for one in moments][:3] == [Sort.BEGAN, Sort.DECIDED, Sort.TOLD]
    assert {one.kind for one in moments} >= {Sort.FAILED, Sort.PERSON, Sort.OVER}
    assert any("jane takes care of it (by slack)" in one.what for one in moments)


def test_alerts_that_begin_together_are_one_line() -> None:
    """Five instances of one alert are said once."""
    began = [one for one in story.timeline(told(*(alert(number) for number in range(5)))) if one.kind is Sort.BEGAN]
    assert len(began) == 1
    assert "(5 alerts)" in began[0].what


def test_the_draft_holds_what_is_known_and_todo_for_the_rest() -> None:
    """Times, failures, who came; causes are for people."""
    draft = review.compose(told(), Around(NOW, (), (Cost("checkout availability", 420.0, 0.031),)))
    for part in ("| Time to acknowledge | 14 min |", "| Time to resolve | 23 min |", "by jane (slack)",
                 "not delivered\\: gone", "3.1% of the error budget", "420 bad events", "none held any of it",
                 "It took 14 min until somebody took care", "TODO: several, and what each needed to matter."):
        assert part in draft, part


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    """No ledger, no routing file, nobody who came: no number stands there."""
    draft = review.compose(told(resolved=False, acknowledged=False), Around(NOW))
    for part in ("Error budget spent: unknown", "Maintenance: unknown", "| Acknowledged | by nobody |",
                 "| Time to acknowledge | unknown |", "**It is not over.**", "| Time to resolve | not yet |"):
        assert part in draft, part
    unsure = review.compose(told(), Around(NOW, (), (Cost("checkout", None, None, "not counted yet"),)))
    assert "checkout: unknown, of the error budget unknown (not counted yet)" in unsure


def test_maintenance_that_held_it_is_named() -> None:
    """Of what covers its labels and lasted meanwhile."""
    window = Window("new disk", (parse('service="checkout"'),), Once(START, NOW), reason="disk", id="mw1")
    labels = [dict(alert().labels)]
    assert review.in_force([window], labels, OPENED, NOW) == [(window, (START, NOW))]
    assert review.in_force([window], labels, NOW + 1, NOW + 2) == []
    assert "new disk" in review.compose(told(), Around(NOW, [(window, (START, NOW))]))


@pytest.mark.parametrize("evil", [text for text in HOSTILE if len(text) < 1000])
def test_text_of_strangers_stays_text(evil: str) -> None:
    """No link, no mark-up, no heading, no mention comes of it."""
    one = told(alert(labels={"alertname": evil, "team": evil}, annotations={
        "summary": evil, "runbook_url": "javascript:alert(1)", "dashboard_url": f"https://x.example/{evil}>"}))
    draft = review.compose(one, Around(NOW))
    unescaped = re.sub(r"\\.", "", draft)
    assert "javascript:" not in unescaped
    unescaped = re.sub(r"<https?://[^\s<>]+>", "", unescaped)  # addresses of the web, written anew
    assert "<" not in unescaped
    assert not re.search(r"@(?!\u2060)", unescaped)
    assert [line for line in draft.splitlines() if line.startswith("# ")] == [draft.splitlines()[0]]


def test_a_mute_alert_is_said_to_be_kept_quiet() -> None:
    """With what keeps it so."""
    quiet = dataclasses.replace(alert(), muted="silence 1f3")
    assert "Kept quiet in Alertmanager: silence 1f3" in review.compose(told(quiet), Around(NOW))

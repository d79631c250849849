from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd import messages
from alertd.messages import Fact, Line, Link
from alertd.model import MINUTE, Delivery, DigestText, IncidentState, Kind, Severity
from tests import made


def test_what_a_responder_reads() -> None:
    """Status, severity and summary; then where, since when, what, and where to look."""
    assert messages.compose(made.delivery()) == messages.Message(
        "A1B2", Severity.CRITICAL, "CRITICAL: Checkout errors 4.2 %", "One in 24 requests fails.",
        (Fact("Service", "checkout"), Fact("Environment", "production"), Fact("Team", "payments"),
         Fact("Since", "2026-11-23 14:03 UTC"), Fact("State", "1 firing")),
        (Line("Checkout errors 4.2 % [node-7:9100]"),), 1,
        (Link("Runbook", "https://runbooks.example.com/errors?a=1&b=2"),
         Link("Dashboard", "https://grafana.example.com/d/checkout"), Link("Silence", made.SILENCE),
         Link("Open in alertd", made.LINK)))


def test_what_management_reads() -> None:
    """Plain words: no labels, no machine, no query, nothing to decide."""
    message = messages.compose(made.delivery(style="management"))
    assert message.title == "CRITICAL: Checkout errors 4.2 %"
    assert message.lead == "People are told and look into it; nothing is needed from you."
    assert message.facts == (
        Fact("Service", "checkout"), Fact("Customer impact", "not measured"), Fact("Since", "2026-11-23 14:03 UTC"),
        Fact("Severity", "critical: people are called at any hour"),
        Fact("Status", "detected, the people on call are told"))
    assert message.lines == (Line("Checkout errors 4.2 %"),)
    assert [link.name for link in message.links] == ["Open in alertd"]


@pytest.mark.parametrize(("summary", "read"), [
    ("CPU of node-7:9100 above 70 %", "CPU of one instance above 70 %"),
    ("node-7 is slow", "one instance is slow"),
    ("node-77 is slow", "node-77 is slow"),
    ("rate(errors{job=\"x\"}[5m]) > 1", "A problem with checkout"),
    ("errors over [5m]", "A problem with checkout"),
])
def test_management_reads_no_names_of_machines(summary: str, read: str) -> None:
    """The value of a label that names machinery becomes the kind of thing; a query becomes a sentence."""
    one = made.alert(annotations={"summary": summary})
    assert messages.compose(made.delivery(style="management", alerts=(one,))).lines == (Line(read),)


def test_management_reads_alike_alerts_once() -> None:
    """Forty nodes with one fault are one line that speaks for forty."""
    nodes = [f"node-{n}:9100" for n in range(10, 50)]
    alerts = tuple(made.alert(n, labels={"instance": node}, annotations={"summary": f"{node} is down"})
                   for n, node in enumerate(nodes))
    message = messages.compose(made.delivery(style="management", alerts=alerts))
    assert message.lines == (Line("one instance is down (40 times)", 40),)
    assert message.shown(1000) == (("one instance is down (40 times)",), 0)


def test_impact_is_said_first() -> None:
    """Where the rule says what customers notice, that is the message."""
    one = made.alert(annotations={**made.ANNOTATIONS, "impact": "Customers cannot pay"})
    assert messages.compose(made.delivery(style="management", alerts=(one,))).title == "CRITICAL: Customers cannot pay"
    assert messages.compose(made.delivery(alerts=(one,))).lead == "Customers cannot pay"


@pytest.mark.parametrize(("style", "asked"), [("responder", ""), ("management", " Nothing is needed from you.")])
def test_an_end_says_so_and_how_long_it_lasted(style: str, asked: str) -> None:
    """The word resolved, the duration, both ends; management that nothing is asked of it."""
    message = messages.compose(made.delivery(Kind.RESOLVED, style=style))
    assert (message.ended, message.lasted) == (True, 23 * MINUTE)
    assert message.title == "RESOLVED after 23 min (critical): Checkout errors 4.2 %"
    assert message.lead == "Its alert is resolved. It lasted 23 min." + asked
    assert Fact("Ended", "2026-11-23 14:26 UTC") in message.facts


def test_a_change_says_how_it_stands() -> None:
    """Counts in the lead, and that somebody has taken it."""
    told = made.delivery(Kind.UPDATE, alerts=(made.alert(1), made.alert(2, firing=False)),
                         state=IncidentState.ACKNOWLEDGED, by="jane")
    message = messages.compose(told)
    assert message.lead == "Changed: now 1 firing, 1 resolved. One in 24 requests fails."
    assert Fact("State", "1 firing, 1 resolved, acknowledged by jane") in message.facts
    assert message.lines[1].text == "resolved: Checkout errors 4.2 % [node-7:9100]"
    assert message.title == "CRITICAL: Checkout errors 4.2 % and 1 more"


@pytest.mark.parametrize(("annotations", "labels", "summary"), [
    ({"summary": " a\nb "}, {"alertname": "X"}, "a b"), ({"message": "m"}, {"alertname": "X"}, "m"),
    ({"summary": " ", "description": "d"}, {"alertname": "X"}, "d"), ({}, {"alertname": "X"}, "X"),
    ({}, {}, "an alert without a name"), ({"summary": "\x00"}, {}, "an alert without a name")])
def test_a_summary_is_what_comes_nearest(annotations: dict[str, str], labels: dict[str, str], summary: str) -> None:
    """Annotations first, then the name; never a dump of labels."""
    assert messages.summary(made.alert(annotations=annotations, labels=labels)) == summary


def test_addresses_that_are_none_are_said_as_text() -> None:
    """A runbook that may not be clicked is a remark, a missing one a hint."""
    one = made.alert(annotations={"summary": "s", "runbook_url": "javascript:alert(1)"})
    assert messages.compose(made.delivery(alerts=(one,), link="http://u:p@x/")).remarks == (
        "Runbook (not a link): javascript:alert(1)",)
    assert messages.compose(made.delivery(alerts=(made.alert(annotations={}),))).remarks == (
        "No runbook: add the annotation runbook_url to the rule.",)


def test_a_list_that_is_cut_says_how_many_are_missing() -> None:
    """Counted over all alerts of the incident, also those that were not handed over."""
    message = messages.compose(made.delivery(alerts=tuple(made.alert(n) for n in range(10)), firing=30))
    lines, hidden = message.shown(100)
    assert (len(lines), hidden) == (2, 28)
    assert messages.more(hidden) == "+28 more"
    assert messages.more(0) == ""


def test_an_incident_without_alerts_is_told_all_the_same() -> None:
    """Nobody is left untold for what is missing."""
    message = messages.compose(made.delivery(alerts=()))
    assert message.title == "CRITICAL: HighErrorRate"
    assert message.incident == "A1B2"


def test_a_digest_is_its_subject_and_text() -> None:
    """Nothing of an incident in it."""
    message = messages.compose(made.delivery(Kind.DIGEST, digest=DigestText("daily\r\nx", "a\nb")))
    assert (message.title, message.lead, message.incident) == ("daily x", "a\nb", "")


@given(st.text(st.characters(), max_size=200), st.sampled_from(Kind), st.sampled_from(["responder", "management"]))
def test_every_message_is_short_and_in_lines(text: str, kind: Kind, style: str) -> None:
    """Titles, facts and rows are single lines of bounded length, whatever the alerts say."""
    one = made.alert(labels=dict.fromkeys(("alertname", "instance", "service", "team"), text),
                     annotations=dict.fromkeys(("summary", "impact"), text))
    message = messages.compose(made.delivery(kind, style=style, alerts=(one,), digest=None))
    said = [message.title, message.lead, *(fact.value for fact in message.facts), *(row.text for row in message.lines)]
    assert all(len(f"{line}x".splitlines()) == 1 for line in said)
    assert all(len(line) <= messages.LINE + messages.VALUE + 20 for line in said)
    assert len(message.facts) <= 6


@pytest.mark.parametrize("style", ["responder", "management"])
def test_an_acknowledgement_says_who(style: str) -> None:
    """Who takes care of it, and until when nobody else is called; management hears that somebody does."""
    told = made.delivery(Kind.ACKNOWLEDGED, style=style, state=IncidentState.ACKNOWLEDGED, by="jane", until=made.END)
    message = messages.compose(told)
    assert message.title == "ACKNOWLEDGED (critical): Checkout errors 4.2 %"
    if style == "responder":
        assert message.lead == ("jane takes care of it. Whoever is called for it is called again at "
                                "2026-11-23 14:26 UTC if it burns on.")
    else:
        assert Fact("Status", "being worked on") in message.facts


def test_who_took_care_of_it_is_still_named_at_the_end() -> None:
    """Facts of the end: how many resolved, and who had it."""
    told = made.delivery(Kind.RESOLVED, by="jane")
    assert Fact("State", "1 resolved, acknowledged by jane") in messages.compose(told).facts


def test_management_hears_how_it_stands() -> None:
    """Worked on, called again, over: each in words that ask nothing."""
    def lead(told: Delivery) -> str:
        return messages.compose(told).lead

    worked_on = made.delivery(Kind.ACKNOWLEDGED, style="management", state=IncidentState.ACKNOWLEDGED, by="jane")
    assert lead(worked_on) == "Somebody works on it; nothing is needed from you."
    told = made.delivery(style="management")
    assert told.incident
    later = dataclasses.replace(told.notification, created_at=made.START + 15 * MINUTE)
    again = dataclasses.replace(told, notification=later, incident=dataclasses.replace(told.incident, escalated=2))
    assert lead(again) == "It began 15 min before this, and nobody has taken care of it yet: people are called again."


def test_what_burns_on_after_somebody_took_care_of_it_says_so() -> None:
    """The next one called knows whom to ask."""
    told = made.delivery(epoch=2, state=IncidentState.OPEN, by="jane")
    assert messages.compose(told).lead.startswith("jane took care of it, but it burns on.")


@pytest.mark.parametrize("name", made.HOSTILE)
def test_a_hostile_name_is_one_short_line(name: str) -> None:
    """Whoever acknowledges chooses their name."""
    told = made.delivery(Kind.ACKNOWLEDGED, state=IncidentState.ACKNOWLEDGED, by=name)
    lead = messages.compose(told).lead
    assert len(lead) < 300
    assert "\n" not in lead

"""Who is told of labels, and why."""

from hypothesis import given
from hypothesis import strategies as st

from alertd.matchers import Matcher
from alertd.model import Severity
from alertd.routing import Override, choose
from tests.reports import routing

PAYMENTS = Override((Matcher("service", "=", "payments"), Matcher("severity", "=", "critical")), ("slack",), 20)


def test_the_route_of_the_severity_is_taken():
    """With its line."""
    choice = choose({"severity": "warning"}, routing())
    assert choice.receivers == ("on-call", "platform-team")
    assert choice.why == ("routing.yaml:12 warning → on-call + platform-team",)


def test_the_first_override_that_matches_wins():
    """Before the routes, and named."""
    choice = choose({"severity": "critical", "service": "payments"}, routing(overrides=(PAYMENTS,)))
    assert choice.receivers == ("slack",)
    assert choice.why[-1].startswith('routing.yaml:20 override {service="payments", severity="critical"}')


def test_an_override_sees_the_severity_that_was_understood():
    """`Critical`, and another word that means it."""
    table = routing(overrides=(PAYMENTS,), severities={"page": Severity.CRITICAL})
    for word in ("Critical", "page"):
        assert choose({"severity": word, "service": "payments"}, table).receivers == ("slack",)


def test_missing_and_unknown_severities_are_warnings():
    """Counted and explained."""
    for labels in ({}, {"severity": "sev1"}, {"severity": " "}):
        choice = choose(labels, routing())
        assert (choice.severity, choice.unknown_severity) == (Severity.WARNING, True)
        assert "treated as warning" in choice.why[0]


def test_watchdog_and_none_are_told_to_nobody():
    """One beats, the other is kept."""
    assert choose({"alertname": "Watchdog", "severity": "critical"}, routing()).receivers == ()
    assert choose({"severity": "none"}, routing()).receivers == ()


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=20), max_size=5))
def test_no_labels_fall_through(labels):
    """Whatever the labels are, somebody is told, or a reason says why not."""
    choice = choose(labels, routing())
    assert choice.why
    assert choice.receivers or choice.severity is Severity.NONE or labels.get("alertname") == "Watchdog"

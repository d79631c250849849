"""What a webhook means: incidents, who is told, and why."""

from hypothesis import given, settings
from hypothesis import strategies as st

from alertd.incidents import Changes, Known, decide, repeated, touched
from alertd.model import IncidentState, Kind, Severity, State, Webhook
from alertd.routing import Routing
from tests.reports import T0, receiver, reported, routing, webhook


def run(known: Known, message: Webhook, table: Routing | None = None, now: int = T0) -> Changes:
    changes = decide(message, known, table or routing(), now)
    known.apply(changes)
    return changes


def told(changes: Changes) -> set[tuple[str, str]]:
    return {(row.outlet.receiver, row.kind.value) for row in changes.notifications}


def deliver(known: Known) -> None:
    """Everything queued was sent."""
    import dataclasses

    for rows in known.notifications.values():
        rows[:] = [dataclasses.replace(row, state=State.SENT, attempts=1) if row.state is State.QUEUED else row
                   for row in rows]


def test_critical_reaches_on_call_management_and_slack():
    """The production environment's first line."""
    assert told(run(Known(), webhook(reported("a")))) == {
        ("on-call", "firing"), ("management", "firing"), ("slack", "firing")}


def test_info_reaches_the_platform_team_and_is_held_for_the_digest():
    """Info is told once a day, and kept for it."""
    rows = run(Known(), webhook(reported("a", severity="info"))).notifications
    assert {(row.outlet.receiver, row.state) for row in rows} == {
        ("platform-team", State.QUEUED), ("daily-summary", State.HELD)}


def test_a_repeat_changes_nothing():
    """The same message again, or from a peer with another address, is no news."""
    known = Known()
    run(known, webhook(reported("a")))
    for source in ("http://am-1", "http://am-2"):
        again = run(known, webhook(reported("a"), source=source))
        assert (again.alerts, again.incidents, again.notifications) == ((), (), ())
        assert again.result == "repeat"


def test_the_end_reaches_everyone_who_got_the_start():
    """Also those who are no longer in the routing table."""
    known = Known()
    run(known, webhook(reported("a")))
    deliver(known)
    table = Routing({}, {})
    changes = run(known, webhook(reported("a", "resolved")), table)
    assert told(changes) == {("on-call", "resolved"), ("management", "resolved"), ("slack", "resolved")}
    assert changes.incidents[0].state is IncidentState.RESOLVED


def test_what_ended_before_it_was_sent_is_not_sent():
    """Start superseded, end not told, and the reason is kept."""
    known = Known()
    run(known, webhook(reported("a")))
    changes = run(known, webhook(reported("a", "resolved")))
    assert [row.reason for row in changes.superseded] == ["the incident ended before this was sent"] * 3
    assert changes.notifications == ()
    assert any("never told of the start" in why for why in changes.decisions[0].why)


def test_a_rise_in_severity_is_told_again():
    """On-call knew of the warning; the critical alert of the same group pages again, in a new epoch."""
    known = Known()
    run(known, webhook(reported("a", severity="warning")))
    deliver(known)
    changes = run(known, webhook(reported("a", severity="warning"), reported("b", severity="critical")))
    assert told(changes) >= {("on-call", "firing"), ("management", "firing"), ("slack", "firing"),
                             ("platform-team", "update")}
    assert changes.incidents[0].severity is Severity.CRITICAL
    assert {row.epoch for row in changes.notifications if row.outlet.receiver == "on-call"} == {2}


def test_groups_that_differ_in_severity_only_are_one_incident():
    """Alertmanager may group by severity; people have one problem."""
    known = Known()
    first = run(known, webhook(reported("a", severity="warning"), group={"service": "x", "severity": "warning"}))
    second = run(known, webhook(reported("b"), group={"service": "x", "severity": "critical"}))
    assert first.incidents[0].id == second.incidents[0].id


def test_another_alert_of_an_open_incident_is_an_update():
    """Whoever was told hears of it, in the message they have."""
    known = Known()
    run(known, webhook(reported("a")))
    deliver(known)
    changes = run(known, webhook(reported("a"), reported("b")))
    assert {row.kind for row in changes.notifications} == {Kind.UPDATE}
    assert changes.incidents[0].firing == 2


def test_a_message_that_still_waits_carries_the_news():
    """No second message is queued behind one that will be rendered later anyway."""
    known = Known()
    run(known, webhook(reported("a")))
    changes = run(known, webhook(reported("a"), reported("b")))
    assert changes.notifications == ()
    assert any("will carry this" in why for why in changes.decisions[0].why)


def test_a_partial_end_only_changes_messages_in_place():
    """Slack's message is edited; nobody gets a mail because one of two ended."""
    known = Known()
    run(known, webhook(reported("a"), reported("b")))
    deliver(known)
    changes = run(known, webhook(reported("a", "resolved"), reported("b")))
    assert told(changes) == {("slack", "update")}


def test_one_place_is_told_once():
    """Two receivers that name one Slack channel send one message there."""
    table = routing([receiver("on-call", "pagerduty", "slack:#alerts")])
    changes = run(Known(), webhook(reported("a")), table)
    assert [row.outlet.receiver for row in changes.notifications if row.outlet.channel == "slack"] == ["on-call"]
    assert any("the same place" in why for why in changes.decisions[0].why)


def test_hold_delays_the_start_only():
    """What ends while it is held is not told."""
    table = routing([receiver("management", "email:boss@example.com", hold=120_000)])
    changes = run(Known(), webhook(reported("a")), table)
    waits = {row.outlet.receiver: row.next_at - T0 for row in changes.notifications}
    assert waits == {"on-call": 0, "management": 120_000, "slack": 0}


def test_incident_by_replaces_alertmanagers_grouping():
    """One webhook may then concern several incidents."""
    changes = run(Known(), webhook(reported("a", team="x"), reported("b", team="y")), routing(incident_by=("team",)))
    assert [incident.labels for incident in changes.incidents] == [{"team": "x"}, {"team": "y"}]


def test_every_decision_names_its_line():
    """Why: file and line."""
    why = run(Known(), webhook(reported("a"))).decisions[0].why
    assert why == ("routing.yaml:11 critical → on-call + management + slack",)


FINGERPRINTS = st.sampled_from(["a", "b", "c"])
MESSAGES = st.lists(
    st.lists(st.tuples(FINGERPRINTS, st.booleans(), st.integers(0, 30), st.sampled_from(["warning", "critical"])),
             min_size=1, max_size=3, unique_by=lambda alert: alert[0]),
    min_size=1, max_size=6)


def _as_webhook(alerts):
    return webhook(*(
        reported(name, "firing", start=start) if firing else reported(name, "resolved", start=start, end=start + 5)
        for name, firing, start, _ in alerts))


@settings(max_examples=300)
@given(MESSAGES, st.randoms())
def test_any_order_and_repetition_ends_alike(messages, random):
    """The same webhooks shuffled and repeated leave the same alerts open, and so the same incident."""
    straight, mixed = Known(), Known()
    for alerts in messages:
        run(straight, _as_webhook(alerts))
    shuffled = messages + random.sample(messages, random.randint(0, len(messages)))
    random.shuffle(shuffled)
    for alerts in shuffled:
        run(mixed, _as_webhook(alerts))

    def burning(known: Known) -> set[str]:
        return {name for name, rows in known.alerts.items() if any(row.firing for row in rows)}

    assert burning(straight) == burning(mixed)
    assert len(straight.incidents) == len(mixed.incidents) == bool(burning(straight))


@settings(max_examples=300)
@given(MESSAGES, st.lists(st.booleans(), min_size=6, max_size=6))
def test_nobody_is_left_with_a_start_alone(messages, sends):
    """Whoever was sent a start is told of the end once the incident is over; who was not is not."""
    known = Known()
    for alerts, send in zip(messages, sends, strict=False):
        changes = run(known, _as_webhook(alerts))
        for incident in changes.incidents:
            if incident.state is IncidentState.RESOLVED:
                rows = known.notifications[incident.id]
                for outlet in {row.outlet for row in rows}:
                    sent = any(row.state is State.SENT for row in rows if row.outlet == outlet)
                    ended = any(row.kind is Kind.RESOLVED for row in rows if row.outlet == outlet)
                    assert sent == ended
        if send:
            deliver(known)


@settings(max_examples=200)
@given(MESSAGES)
def test_the_counts_of_an_incident_are_its_alerts(messages):
    """`firing` is the number of its open episodes."""
    known = Known()
    for alerts in messages:
        run(known, _as_webhook(alerts))
        for incident in known.incidents.values():
            rows = [row for episodes in known.alerts.values() for row in episodes if row.incident == incident.id]
            assert incident.firing == sum(row.firing for row in rows)
            assert incident.firing > 0


@settings(max_examples=300)
@given(MESSAGES, MESSAGES)
def test_only_touched_incidents_change(before, batch):
    """What a batch is not said to touch, no webhook of it changes, whatever came earlier in the batch."""
    known = Known()
    for alerts in before:
        run(known, _as_webhook(alerts))
    open_before = set(known.incidents)
    messages = [_as_webhook(alerts) for alerts in batch]
    expected = touched(messages, known, T0)
    changed = {incident.id for message in messages for incident in run(known, message).incidents}
    assert changed & open_before <= expected


@settings(max_examples=300)
@given(MESSAGES, st.integers(0, 200))
def test_what_merely_repeats_is_known_without_deciding(messages, later):
    """Who asks beforehand finds exactly the webhooks that change nothing, and says of them what is decided."""
    known = Known()
    for alerts in messages:
        message = _as_webhook(alerts)
        found = repeated(message, known.alerts, T0 + later * 1000)
        changes = run(known, message, now=T0 + later * 1000)
        assert found == (changes if changes.result == "repeat" else None)

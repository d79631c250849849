"""What maintenance windows hold, and what is told once they have ended."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.incidents import Changes, Known, decide
from alertd.maintaining import bundled, burning, concerned, held_until, release, too_broad
from alertd.matchers import parse_all
from alertd.model import HOUR, Alert, Incident, IncidentState, Kind, Millis, State
from alertd.routing import Routing, Step, choose
from alertd.schedule import Mode, Once, Window, Windows
from alertd.telling import kept, reached
from tests.reports import T0, receiver, reported, routing, webhook

END = T0 + HOUR


def held(match: str = 'instance=~"a.*"', mode: Mode = Mode.HOLD, **more: object) -> Routing:
    """A table with a window from an hour before T0 to an hour after it."""
    window = Window("upgrade", parse_all(match), Once(T0 - HOUR, END), mode, line=24)
    return routing(windows=Windows([window]), pages=frozenset({"pagerduty"}), **more)


def run(known: Known, table: Routing, *alerts: object, now: Millis = T0) -> Changes:
    changes = decide(webhook(*alerts), known, table, now)  # type: ignore[arg-type]  # what `reported` makes
    known.apply(changes)
    return changes


def deliver(known: Known) -> None:
    for rows in known.notifications.values():
        rows[:] = [dataclasses.replace(row, state=State.SENT, attempts=1) if row.state is State.QUEUED else row
                   for row in rows]


def let_go(known: Known, table: Routing, now: Millis = END) -> Changes:
    """The end of the window, for the one incident there is."""
    [incident] = known.incidents.values()
    alerts = [alert for rows in known.alerts.values() for alert in rows if alert.firing]
    changes = release(incident, alerts, known.notifications.get(incident.id, []), table, now)
    known.apply(changes)
    return changes


def states(changes: Changes) -> set[tuple[str, str, str]]:
    return {(row.outlet.receiver, row.kind.value, row.state.value) for row in changes.notifications}


def test_what_begins_within_a_window_is_held_for_everybody() -> None:
    """Critical too, since somebody declared it; each row says which window holds it and where that stands."""
    changes = run(Known(), held(), reported("a"))
    assert states(changes) == {("on-call", "firing", "held"), ("management", "firing", "held"),
                               ("slack", "firing", "held")}
    assert {row.reason for row in changes.notifications} == {
        "held by maintenance window 'upgrade' (routing.yaml:24)"}
    assert any("routing.yaml:24" in why for why in changes.decisions[0].why)
    assert changes.incidents[0].escalate_at is None


def test_what_a_window_does_not_cover_is_told_at_once() -> None:
    """Another service's alert within the hour of a window is an alert like any other."""
    assert {state for *_, state in states(run(Known(), held(), reported("b")))} == {"queued"}


def test_a_window_sees_the_severity_that_the_file_renamed() -> None:
    """`severity="critical"` covers an alert that calls itself page."""
    from alertd.model import Severity

    table = held('severity="critical"', severities={"page": Severity.CRITICAL})
    assert choose({"severity": "page"}, table, table.windows.active(T0)).window


def test_what_ended_within_the_window_is_told_to_nobody() -> None:
    """Neither the start nor the end, and the row says why."""
    known = Known()
    run(known, held(), reported("a"))
    changes = run(known, held(), reported("a", "resolved"))
    assert changes.notifications == ()
    assert {row.reason for row in changes.superseded} == {
        "it ended within the maintenance window 'upgrade' (routing.yaml:24)"}


def test_what_was_told_before_the_window_gets_its_end_within_it() -> None:
    """Who was called must not keep looking for what is over."""
    known = Known()
    run(known, held(), reported("a"), now=T0 - 2 * HOUR)
    deliver(known)
    changes = run(known, held(), reported("a", "resolved"))
    assert {(row.kind, row.state) for row in changes.notifications} == {(Kind.RESOLVED, State.QUEUED)}


def test_the_end_of_the_window_tells_what_still_burns() -> None:
    """At once, to everybody whom it was held for, and the escalation begins then."""
    from alertd.model import Severity

    table = held(escalation={Severity.CRITICAL: (Step(300_000, ("management",)),)})
    known = Known()
    run(known, table, reported("a"))
    assert let_go(known, table, END - 1) == Changes()
    changes = let_go(known, table)
    assert states(changes) == {("on-call", "firing", "queued"), ("management", "firing", "queued"),
                               ("slack", "firing", "queued")}
    assert {row.next_at for row in changes.notifications} == {END}
    assert len(changes.superseded) == 3
    assert changes.incidents[0].escalate_at == END + 300_000
    assert let_go(known, table) == Changes()


def test_a_new_alert_of_an_incident_that_people_know_is_a_change_held_for_them() -> None:
    """They hear of it at the end, once, however many began within."""
    known, table = Known(), held()
    run(known, table, reported("a1"), now=T0 - 2 * HOUR)
    deliver(known)
    changes = run(known, table, reported("a1"), reported("a2"))
    assert {(row.kind, row.state) for row in changes.notifications} == {(Kind.UPDATE, State.HELD)}
    assert run(known, table, reported("a1"), reported("a2"), reported("a3")).notifications == ()
    assert {(row.kind, row.state) for row in let_go(known, table).notifications} == {(Kind.UPDATE, State.QUEUED)}


def test_an_alert_outside_the_window_has_its_incident_told_at_once() -> None:
    """What was held for the same incident is told with it."""
    known, table = Known(), held()
    run(known, table, reported("a"))
    changes = run(known, table, reported("a"), reported("b"))
    assert states(changes) == {("on-call", "firing", "queued"), ("management", "firing", "queued"),
                               ("slack", "firing", "queued")}
    assert {row.state for row in changes.superseded} == {State.SUPERSEDED}


def test_a_rise_within_the_window_is_held_as_what_it_rose_to() -> None:
    """The start that was held as a warning is replaced by a critical one."""
    known, table = Known(), held()
    run(known, table, reported("a1", severity="warning"))
    run(known, table, reported("a1", severity="warning"), reported("a2"))
    rows = [row for rows in known.notifications.values() for row in rows if kept(row)]
    assert {row.severity.value for row in rows if row.outlet.receiver == "on-call"} == {"critical"}
    told = let_go(known, table).notifications
    assert [row.severity.value for row in told if row.outlet.receiver == "on-call"] == ["critical"]


def test_the_mode_digest_collects_it_and_still_tells_it_at_the_end() -> None:
    """The digest has it whether it ended or not."""
    known, table = Known(), held(mode=Mode.DIGEST)
    changes = run(known, table, reported("a"))
    assert ("daily-summary", "firing", "held") in states(changes)
    told = {row.outlet.receiver for row in let_go(known, table).notifications}
    assert told == {"on-call", "management", "slack"}


def test_a_digest_is_no_page_that_a_window_would_hold() -> None:
    """Info goes into the daily summary as ever; only what is told at once waits."""
    changes = run(Known(), held(), reported("a", severity="info"))
    by_receiver = {row.outlet.receiver: row for row in changes.notifications}
    assert not kept(by_receiver["daily-summary"])
    assert kept(by_receiver["platform-team"])


def test_nobody_is_called_at_the_end_for_what_somebody_takes_care_of() -> None:
    """The page is not sent, Slack still hears of it."""
    known, table = Known(), held()
    run(known, table, reported("a"))
    [incident] = known.incidents.values()
    known.incidents[incident.id] = dataclasses.replace(incident, state=IncidentState.ACKNOWLEDGED, acknowledged_at=T0)
    assert {row.outlet.receiver for row in let_go(known, table).notifications} == {"management", "slack"}


def test_a_start_that_two_windows_hold_waits_for_the_later_end() -> None:
    """The end of one is no reason to tell what the other holds."""
    table = held()
    longer = Window("longer", (), Once(T0, END + HOUR), line=25)
    table = dataclasses.replace(table, windows=Windows([*table.windows.every, longer]))
    known = Known()
    run(known, table, reported("a"))
    assert let_go(known, table, END) == Changes()
    assert let_go(known, table, END + HOUR).notifications


def test_an_incident_is_held_only_while_all_that_fires_of_it_is() -> None:
    """One alert outside of the window lets the escalation go on."""
    table = held()
    known = Known()
    run(known, table, reported("a"), reported("b"))
    alerts = {alert.fingerprint: alert for rows in known.alerts.values() for alert in rows}
    assert held_until([alerts["a"]], table, T0) == END
    assert held_until(alerts.values(), table, T0) is None
    assert held_until([], table, T0) is None
    assert held_until([alerts["a"]], table, END) is None


STEPS = st.lists(st.tuples(st.sampled_from(["a1", "a2", "b"]), st.booleans(), st.sampled_from(["critical", "warning"]),
                           st.booleans()), max_size=12)


@given(STEPS)
def test_who_heard_of_a_start_hears_of_the_end_and_every_critical_page_is_told_or_held(
        steps: list[tuple[str, bool, str, bool]]) -> None:
    """Whatever begins and ends within a window, in any order, delivered or not, and once more after it."""
    known, table = Known(), held()
    severities: dict[str, str] = {}
    for name, fires, severity, delivered in steps:
        severities.setdefault(name, severity)
        run(known, table, reported(name, "firing" if fires else "resolved", severity=severities[name]))
        if delivered:
            deliver(known)
    for incident in list(known.incidents.values()):
        if any(kept(row) for row in known.notifications[incident.id]):
            let_go(known, table)
        rows = known.notifications[incident.id]
        assert not any(kept(row) for row in rows), "after the end nothing is held"
        current = known.incidents[incident.id]
        if current.severity.value == "critical":
            assert _paged(current, rows)
        deliver(known)
        after = [reported(name, "resolved", severity=severities[name], start=7200) for name in severities]
        changes = run(known, table, *after, now=END + HOUR)
        if incident.id not in known.incidents:
            heard = {row.outlet for row in rows if reached([row])} - {
                row.outlet for row in rows if row.outlet.channel == "digest"}
            assert heard <= {row.outlet for row in [*changes.notifications, *rows] if row.kind is Kind.RESOLVED}


def _paged(incident: Incident, rows: Iterable[object]) -> bool:
    return any(row.kind is Kind.FIRING and row.outlet.channel == "pagerduty"  # type: ignore[attr-defined]
               and row.state in (State.QUEUED, State.SENT) for row in rows)  # type: ignore[attr-defined]


def test_what_leaves_together_is_one_message_but_for_calls() -> None:
    """PagerDuty gets an event for each incident, everybody else one message; one alone stays as it is."""
    table = held()
    rows = []
    for name in ("a1", "a2"):
        known = Known()
        run(known, table, reported(name))
        rows += let_go(known, table).notifications
    found = bundled(rows, table, END)
    assert {one.message.outlet.channel for one in found} == {"email", "slack"}
    assert {len(one.carries) for one in found} == {2}
    assert {one.message.severity.value for one in found} == {"critical"}
    assert bundled(rows[:3], table, END) == []


def test_the_one_message_lists_what_burns_and_what_held_it() -> None:
    """The worst first, with each summary; management reads no labels."""
    from alertd.digest import Entry

    known, table = Known(), held()
    run(known, table, reported("a-node"))
    [incident] = known.incidents.values()
    alerts: tuple[Alert, ...] = tuple(alert for rows in known.alerts.values() for alert in rows)
    text = burning([Entry(incident, alerts)], ["maintenance window 'upgrade' (routing.yaml:24)"], "responder")
    assert text.subject == "[critical] 1 incident still burns after maintenance"
    assert "routing.yaml:24" in text.text
    assert "a-node is broken" in text.text
    plain = burning([Entry(incident, alerts)], [], "management")
    assert "one instance is broken" in plain.text
    assert all(incident.id in one.text for one in (text, plain))
    assert "alertname" not in plain.text


def test_a_message_of_very_many_says_how_many_more() -> None:
    """Its subject counts all of them, its lines end."""
    from alertd.digest import Entry

    known, table = Known(), held()
    run(known, table, reported("a"))
    [incident] = known.incidents.values()
    text = burning([Entry(incident, ())] * 1000, [], "responder")
    assert "1000 incidents" in text.subject
    assert text.text.endswith("+900 more")


def test_what_a_receiver_would_hold_back_is_told_at_once_at_the_end() -> None:
    """It burnt long enough to be no flicker."""
    table = held()
    slow = receiver("slack", "slack:#alerts", hold=90_000)
    table = dataclasses.replace(table, receivers={**table.receivers, "slack": slow})
    known = Known()
    run(known, table, reported("a"))
    assert {row.next_at for row in let_go(known, table).notifications} == {END}


def test_a_start_is_told_quietly_to_whom_it_concerns() -> None:
    """Slack and mail of the receivers of what it covers: no page, no digest, not management."""
    table = held('severity="critical"')
    assert [outlet.target for outlet, _ in concerned(table.windows.every[0], table, T0)] == ["#alerts"]
    both = held('instance="a"')
    assert {outlet.target for outlet, _ in concerned(both.windows.every[0], both, T0)} == {"#alerts", "#platform"}


@pytest.mark.parametrize(("match", "refused"), [
    ('service="db"', None), ('service=~"db|web"', "2 of the 3 alerts"), ('alertname=~".*"', "every alert"),
    ("", "every alert"), ('service="none"', None)])
def test_a_window_that_covers_more_than_half_needs_a_word(match: str, refused: str | None) -> None:
    """Of what fired within the last seven days; the number is said."""
    fired = [{"service": "db"}, {"service": "web"}, {"service": "mail"}]
    why = too_broad(parse_all(match), fired)
    assert (why is None) if refused is None else (refused in (why or ""))


def test_without_a_history_only_what_covers_everything_is_refused() -> None:
    """A new installation has nothing to compare with."""
    assert too_broad(parse_all('service="db"'), []) is None
    assert too_broad((), [])


def test_a_receiver_named_for_two_alerts_is_held_once() -> None:
    """Two receivers with one Slack channel are one place, held or not."""
    table = held()
    table = dataclasses.replace(table, receivers={**table.receivers, "on-call": receiver("on-call", "slack:#alerts")})
    changes = run(Known(), table, reported("a1"), reported("a2"))
    assert [row.outlet.target for row in changes.notifications if row.outlet.channel == "slack"] == ["#alerts"]

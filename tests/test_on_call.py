"""Who of a rota hears of an incident that lasts longer than a turn."""

import dataclasses
import datetime
import zoneinfo

from alertd.acknowledging import acknowledge, lapse
from alertd.escalating import escalate
from alertd.incidents import Known, decide
from alertd.model import DAY, HOUR, MINUTE, Kind, Outlet, Severity, State
from alertd.rotas import Rota, parse_handover, parse_hours
from alertd.routing import Step
from tests.reports import T0, receiver, reported, routing, webhook

DAILY = Rota("daily", ("alice", "bob"), parse_handover("00:00"), zoneinfo.ZoneInfo("UTC"), datetime.date(2027, 1, 15))
PEOPLE = {name: (Outlet("on-call", "email", f"{name}@example.com"),) for name in ("alice", "bob")}
ON_CALL = dataclasses.replace(receiver("on-call", "email:alice@example.com", "email:bob@example.com"),
                              rotas=("daily",), people=PEOPLE)


def table(rota=DAILY, **more):
    one = dataclasses.replace(ON_CALL, **more)
    return routing([one], rotas={"daily": rota}, acknowledge={Severity.CRITICAL: HOUR},
                   escalation={Severity.CRITICAL: (Step(5 * MINUTE, ("on-call",)),)})


def start(rules, severity="critical"):
    changes = decide(webhook(reported("a", severity=severity)), Known(), rules, T0)
    rows = [dataclasses.replace(row, state=State.SENT) for row in changes.notifications]
    return changes, rows


def mails(rows):
    return [(row.outlet.target.partition("@")[0], row.kind) for row in rows if row.outlet.receiver == "on-call"]


def test_a_step_reaches_who_is_on_call_by_then():
    """Alice did not answer on her day; the step that comes on Bob's calls Bob."""
    changes, rows = start(table())
    assert mails(rows) == [("alice", Kind.FIRING)]
    step = escalate(changes.incidents[0], rows, table(), T0 + DAY)
    assert mails(step.notifications) == [("bob", Kind.FIRING)]
    assert "routing.yaml:0 on-call, rota daily: bob on call" in step.decisions[0].why


def test_an_acknowledgement_that_ran_out_calls_who_is_on_call_now():
    """What Alice took care of and did not end wakes Bob, whose turn it is."""
    changes, rows = start(table())
    taken = acknowledge(changes.incidents[0], rows, "alice", table(), T0).incidents[0]
    assert mails(lapse(taken, rows, table(), T0 + DAY).notifications) == [("bob", Kind.FIRING)]
    assert mails(lapse(taken, rows, table(), T0 + 2 * HOUR).notifications) == [], "she knows already"


def test_more_of_it_is_told_to_both():
    """New alerts after the handover are a start for Bob and an update for Alice, who was told of it."""
    rules, known = table(), Known()
    first = decide(webhook(reported("a")), known, rules, T0)
    known.apply(first)
    for rows in known.notifications.values():
        rows[:] = [dataclasses.replace(row, state=State.SENT) for row in rows]
    more = decide(webhook(reported("a"), reported("b")), known, rules, T0 + DAY)
    assert set(mails(more.notifications)) == {("bob", Kind.FIRING), ("alice", Kind.UPDATE)}


def test_outside_the_hours_the_record_says_who_was_told_instead():
    """Nobody on call is no reason to tell nobody: the fallback is told, or everybody, and the decision says why."""
    asleep = dataclasses.replace(DAILY, hours=(parse_hours("20:00-21:00"),))
    changes, rows = start(table(asleep, fallback="platform-team"))
    assert mails(rows) == []
    assert "platform-team" in {row.outlet.receiver for row in rows}
    assert any("nobody is on call, so platform-team is told" in why for why in changes.decisions[0].why)
    _, rows = start(table(asleep))
    assert mails(rows) == [("alice", Kind.FIRING), ("bob", Kind.FIRING)]


def test_fallbacks_that_name_each_other_end():
    """A circle, which check refuses, ends in everybody and not in an endless search."""
    asleep = dataclasses.replace(DAILY, hours=(parse_hours("20:00-21:00"),))
    _, rows = start(table(asleep, fallback="on-call"))
    assert {name for name, _ in mails(rows)} == {"alice", "bob"}

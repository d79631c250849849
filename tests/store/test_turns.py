"""Whose message leaves next by an outlet that several teams share."""

import dataclasses
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from alertd.model import IncidentId, Kind, Notification, NotificationId, Outlet, Severity, State
from alertd.store import outbox, schema
from alertd.store.intake import insert_notifications
from alertd.store.outbox import Claim
from tests.reports import T0

SLACK = Outlet("slack", "slack", "#alerts")
CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING


def row(number, team, severity=WARNING, incident=None):
    name = f"{team}-{number}"
    return Notification(NotificationId(name), name, IncidentId(incident or name), Kind.FIRING, severity, 1, SLACK,
                        "responder", State.QUEUED, "", T0, T0, team=team)


@pytest.fixture
def queue(lite):
    """Have these messages wait in this order, and take them in goes of so many, as one courier does."""
    def leave(rows, *goes):
        turns, left = {}, []
        with lite.writer.begin() as connection:
            connection.execute(delete(schema.notifications))
            insert_notifications(connection, rows)
            for most in goes:
                got, = outbox.claim(connection, [Claim(SLACK, most, T0, T0 + 60_000, "t", 0, dict(turns))])
                turns |= {one.severity.rank: one.team for one in got.rows}
                left += [str(one.id) for one in got.rows]
                connection.execute(schema.notifications.update().where(schema.notifications.c.state == "claimed")
                                   .values(state="sent", settled_at=T0))
        return left

    return leave


def test_teams_take_turns(queue):
    """Whoever came first; each team's own in the order they were made."""
    rows = [*(row(number, "flood") for number in range(5)), row(1, "b"), row(2, "b"), row(1, "a")]
    assert queue(rows, *[1] * 8) == ["a-1", "b-1", "flood-0", "b-2", "flood-1", "flood-2", "flood-3", "flood-4"]


def test_turns_go_on_from_one_claim_to_the_next(queue):
    """Two at a time of three teams: nobody is passed over."""
    rows = [row(number, team) for team in "abc" for number in range(2)]
    assert queue(rows, 2, 2, 2) == ["a-0", "b-0", "c-0", "a-1", "b-1", "c-1"]


def test_one_claim_goes_around_more_than_once(queue):
    """Where there are fewer teams than places."""
    rows = [*(row(number, "flood") for number in range(9)), row(1, "b"), row(2, "b")]
    assert queue(rows, 8) == ["b-1", "flood-0", "b-2", "flood-1", "flood-2", "flood-3", "flood-4", "flood-5"]


def test_critical_leaves_before_anything_else(queue):
    """Also another team's, and the turns of lesser ones are not lost over it."""
    rows = [row(0, "a"), row(0, "b"), row(1, "a"), row(1, "b"), row(8, "c", CRITICAL), row(9, "a", CRITICAL)]
    assert queue(rows, 1, 2, 3) == ["a-9", "c-8", "a-0", "b-0", "a-1", "b-1"]


def test_order_within_an_incident_comes_before_turns(queue):
    """What waits behind an earlier message of its incident leaves its team's turn to the next."""
    rows = [row(0, "a", incident="i"), row(1, "a", CRITICAL, incident="i"), row(0, "b")]
    assert queue(rows, 8, 8) == ["a-0", "b-0", "a-1"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(teams=st.lists(st.sampled_from("abcd"), min_size=1, max_size=24),
       goes=st.lists(st.integers(1, 8), min_size=24, max_size=24))
def test_no_team_waits_longer_than_a_turn_of_each(queue, teams, goes):
    """However they came and are taken: nothing is lost, and until a team is empty no other has two more than it."""
    rows = [row(number, team) for number, team in enumerate(teams)]
    left = queue(rows, *goes)
    assert sorted(left) == sorted(one.id for one in rows)
    waiting, had = Counter(teams), Counter()
    for name in left:
        team = name[0]
        had[team] += 1
        waiting[team] -= 1
        assert all(had[team] - had[other] <= 1 for other in waiting if waiting[other])
    for team in "abcd":
        mine = [int(name[2:]) for name in left if name[0] == team]
        assert mine == sorted(mine)


def test_an_incident_belongs_to_whom_its_labels_name():
    """A team by name, else an owner, a service, an alert's name; the group's labels before the alert's."""
    from alertd.incidents import Known, decide
    from tests.reports import reported, routing, webhook

    def team(group=None, **labels):
        known = Known()
        return decide(webhook(reported("a", **labels), group=group), known, routing(), T0).incidents[0].team

    assert team(team="shop", service="cart") == "shop"
    assert team(group={"team": "core"}, team="shop") == "core"
    assert team(service="cart") == "cart"
    assert team() == "Broken"
    changes = decide(webhook(reported("a", team="shop")), Known(), routing(), T0)
    assert {one.team for one in changes.notifications} == {"shop"}
    assert dataclasses.asdict(changes.incidents[0])["team"] == "shop"

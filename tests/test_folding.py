"""What a storm carries, and what it says."""

import dataclasses

import pytest

from alertd.digest import Entry
from alertd.folding import Carried, Phase, Weather, fold, is_due, phase_of, said, starts, told
from alertd.incidents import Known, decide
from alertd.model import MINUTE, SECOND, Kind, Severity, State
from alertd.storm import Gauge, Limits, Storm
from alertd.telling import in_storm
from tests import made
from tests.reports import T0, reported, routing, webhook
from tests.test_incidents import deliver

LIMITS = Limits(over=3)
TABLE = routing(folds=frozenset({"slack", "email"}), pages=frozenset({"pagerduty"}))
PLACE = TABLE.receivers["platform-team"].outlets[0]


class Case:
    """Incidents of their own, each of one alert; what is told arrives at once."""

    def __init__(self):
        self.known, self.weather, self.all = Known(), Weather(), {}

    def take(self, number, status="firing", severity="warning", name=None, at=0):
        message = webhook(reported(name or f"n{number}", status, severity=severity), group={"n": str(number)})
        changes = decide(message, self.known, TABLE, T0 + at)
        changes = fold(changes, starts(changes, TABLE), self.weather, LIMITS, T0 + at)
        self.known.apply(changes)
        deliver(self.known)
        self.all |= {row.id: row for row in changes.notifications}
        return changes

    def states(self, kind=Kind.FIRING, place=PLACE):
        return [row.state for row in self.all.values() if row.outlet == place and row.kind is kind]


def flood(count=6, **more):
    case = Case()
    for number in range(count):
        case.take(number, **more)
    return case


def test_starts_beyond_the_limit_are_folded_with_a_reason():
    """Those before are told; the reason names the storm, and so does why."""
    case = flood()
    assert case.states() == [State.QUEUED] * 3 + [State.FOLDED] * 3
    changes = case.take(7)
    row = next(row for row in changes.notifications if row.outlet == PLACE)
    storm = case.weather.storms[PLACE]
    assert row.digest == storm.id
    assert row.reason == f"in the one message of the storm since 2027-01-15 08:00 UTC ({storm.id})"
    assert f"{PLACE}: folded into the storm since 2027-01-15 08:00 UTC ({storm.id})" in changes.decisions[0].why


def test_critical_is_never_folded():
    """Nor is anything to a pager."""
    case = flood(60, severity="critical")
    assert {row.state for row in case.all.values()} == {State.QUEUED}
    case = flood(60)
    pager = TABLE.receivers["on-call"].outlets[0]
    assert set(case.states(place=pager)) == {State.QUEUED}


def test_the_end_of_what_was_folded_is_folded_too():
    """The end of what was told is told."""
    case = flood()
    for number in range(6):
        case.take(number, "resolved")
    assert case.states(Kind.RESOLVED) == [State.QUEUED] * 3 + [State.FOLDED] * 3


def test_a_rise_to_critical_is_told_and_so_is_its_end():
    """Although its start was folded; slack, too, hears of what is critical."""
    case = flood()
    rise = case.take(5, severity="critical", name="worse")
    assert {row.outlet.receiver for row in rise.notifications if row.state is State.QUEUED} == {
        "on-call", "management", "slack"}
    ended = [case.take(5, "resolved", name=name) for name in ("n5", "worse")][-1]
    assert {row.outlet.receiver: row.state for row in ended.notifications} == {
        "on-call": State.QUEUED, "management": State.QUEUED, "slack": State.QUEUED, "platform-team": State.FOLDED}


def test_what_was_told_on_its_own_besides_is_not_in_the_storm():
    """A place that was told otherwise too is told of the end there."""
    case = flood()
    incident = list(case.known.incidents)[-1]
    rows = [row for row in case.known.notifications[incident] if row.outlet == PLACE]
    assert in_storm(rows) == case.weather.storms[PLACE].id
    assert in_storm([*rows, dataclasses.replace(rows[0], state=State.SENT, digest=None)]) is None
    assert in_storm([]) is None


def test_two_replicas_name_one_storm_alike():
    """And the next one at that outlet otherwise."""
    one, other = flood(), flood()
    first = one.weather.storms[PLACE].id
    assert other.weather.storms[PLACE].id == first
    one.weather.storms.clear()
    one.take(99)
    assert one.weather.storms[PLACE].id != first


STORM = Storm("storm-1", PLACE, "responder", T0, revision=5)


def test_it_is_told_at_once_and_then_as_its_channel_bears():
    """Ten seconds where it is edited, a quarter of an hour where each is a mail; and at every turn."""
    assert is_due(STORM, Phase.RAGING, True, LIMITS, T0)
    after, row = told(STORM, Phase.RAGING, T0)
    assert (row.kind, row.severity, row.digest) == (Kind.NOTICE, Severity.CRITICAL, "storm-1")
    assert not is_due(after, Phase.RAGING, True, LIMITS, T0 + MINUTE)  # nothing new
    assert told(after, Phase.RAGING, T0)[1].kind is Kind.STORM
    more = dataclasses.replace(after, revision=6)
    assert [is_due(more, Phase.RAGING, True, LIMITS, T0 + at * SECOND) for at in (9, 10)] == [False, True]
    assert [is_due(more, Phase.RAGING, False, LIMITS, T0 + at * MINUTE) for at in (14, 15)] == [False, True]
    assert is_due(after, Phase.CALM, False, LIMITS, T0 + 1)


def test_a_turn_is_a_notice():
    """It is calm, and later over: once each."""
    calm, row = told(STORM, Phase.CALM, T0 + 1)
    assert (row.kind, calm.calm_at, calm.over_at) == (Kind.NOTICE, T0 + 1, None)
    over, row = told(calm, Phase.OVER, T0 + 2)
    assert (row.kind, over.calm_at, over.over_at) == (Kind.NOTICE, T0 + 1, T0 + 2)
    assert told(STORM, Phase.OVER, T0 + 3)[0].over_at == T0 + 3
    assert not is_due(over, Phase.OVER, True, LIMITS, T0 + MINUTE)


@pytest.mark.parametrize(("gauge", "burns", "limits", "known", "expected"), [
    (Gauge(3, T0, T0), 5, LIMITS, True, Phase.RAGING), (Gauge(), 5, LIMITS, True, Phase.CALM),
    (Gauge(), 0, LIMITS, True, Phase.OVER), (Gauge(3, T0, T0), 5, None, True, Phase.CALM),
    (Gauge(3, T0, T0), 5, LIMITS, False, Phase.OVER),
])
def test_where_it_stands(gauge, burns, limits, known, expected):
    """By the gauge, by what burns, by a file that turned storms off or the outlet out."""
    assert phase_of(STORM, gauge, burns, limits, known, T0 + SECOND) is expected


def test_it_says_what_came_what_burns_and_how_much_was_folded():
    """Raging, calm, and over: then with the word that every end has."""
    one = made.delivery()
    carried = Carried({Severity.WARNING: 1_200, Severity.INFO: 34}, [("shop", 1_000), ("search", 234)], 40, 1_300,
                      [Entry(one.incident, one.alerts)])
    text = said(STORM, Phase.RAGING, carried, LIMITS, T0)
    assert text.subject == "STORM: 1,234 incidents since 2027-01-15 08:00 UTC"
    for words in ("more than 3 incidents within 2 min", "1,234 incidents came: 1,200 warning, 34 info.",
                  "40 still burn, 1,194 resolved; 1,300 messages are folded", "shop 1,000, search 234", "+39 more",
                  "Checkout errors 4.2 %"):
        assert words in text.text
    text = said(dataclasses.replace(STORM, calm_at=T0 + 20 * MINUTE), Phase.CALM, carried, LIMITS, T0 + 30 * MINUTE)
    assert text.subject == "Storm over: 1,234 incidents came, 40 still burn"
    assert "is over after 20 min" in text.text
    over = said(STORM, Phase.OVER, dataclasses.replace(carried, burns=0, burning=()), LIMITS, T0)
    assert over.subject == "Storm over: 1,234 incidents came, all resolved"
    plain = said(dataclasses.replace(STORM, style="management"), Phase.RAGING, carried, LIMITS, T0)
    assert "node-7" not in plain.text

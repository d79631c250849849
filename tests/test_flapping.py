"""What comes and goes is told once, and how it came out."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertd import messages
from alertd.calming import calm
from alertd.flapping import Limits
from alertd.incidents import Known, decide
from alertd.model import MINUTE, IncidentState, Kind, State
from alertd.telling import by_place, reached
from tests import made
from tests.reports import T0, receiver, reported, routing, webhook
from tests.test_incidents import deliver, run, told

LIMITS = Limits(changes=4, within=30 * MINUTE, quiet=15 * MINUTE)
TABLE = routing(flapping=LIMITS, pages=frozenset({"pagerduty"}))
NOTICE = {("slack", "flapping"), ("management", "flapping")}


class Case:
    """One group whose alert comes and goes; everything that is told arrives at once."""

    def __init__(self, table=TABLE):
        self.known, self.table, self.all = Known(), table, {}

    def swing(self, minute, status, name="a", start=None, **labels):
        """What is told when this alert of the group begins or ends; of ends, `start` is the minute it began."""
        begun = minute if status == "firing" else start
        message = webhook(reported(name, status, start=begun * 60, end=minute * 60, **labels), at=minute * 60)
        return self.note(run(self.known, message, self.table, T0 + minute * MINUTE))

    def flap(self, *minutes):
        """Begin and end by turns; what the last of them told."""
        said = None
        for at, minute in enumerate(minutes):
            said = self.swing(minute, "resolved" if at % 2 else "firing", start=minutes[at - 1])
        return said

    def time(self, minute):
        """What time tells."""
        incident = self.incident
        changes = calm(incident, self.known.notifications[incident.id], self.table, T0 + int(minute * MINUTE))
        self.known.apply(changes)
        return self.note(changes)

    def note(self, changes):
        for rows in self.known.notifications.values():
            self.all |= {row.id: row for row in rows}
        deliver(self.known)
        return told(changes)

    @property
    def incident(self):
        incident, = self.known.incidents.values()
        return incident


def test_each_swing_is_told_until_it_flaps():
    """The fourth within half an hour is held back: one notice, and no call."""
    case = Case()
    assert case.flap(0, 2) == {(name, "resolved") for name in ("on-call", "slack", "management")}
    assert case.swing(4, "firing") == {(name, "firing") for name in ("on-call", "slack", "management")}
    assert case.swing(6, "resolved", start=4) == NOTICE
    assert (case.incident.state, case.incident.firing, case.incident.flapping) == (IncidentState.OPEN, 0, True)


def test_a_flapping_incident_says_nothing_more():
    """However often it swings; it is the same incident all the time."""
    case = Case()
    case.flap(0, 2, 4, 6)
    id = case.incident.id
    for minute in range(10, 60, 4):
        assert case.swing(minute, "firing") == set()
        assert case.swing(minute + 2, "resolved", start=minute) == set()
    assert case.incident.id == id


def test_once_it_is_quiet_whoever_was_told_hears_of_the_end():
    """Not a moment before; the pager too, which had no notice."""
    case = Case()
    case.flap(0, 2, 4, 6)
    case.swing(10, "firing")
    case.swing(12, "resolved", start=10)
    assert case.time(26.9) == set()
    assert case.time(27) == {(name, "resolved") for name in ("on-call", "slack", "management")}
    assert case.known.incidents == {}


def test_what_burns_without_a_break_is_told_so():
    """It flaps no longer, and its end is told at once."""
    case = Case()
    case.flap(0, 2, 4, 6)
    case.swing(10, "firing")
    assert case.time(25) == NOTICE
    assert not case.incident.flapping
    assert case.swing(30, "resolved", start=10) == {(name, "resolved") for name in ("on-call", "slack", "management")}


def test_after_a_quiet_time_it_begins_anew():
    """What was counted before is over."""
    case = Case()
    case.flap(0, 2, 4, 6)
    case.time(21)
    assert ("on-call", "firing") in case.swing(23, "firing")
    assert ("on-call", "resolved") in case.swing(24, "resolved", start=23)


def test_slow_swings_do_not_flap():
    """Four within more than half an hour are told each."""
    case = Case()
    assert ("slack", "resolved") in case.flap(0, 10, 20, 31)
    assert ("slack", "resolved") in Case(dataclasses.replace(TABLE, flapping=None)).flap(0, 2, 4, 6)


def test_a_rise_calls_although_it_flaps():
    """And whoever has not been told of it is told of the start."""
    case = Case()
    for minute, status in ((0, "firing"), (2, "resolved"), (4, "firing"), (6, "resolved")):
        case.swing(minute, status, start=minute - 2, severity="warning")
    assert case.incident.flapping
    rise = case.swing(8, "firing", name="b", severity="critical")
    assert rise == {("on-call", "firing"), ("slack", "firing"), ("management", "firing")}


def test_alerts_within_it_are_no_swings():
    """Only the incident as a whole begins and ends."""
    case = Case()
    case.swing(0, "firing", name="root")
    for minute in range(1, 20, 2):
        case.swing(minute, "firing")
        case.swing(minute + 1, "resolved", start=minute)
    assert not case.incident.flapping
    assert len(case.incident.swings) == 1


def test_the_notice_says_how_often_and_until_when():
    """In both styles; and what became of it."""
    one = made.delivery(Kind.FLAPPING)
    times = tuple(made.START + number * 4 * MINUTE for number in range(6))
    flaps = dataclasses.replace(one.incident, swings=times, quiet_at=times[-1] + 15 * MINUTE)
    message = messages.compose(dataclasses.replace(one, incident=flaps))
    assert message.title == "FLAPPING (critical): Checkout errors 4.2 %"
    assert message.lead == ("It began and ended 6 times within 20 min, and is held open: you hear of it again when it "
                            "has been quiet for 15 min, or when it gets worse.")
    assert messages.compose(one).title.startswith("STILL CRITICAL: ")
    plain = messages.compose(made.delivery(Kind.FLAPPING, style="management")).lead
    assert plain.startswith("It came and went before, and burns without a break now.")


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(st.tuples(st.integers(0, 12), st.sampled_from("ab"), st.sampled_from(["warning", "critical"])),
                      min_size=1, max_size=40), deaf=st.sets(st.integers(0, 39)))
def test_whoever_was_told_of_a_start_is_told_of_the_end(steps, deaf):
    """Whatever swings how fast, and whatever has not arrived by then: once all is quiet every incident is over, and of
    every place that was told of it the last message is the end. No end comes in between."""
    known, begun, minute = Known(), {}, 0
    everything = {}
    table = routing([receiver("on-call", "pagerduty")], flapping=LIMITS, pages=frozenset({"pagerduty"}))

    def settle(changes, arrives=True):
        known.apply(changes)
        for rows in known.notifications.values():
            everything.update({row.incident: rows for row in rows})
        if arrives:
            deliver(known)

    def pass_time(until):
        for incident in list(known.incidents.values()):
            if incident.quiet_at is not None and incident.quiet_at <= until:
                settle(calm(incident, known.notifications[incident.id], table, incident.quiet_at))

    for number, (wait, name, severity) in enumerate(steps):
        minute += wait
        pass_time(T0 + minute * MINUTE)
        start = begun.pop(name, None)
        if start is None:
            begun[name] = minute
        status = "firing" if start is None else "resolved"
        message = webhook(reported(name, status, start=(minute if start is None else start) * 60 + number,
                                   end=minute * 60 + number + 1, severity=severity))
        settle(decide(message, known, table, T0 + minute * MINUTE + number), arrives=number not in deaf)
    for name, start in begun.items():
        message = webhook(reported(name, "resolved", start=start * 60, end=minute * 60 + 99))
        settle(decide(message, known, table, T0 + (minute + 2) * MINUTE))
    pass_time(T0 + (minute + 60) * MINUTE)
    assert known.incidents == {}
    for rows in everything.values():
        for at in by_place(rows):
            ends = [row for row in at if row.kind is Kind.RESOLVED]
            if at[0].outlet.channel != "digest" and reached(at):
                assert len(ends) == 1
                assert at[-1].kind is Kind.RESOLVED
            assert all(row.state in (State.SENT, State.SUPERSEDED, State.HELD) for row in at if row.kind is Kind.FIRING)


@pytest.mark.parametrize("count", [3, 4, 9, 30])
def test_messages_do_not_grow_with_swings(count):
    """Two starts, an end, a notice and an end for each place, however often it swings."""
    case = Case()
    case.flap(*range(0, 2 * 2 * count, 2))
    while case.known.incidents:
        case.time(500)
    slack = [row for row in case.all.values() if row.outlet.receiver == "slack"]
    assert [row.kind.value for row in slack] == ["firing", "resolved", "firing", "flapping", "resolved"]

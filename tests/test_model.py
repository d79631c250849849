"""The states of a notification."""

from alertd.model import ARROWS, FINAL, Event, Severity, State


def reachable(start: State) -> set[State]:
    seen, edge = {start}, [start]
    while edge:
        here = edge.pop()
        for (state, _), to in ARROWS.items():
            if state is here and to not in seen:
                seen.add(to)
                edge.append(to)
    return seen


def test_every_state_is_reached_from_a_beginning():
    """A notification begins queued, or held for a digest."""
    assert reachable(State.QUEUED) | reachable(State.HELD) == set(State)


def test_every_state_leads_to_an_end():
    """Nothing can stay unaccounted for."""
    assert all(reachable(state) & FINAL for state in State)


def test_an_end_is_an_end():
    """No arrow but a person's leaves a final state, and every event is used."""
    assert {(state, event) for state, event in ARROWS if state in FINAL} == {
        (State.DEAD, Event.RETRY), (State.DEAD, Event.DROP)}
    assert {event for _, event in ARROWS} == set(Event)


def test_severities_have_an_order():
    """None, info, warning, critical."""
    assert sorted(Severity, key=lambda severity: severity.rank) == [
        Severity.NONE, Severity.INFO, Severity.WARNING, Severity.CRITICAL]

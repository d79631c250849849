"""The state machine of an alert, the pieces of a history, records put into expressions, and who is told."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.backtest import MOST_POINTS, chunks
from alertd.backtest.firing import Episode, episodes
from alertd.backtest.inlining import NotReplayable, inlined
from alertd.backtest.telling import Grouping, told
from alertd.config import rule_files
from alertd.model import HOUR, MINUTE, Kind, Outlet, Severity
from alertd.routing import Receiver, Route, Routing

STEP = MINUTE
HELD = st.lists(st.booleans(), max_size=60)
TIMES = st.integers(0, 6).map(lambda minutes: minutes * MINUTE)


def as_prometheus(held: list[bool], lasting: int, keep: int) -> list[bool]:
    """Whether it fires at each evaluation, by the states Prometheus keeps: activeAt and keepFiringSince."""
    active_at = keeping_since = None
    firing, shown = False, []
    for number, holds in enumerate(held):
        now = number * STEP
        if holds:
            active_at = now if active_at is None else active_at
            keeping_since = None
            firing = firing or now - active_at >= lasting
        elif firing and keep:
            keeping_since = now if keeping_since is None else keeping_since
            if now - keeping_since >= keep:
                active_at, firing = None, False
        else:
            active_at, firing = None, False
        shown.append(firing)
    return shown


@given(HELD, TIMES, TIMES)
def test_it_fires_when_prometheus_says_so(held: list[bool], lasting: int, keep: int) -> None:
    """At every evaluation, for any history, `for` and `keep_firing_for`."""
    until = (len(held) - 1) * STEP
    found = episodes({}, [number * STEP for number, holds in enumerate(held) if holds], STEP, until, lasting, keep)
    shown = [any(each.start <= number * STEP and (each.end is None or number * STEP < each.end) for each in found)
             for number in range(len(held))]
    assert shown == as_prometheus(held, lasting, keep)


@given(HELD, TIMES, TIMES)
def test_episodes_are_in_order_and_apart(held: list[bool], lasting: int, keep: int) -> None:
    """One ends before the next begins, and only the last may still fire."""
    found = episodes({}, [number * STEP for number, holds in enumerate(held) if holds], STEP, 60 * STEP, lasting, keep)
    assert all(one.end is not None and one.start < one.end <= other.start
               for one, other in itertools.pairwise(found))


@given(st.integers(0, 10**9), st.integers(0, 200_000), st.integers(1, 10**6))
def test_pieces_cover_every_time_once(start: int, points: int, step: int) -> None:
    """None asks for more than the server's 11,000 points, none is missing, none twice."""
    pieces = list(chunks(start, start + points * step, step))
    assert sum((last - first) // step + 1 for first, last in pieces) == points + 1
    assert all((last - first) // step + 1 <= MOST_POINTS for first, last in pieces)
    assert all(other - last == step for (_, last), (other, _) in itertools.pairwise(pieces))


RECORDS = """\
groups:
- name: g
  rules:
  - {record: 'a:sum', expr: 'sum(x{c="\\\\d\\"a:sum"})', labels: {service: shop}}
  - {record: 'a:sum', expr: 'sum(y)', labels: {service: till}}
  - {record: 'a:rate', expr: 'a:sum{service="shop"} / 2'}
  - {record: 'a:self', expr: 'a:self + 1'}
"""
SHOP = r'''label_replace(sum(x{c="\\d\"a:sum"}), "service", "shop", "", "")'''


def without_records(expr: str) -> str:
    rules = rule_files.parsed(RECORDS + f"  - alert: A\n    expr: |-\n      {expr}\n", "r")[0]
    return inlined(rules[-1], [rule for rule in rules if rule.kind == "record"])


@pytest.mark.parametrize(("expr", "result"), [
    ("x > 1", "x > 1"),
    ('a:sum{service="shop"} > 1', f"({SHOP}) > 1"),
    ('max_over_time(a:sum{service="shop"}[5m]) > 1', f"max_over_time(({SHOP})[5m:1m]) > 1"),
    ('a:sum{service="shop"} offset 5m > 1', f"last_over_time(({SHOP})[1m:1m] offset 5m) > 1"),
    ("a:sum", f'({SHOP} or label_replace(sum(y), "service", "till", "", ""))'),
    ("a:rate == 1", f"(({SHOP}) / 2) == 1"),
    ('x{job="a:sum"} > 1', 'x{job="a:sum"} > 1'),  # a text is no name
])
def test_a_record_is_replaced_by_its_expression(expr: str, result: str) -> None:
    """In the text, escapes and all; a range becomes a subquery."""
    assert without_records(expr) == result


@pytest.mark.parametrize(("expr", "why"), [
    ("a:self", "reads its own past"),
    ('a:sum{job="x"}', "which its rule does not set itself"),
    ('a:sum{service="none"}', "no record a:sum has the labels"),
    ("max_over_time(a:sum[30d])", "would be evaluated 43200 times"),
])
def test_what_cannot_be_replayed_says_why(expr: str, why: str) -> None:
    """No number is made up for it."""
    with pytest.raises(NotReplayable, match=why):
        without_records(expr)


def test_an_equivalent_takes_the_place_of_a_part() -> None:
    """Where a plain expression says what records say, it is used instead."""
    rules = rule_files.parsed(RECORDS + "  - {alert: A, expr: 'a:self + 1 > 2'}\n", "r")[0]
    assert inlined(rules[-1], rules[:-1], {"a:self\n  + 1": r"sum(z{a='\\d'})"}) == r"(sum(z{a='\\d'})) > 2"


ROUTING = Routing({name: Receiver(name, (Outlet(name, "log", ""),)) for name in ("on-call", "team")},
                  {Severity.CRITICAL: Route(("on-call", "team")), Severity.WARNING: Route(("team",))})


def episode(start: int, end: int | None, severity: str = "critical", **labels: str) -> Episode:
    return Episode({"alertname": "A", "severity": severity, **labels}, start * MINUTE,
                   None if end is None else end * MINUTE)


def test_who_is_told_of_the_start_is_told_of_the_end() -> None:
    """By the routes; two alerts of one group are one incident."""
    messages = told([episode(10, 20, instance="a"), episode(11, 25, instance="b")], ROUTING, Grouping())
    assert [(each.receiver, each.kind, each.at) for each in messages if each.kind is not Kind.UPDATE] == [
        ("on-call", Kind.FIRING, 10 * MINUTE + 10_000), ("team", Kind.FIRING, 10 * MINUTE + 10_000),
        ("on-call", Kind.RESOLVED, 25 * MINUTE + 10_000), ("team", Kind.RESOLVED, 25 * MINUTE + 10_000)]


def test_a_severity_has_its_own_receivers() -> None:
    """A warning does not page."""
    assert {each.receiver for each in told([episode(0, 5, "warning")], ROUTING, Grouping())} == {"team"}


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 60)), max_size=8))
def test_every_start_has_its_end(spans: list[tuple[int, int]]) -> None:
    """Whatever comes and goes: who hears of a start hears of an end, and never of more ends than starts."""
    made = [episode(start, start + length, instance=str(number)) for number, (start, length) in enumerate(spans)]
    messages = told(made, ROUTING, Grouping(interval=HOUR))
    for name in ("on-call", "team"):
        kinds = [each.kind for each in messages if each.receiver == name and each.kind is not Kind.UPDATE]
        assert kinds == [Kind.FIRING, Kind.RESOLVED] * (len(kinds) // 2)
        assert bool(kinds) == bool(spans)

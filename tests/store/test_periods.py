"""What a digest is made from, read from either database."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, insert

from alertd.digest import Seen
from alertd.model import DAY, HOUR, MINUTE, Severity
from alertd.store import periods, schema

NOW = 1_800_000_000_000
PAGERS = frozenset({"pagerduty"})


def _incident(number: int, opened: int, resolved: int | None, severity: str = "critical") -> dict[str, Any]:
    return {"id": f"i{number}", "key": f"k{number}", "source": "http://am", "labels": '{"alertname":"Down"}',
            "severity": severity, "epoch": 1, "revision": 1, "state": "resolved" if resolved else "open",
            "opened_at": opened, "firing": 0 if resolved else 1, "alerts": 1, "resolved_at": resolved}


def _alert(number: int, of: dict[str, Any], service: str, runbook: str = "") -> dict[str, Any]:
    return {"id": f"{of['id']}.{number}", "source": "http://am", "fingerprint": f"{of['id']}{number}",
            "incident": of["id"], "severity": of["severity"],
            "labels": f'{{"alertname":"Down","service":"{service}"}}',
            "annotations": f'{{"runbook_url":"{runbook}"}}' if runbook else "{}", "starts_at": of["opened_at"],
            "newest_start": of["opened_at"], "ends_at": of["resolved_at"], "closed_at": of["resolved_at"],
            "generator_url": ""}


def _page(number: int, of: dict[str, Any], at: int, channel: str = "pagerduty") -> dict[str, Any]:
    return {"id": f"n{number}", "incident": of["id"], "kind": "firing", "severity": of["severity"], "rank": 3,
            "epoch": 1, "receiver": "on-call", "channel": channel, "target": "", "style": "responder", "state": "sent",
            "reason": "", "created_at": at - number * 1000, "next_at": at, "attempts": 1, "ambiguous": 0,
            "settled_at": at}


OLD = _incident(1, NOW - 3 * DAY, NOW - 3 * DAY + HOUR)
LATE = _incident(2, NOW - DAY - HOUR, NOW - HOUR)  # began before the day, ended in it
TODAY = _incident(3, NOW - 2 * HOUR, NOW - HOUR)
OPEN = _incident(4, NOW - 2 * DAY, None, "warning")
BARE = _incident(6, NOW - HOUR, NOW - MINUTE)
SMALL = _incident(5, NOW - HOUR, NOW - MINUTE, "info")


@pytest.fixture
async def store(db: Any, writer: Any) -> Any:
    """Six incidents, and who was called for them: for one of them a second time."""

    def fill(connection: Connection) -> None:
        connection.execute(insert(schema.incidents), [OLD, LATE, TODAY, OPEN, SMALL, BARE])
        connection.execute(insert(schema.alerts), [
            *(_alert(number, TODAY, "shop", "https://runbooks/x") for number in range(4)),
            _alert(0, BARE, "cart"),
            *(_alert(number, SMALL, f"s{number}") for number in range(10)), _alert(10, SMALL, "s0"),
            *(_alert(11 + number, SMALL, f"s{number}") for number in range(1, 8)), _alert(0, OPEN, "pay")])
        connection.execute(insert(schema.notifications), [
            _page(1, OLD, NOW - 3 * DAY), _page(2, LATE, NOW - DAY - HOUR), _page(3, LATE, NOW - HOUR),
            _page(4, TODAY, NOW - 2 * HOUR), _page(5, TODAY, NOW - 2 * HOUR, "slack")])

    await writer.submit(lambda connection, items: [fill(connection) for _ in items], None)
    return db


async def _day(store: Any) -> Any:
    async with store.reader.connect() as connection:
        return await periods.gather(connection, NOW - DAY, NOW, "", PAGERS, {})


async def test_what_is_open_is_counted_and_the_oldest_named(store: Any, writer: Any) -> None:
    """Two, of which one for two days, with the service of its alert; the other not for a day yet."""
    young = _incident(7, NOW - DAY + 1, None)
    await writer.submit(lambda connection, items: [connection.execute(insert(schema.incidents), [young])], None)
    found = (await _day(store)).open
    assert (found.number, found.critical, found.old) == (2, 1, 1)
    assert found.oldest == (Seen("i4", "Down of pay", Severity.WARNING, NOW - 2 * DAY),)


async def test_of_much_that_is_open_a_few_are_named(store: Any, writer: Any) -> None:
    """All are counted, and the named are those that opened first; what calls nobody is not among them."""
    more = [_incident(10 + number, NOW - 3 * DAY + number, None) for number in range(periods.OLDEST + 2)]
    more += [_incident(40, NOW - MINUTE, None), _incident(41, NOW - 4 * DAY, None, "none")]
    await writer.submit(lambda connection, items: [connection.execute(insert(schema.incidents), more)], None)
    found = (await _day(store)).open
    assert (found.number, found.critical, found.old) == (periods.OLDEST + 4, periods.OLDEST + 3, periods.OLDEST + 3)
    assert [one.id for one in found.oldest] == [one["id"] for one in more[:periods.OLDEST]]


async def test_kinds_without_a_runbook_are_of_what_began(store: Any, writer: Any) -> None:
    """Critical ones that are over or open, each kind once; not what has one, began before or is less severe."""
    still = _incident(7, NOW - 5 * HOUR, None)

    def open_one(connection: Connection, items: Any) -> Any:
        connection.execute(insert(schema.incidents), [still, _incident(8, NOW - 2 * HOUR, NOW - HOUR)])
        connection.execute(insert(schema.alerts), [_alert(0, still, "pay")])
        return items

    assert (await _day(store)).bare == ("Down of cart",)
    await writer.submit(open_one, None)
    assert (await _day(store)).bare == ("Down", "Down of cart", "Down of pay")


async def test_a_start_counts_as_a_call_once_and_where_it_came_first(store: Any) -> None:
    """Of the day the one that nobody was called for before; of the seven before, one each where it was."""
    facts = await _day(store)
    assert [(ring.at, ring.receiver, ring.first) for ring in facts.record.rings if ring.first] == [
        (NOW - 2 * HOUR, "on-call", True)]
    assert facts.past == (1, 1, 0, 0, 0, 0, 0)


async def test_what_was_delivered_is_counted_with_its_slowest(store: Any) -> None:
    """Three of the day, of 3, 4 and 5 seconds; of so few the 95th of a hundred is the second."""
    facts = await _day(store)
    assert (facts.delivered, facts.delay_p95) == (3, 4000)


async def test_alerts_that_ended_are_counted_by_kind(store: Any) -> None:
    """With their incidents, those nobody came to among them; not what is open still."""
    kinds = (await _day(store)).record.kinds
    assert {kind.service: (one.ended, one.gone_soon, one.incidents, one.never_acknowledged)
            for kind, one in kinds.items() if kind.service in ("shop", "s0", "s9", "pay")} == {
        "shop": (4, 0, 1, 1), "s0": (2, 0, 1, 1), "s9": (1, 0, 1, 1)}

"""What incidents took of error budgets, read from either database."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from alertd.model import HOUR, MINUTE
from alertd.store import spending
from tests.store.test_ledger import AVAILABILITY, Book, even, month
from tests.store.test_ledger import NOW as T0
from tests.test_review import told

BEGAN = T0 - 10 * HOUR - MINUTE


def of(began: int = BEGAN, ended: int | None = BEGAN + HOUR, **labels: str) -> Any:
    """The story of one alert."""
    story = told()
    one = dataclasses.replace(story.alerts[0], labels=labels, starts_at=began)
    incident = dataclasses.replace(story.incident, labels={"alertname": "X"}, resolved_at=ended)
    return dataclasses.replace(story, incident=incident, alerts=(one,))


async def took(book: Book, story: Any, now: int = T0) -> spending.Spending:
    async with book.db.reader.connect() as connection:  # type: ignore[attr-defined]  # whatever opens a store
        return await spending.of(connection, story, now)


@pytest.fixture
async def book(db: Any, writer: Any) -> Book:
    kept = Book(db, writer)
    await kept.declare(AVAILABILITY)
    await kept.write(month(h10=72.0))
    return kept


async def test_an_incident_took_the_share_of_its_time(book: Book) -> None:
    """An hour with 72 of the 720 bad events that a month may have: a tenth of the budget, by the label of its alerts
    where the incident has none."""
    [spent] = (await took(book, of(service="checkout"))).budgets
    assert (spent.slo, spent.bad, spent.reason) == ("availability", pytest.approx(72), "")
    assert spent.share == pytest.approx(0.1, rel=0.02)


async def test_what_was_taken_out_afterwards_took_nothing(book: Book) -> None:
    """Maintenance is no incident's fault."""
    await book.exclude(BEGAN - HOUR, BEGAN + 2 * HOUR, 'service="checkout"')
    [spent] = (await took(book, of(service="checkout"))).budgets
    assert (spent.bad, spent.share) == (0, 0)


async def test_another_objective_is_not_meant(book: Book) -> None:
    """Of another service, or by another name; that is said, and is no zero."""
    for labels in ({"service": "search"}, {"service": "checkout", "slo": "latency"}, {}):
        found = await took(book, of(**labels))
        assert (found.budgets, found.reason) == ((), spending.NO_OBJECTIVE)


async def test_what_has_only_begun_is_not_known_yet(book: Book) -> None:
    """Rows come some minutes late; what is counted so far is said, what is not is unknown."""
    [fresh] = (await took(book, of(T0 + MINUTE, None, service="checkout"), T0 + 3 * MINUTE)).budgets
    assert (fresh.bad, fresh.share) == (None, None)
    await book.write([even(T0, 1000.0, 10.0)], until=T0 + 9 * MINUTE)
    [spent] = (await took(book, of(T0 + 4 * MINUTE, None, service="checkout"), T0 + 11 * MINUTE)).budgets
    assert (spent.bad, spent.known) == (pytest.approx(5 / 60 * 10), 1)


async def test_without_a_ledger_there_is_a_reason(db: Any, writer: Any) -> None:
    """And no number."""
    assert (await took(Book(db, writer), of(service="checkout"))).reason == spending.NO_LEDGER

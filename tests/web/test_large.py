"""The first page on a very bad day."""

from __future__ import annotations

import html
import re
from typing import Any

from sqlalchemy import create_engine

from bench.crowd import crowd

INCIDENTS, SLOS = 2_000, 1_000
LARGEST = 200_000  # bytes


async def test_pages_stay_small(site: Any) -> None:
    """With 2,000 open incidents and 1,000 objectives: lists are paged, and say how many there are."""
    engine = create_engine(f"sqlite:///{site.config.parent}/a.db")
    with engine.begin() as connection:
        crowd(connection, INCIDENTS, SLOS, hours=30)
    engine.dispose()
    for page in ("/", "/incidents", "/slos", "/notifications", "/management", "/statistics"):
        status, text = await site.get(page)
        assert status == 200
        assert len(text.encode()) < LARGEST, page
    front = (await site.get("/"))[1]
    assert "2,000 incidents need a person" in front
    assert "of 1,000 error budgets" in front


async def test_lists_are_walked_to_their_end(site: Any) -> None:
    """By `Older`, each incident once."""
    engine = create_engine(f"sqlite:///{site.config.parent}/a.db")
    with engine.begin() as connection:
        crowd(connection, 120, 0, hours=0)
    engine.dispose()
    seen: list[str] = []
    place: str | None = "/incidents?state=open"
    while place:
        text = (await site.get(place))[1]
        seen += re.findall(r'class="what" href="/incidents/(\w+)"', text)
        found = re.search(r'href="(\?[^"]*)" rel="next"', text)
        place = "/incidents" + html.unescape(found[1]) if found else None
    assert len(seen) == len(set(seen)) == 120

"""How pages say what they have."""

from __future__ import annotations

from threading import get_ident

import pytest

from alertd.web import render
from alertd.web.render import local, stretch
from tests.web.conftest import Site


@pytest.mark.parametrize(("first", "last", "said"), [
    ("2026-11-26T08:18:45+00:00", "2026-11-26T09:18:45+00:00", "Thu 2026-11-26 08:18 to 09:18 UTC"),
    ("2026-11-29T02:00:00+01:00", "2026-11-29T04:00:00+01:00", "Sun 2026-11-29 02:00 to 04:00 +0100"),
    ("2026-11-28T22:00:00+01:00", "2026-11-29T04:00:00+01:00",
     "Sat 2026-11-28 22:00 +0100 to Sun 2026-11-29 04:00 +0100"),
    ("2026-10-25T01:00:00+02:00", "2026-10-25T04:00:00+01:00",
     "Sun 2026-10-25 01:00 +0200 to Sun 2026-10-25 04:00 +0100")])
def test_a_stretch_says_once_what_its_ends_share(first: str, last: str, said: str) -> None:
    """The day and the offset, unless the clocks change between."""
    assert stretch(first, last) == said


def test_a_time_says_whose_clocks_it_is_by() -> None:
    """UTC by its name."""
    assert local("2026-11-26T08:18:45+00:00") == "Thu 2026-11-26 08:18 UTC"


async def test_pages_are_drawn_beside_the_event_loop(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks holds nobody up who is to be told."""
    threads, page = list[int](), render.page
    monkeypatch.setattr(render, "page", lambda *told, **values: threads.append(get_ident()) or page(*told, **values))
    assert (await site.get("/statistics"))[0] == 200
    assert len(threads) == 1
    assert get_ident() not in threads

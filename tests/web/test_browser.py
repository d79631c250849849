"""The pages in a real Chromium."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.chromium import NARROW, Chromium, running
from tests.web.filled import count, fill

pytestmark = pytest.mark.skipif(not shutil.which("chromium") or not shutil.which("chromedriver"),
                                reason="chromium and chromium-driver are not installed")
PAGES = ("/", "/incidents", "/incidents/{id}", "/maintenance", "/maintenance/new?incident={id}", "/rota",
         "/statistics", "/incidents/{id}/review", "/slos", "/slos/{slo}", "/notifications", "/notifications/{note}",
         "/digests", "/digests/{digest}", "/audit", "/management")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with running(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


async def test_every_page_is_shown_well(site: Any, chromium: Chromium) -> None:
    """Dark and light, wide and as narrow as a small phone: no complaint in the console, nothing for axe to find, and
    nothing to scroll sideways for."""
    ids = await fill(site)
    count(site)
    notes = (await site.json("/api/v1/notifications?state=dead"))["items"]
    names = {"id": ids["HighErrorRate checkout"], "slo": "payments:availability", "note": notes[0]["id"],
             "digest": "d1"}
    for page in PAGES:
        url = site.url + page.format(**names)
        name = page.partition("?")[0].strip("/").replace("/", "-").replace("{", "").replace("}", "") or "front"
        for look, width in ((False, 1280), (True, 1280), (False, NARROW)):
            await asyncio.to_thread(chromium.look, url, dark=look, width=width)
            faults = await asyncio.to_thread(chromium.faults)
            assert not faults, f"{page} dark={look} {width}: {faults}"
            assert await asyncio.to_thread(chromium.overflow) <= 0, f"{page} {width}"
            await asyncio.to_thread(chromium.keep, f"{name}-{'dark' if look else 'light'}-{width}")
        assert await asyncio.to_thread(chromium.complaints) == [], page

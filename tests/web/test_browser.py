"""The pages in a real Chromium."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from alertd.digest import html
from alertd.slo.budget import Standing
from tests.web.chromium import NARROW, Chromium, running
from tests.web.filled import count, fill, summed_up, told

pytestmark = pytest.mark.skipif(not shutil.which("chromium") or not shutil.which("chromedriver"),
                                reason="chromium and chromium-driver are not installed")
PAGES = ("/", "/incidents", "/incidents/{id}", "/maintenance", "/maintenance/new?incident={id}", "/rota",
         "/statistics", "/incidents/{id}/review", "/slos", "/slos/{slo}", "/notifications", "/notifications/{note}",
         "/digests", "/digests/{digest}", "/audit", "/management")


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """One browser for all tests: it takes seconds to start."""
    with running(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def chromium(window: Chromium) -> Chromium:
    """It, knowing nobody."""
    window.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    return window


async def test_every_page_is_shown_well(site: Any, chromium: Chromium, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dark and light, wide and as narrow as a small phone: no complaint in the console, nothing for axe to find, and
    nothing to scroll sideways for. Budgets stand in each of their states, as if a Prometheus had counted them."""
    monkeypatch.setattr("alertd.engine.budgets.NO_SOURCE", "")
    ids = await fill(site)
    count(site)
    assert {one["state"] for one in (await site.json("/api/v1/slos"))["items"]} == set(Standing)
    notes = (await site.json("/api/v1/notifications?state=dead"))["items"]
    names = {"id": ids["HighErrorRate checkout"], "slo": "payments:availability", "note": notes[0]["id"],
             "digest": "d1"}
    for page in PAGES:
        url = site.url + page.format(**names)
        name = page.partition("?")[0].strip("/").replace("/", "-").replace("{", "").replace("}", "") or "front"
        for look, width in ((False, 1280), (True, 1280), (False, NARROW)):
            await asyncio.to_thread(chromium.look, url, dark=look, width=width)
            if width > NARROW:  # the same elements in the same colours; each look costs half a second
                faults = await asyncio.to_thread(chromium.faults)
                assert not faults, f"{page} dark={look}: {faults}"
            assert await asyncio.to_thread(chromium.overflow) <= 0, f"{page} {width}"
            await asyncio.to_thread(chromium.keep, f"{name}-{'dark' if look else 'light'}-{width}")
        assert await asyncio.to_thread(chromium.complaints) == [], page


async def test_the_mail_of_a_digest_can_be_read(chromium: Chromium, tmp_path: Path) -> None:
    """Dark and light, and on a small phone; a mail has no landmarks, else axe finds nothing."""
    page = tmp_path / "mail.html"
    page.write_text(html.render(summed_up(), "https://alertd.example.com/digests/d1"), encoding="utf-8")
    for dark, width in ((False, 800), (True, 800), (False, NARROW)):
        await asyncio.to_thread(chromium.look, page.as_uri(), dark=dark, width=width)
        faults = await asyncio.to_thread(chromium.faults)
        assert [one for one in faults if not one.startswith(("landmark-", "region"))] == []
        assert await asyncio.to_thread(chromium.overflow) <= 0
        await asyncio.to_thread(chromium.keep, f"mail-{'dark' if dark else 'light'}-{width}")


async def test_an_incident_is_acknowledged_by_a_click(site: Any, chromium: Chromium) -> None:
    """With the name that the page asks for; it is kept, and the page says what came of it."""
    ids = await fill(site)
    driver = chromium.driver

    def click() -> str:
        chromium.look(site.url + "/")
        driver.find_element(By.ID, "by").send_keys("jane")
        driver.find_element(By.CSS_SELECTOR, "[data-acknowledge]").click()
        return driver.find_element(By.CSS_SELECTOR, "[role=status]").text

    said = await asyncio.to_thread(click)
    worst = ids["HighErrorRate checkout"]
    assert said == f"jane takes care of {worst} now; whoever was told of it hears so."
    found = await site.json(f"/api/v1/incidents/{worst}")
    assert (found["state"], found["acknowledged_by"]) == ("acknowledged", "jane")
    assert "You act as jane" in await asyncio.to_thread(lambda: driver.find_element(By.ID, "act").text)
    assert "jane by page" in (await site.get("/audit"))[1].replace("<span class=\"quiet\">", "")
    assert await asyncio.to_thread(chromium.complaints) == []


async def test_the_page_renews_itself_and_greys_when_nobody_answers(site: Any, chromium: Chromium) -> None:
    """What is new comes without a reload, what was opened stays open; without an answer it is unknown, not calm."""
    driver = chromium.driver

    def ask() -> None:
        driver.execute_script("htmx.trigger(document.getElementById('live'), 'every')")

    def until(words: str) -> None:
        WebDriverWait(driver, 10).until(lambda _: words in driver.find_element(By.CSS_SELECTOR, ".verdict").text)

    await site.post(told("Watchdog", "none", "It beats"))
    await asyncio.to_thread(chromium.look, site.url + "/")
    await asyncio.to_thread(until, "Nothing needs a person")
    await asyncio.to_thread(lambda: driver.find_element(By.TAG_NAME, "summary").click())
    await site.post(told("DiskFull", "warning", "Disk of node-0 at 80 %"))
    await asyncio.to_thread(ask)
    await asyncio.to_thread(until, "1 incident needs a person")
    assert await asyncio.to_thread(lambda: driver.find_element(By.ID, "ended").get_attribute("open"))
    await asyncio.to_thread(chromium.connect, False)
    try:
        await asyncio.to_thread(ask)
        await asyncio.to_thread(until, "alertd does not answer")
        verdict = await asyncio.to_thread(driver.find_element, By.CSS_SELECTOR, ".verdict")
        assert await asyncio.to_thread(verdict.get_attribute, "data-state") == "unknown"
    finally:
        await asyncio.to_thread(chromium.connect, True)
    await asyncio.to_thread(ask)
    await asyncio.to_thread(until, "1 incident needs a person")
    await asyncio.to_thread(chromium.complaints)  # of the line that was cut


async def test_keys_lead_through_the_page(site: Any, chromium: Chromium) -> None:
    """The first tab skips to the content; j goes to the first row, a to its button, / to the search."""
    await fill(site)
    driver = chromium.driver

    def pressed(*keys: str) -> str:
        ActionChains(driver).send_keys(*keys).perform()
        focus = driver.switch_to.active_element
        return str(focus.get_attribute("class") or focus.get_attribute("name"))

    await asyncio.to_thread(chromium.look, site.url + "/incidents?state=open")
    assert await asyncio.to_thread(pressed, Keys.TAB) == "skip"
    assert await asyncio.to_thread(pressed, "j") == "what"
    assert await asyncio.to_thread(pressed, "a") == "first"
    assert await asyncio.to_thread(pressed, "/") == "q"


async def test_the_look_is_chosen_and_kept(site: Any, chromium: Chromium) -> None:
    """Dark by the button, and still so after the next page."""
    driver = chromium.driver

    def background() -> str:
        return str(driver.execute_script("return getComputedStyle(document.body).backgroundColor"))

    await asyncio.to_thread(chromium.look, site.url + "/")
    light = await asyncio.to_thread(background)
    await asyncio.to_thread(lambda: driver.find_element(By.ID, "theme").click())
    dark = await asyncio.to_thread(background)
    assert dark != light
    await asyncio.to_thread(driver.get, site.url + "/audit")
    assert await asyncio.to_thread(background) == dark
    await asyncio.to_thread(driver.execute_script, "localStorage.clear()")


async def test_charts_are_drawn_from_the_page(site: Any, chromium: Chromium) -> None:
    """Without a style or script in it, which the policy would refuse."""
    await fill(site)
    count(site)
    for page in ("/statistics", "/slos/payments:availability"):
        await asyncio.to_thread(chromium.look, site.url + page)
        drawn = await asyncio.to_thread(chromium.driver.find_elements, By.CSS_SELECTOR, "[data-chart] canvas")
        assert len(drawn) == 1, page
        assert await asyncio.to_thread(chromium.complaints) == []


async def test_everything_is_there_without_javascript(site: Any, chromium: Chromium) -> None:
    """Rows, buttons, the name that is asked for; a click acknowledges."""
    ids = await fill(site)
    driver = chromium.driver

    def click() -> None:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        try:
            chromium.look(site.url + "/incidents?state=open&severity=critical&q=search")
            driver.find_element(By.ID, "by").send_keys("omar")
            driver.find_element(By.CSS_SELECTOR, "[data-acknowledge]").click()
            driver.find_element(By.CSS_SELECTOR, "[role=status]")
        finally:
            driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})

    await asyncio.to_thread(click)
    found = await site.json(f"/api/v1/incidents/{ids['HighResponseTime search']}")
    assert (found["state"], found["acknowledged_by"]) == ("acknowledged", "omar")

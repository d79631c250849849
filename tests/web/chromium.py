"""A real Chromium, driven by selenium: what it shows, what it complains of, whether people with other eyes can use it.

selenium and the distribution's chromium-driver, rather than playwright-core, which would bring Node.js along.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

SHOTS = Path(__file__).parent.parent.parent / "screenshots"
AXE = (Path(__file__).parent / "assets" / "axe.min.js").read_text()
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage")
NARROW, WIDE = 320, 1280


class Chromium:
    """One window."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def look(self, url: str, *, dark: bool = False, width: int = WIDE) -> None:
        """Open a page as it is at this width and with this look."""
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
        self.driver.get(url)

    def connect(self, on: bool) -> None:
        """Cut the line to everything, or mend it."""
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": [] if on else ["*"]})

    def complaints(self) -> list[str]:
        """What the console holds since it was asked last: faults of scripts, refused loads, broken policies."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def faults(self) -> list[str]:
        """What axe finds wrong with the page, with the first place of each."""
        self.driver.execute_script(AXE)
        found = self.driver.execute_async_script("""
            const done = arguments[0];
            axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
               .then((result) => done(result.violations), (error) => done([{id: String(error), nodes: []}]));""")
        return [f"{one['id']}: {json.dumps([node['target'] for node in one['nodes'][:3]])}" for one in found]

    def overflow(self) -> int:
        """How many pixels the page is wider than its window."""
        return int(self.driver.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def keep(self, name: str) -> None:
        """A picture of the whole page."""
        SHOTS.mkdir(exist_ok=True)
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        width = self.driver.execute_script("return window.innerWidth")
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": min(height, 4000), "deviceScaleFactor": 1, "mobile": False})
        self.driver.save_screenshot(str(SHOTS / f"{name}.png"))


@contextlib.contextmanager
def running(profile: Path) -> Iterator[Chromium]:
    """A browser with a fresh profile."""
    options = Options()
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service("/usr/bin/chromedriver"))
    driver.set_script_timeout(30)
    driver.implicitly_wait(5)  # a click may lead to a page that is still on its way
    try:
        yield Chromium(driver)
    finally:
        driver.quit()

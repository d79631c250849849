"""A real Alertmanager that never says that an alert ended. Skipped, not failed, where there is none."""

from __future__ import annotations

import datetime

import pytest

from tests.flows.processes import House, until
from tests.flows.test_chain import ALERTMANAGER, Alertmanager

pytestmark = pytest.mark.skipif(not ALERTMANAGER, reason="Alertmanager is missing")

LOST = 60.0  # seconds after which an end that no webhook told is told all the same


@pytest.fixture
async def alertmanager(house: House) -> Alertmanager:
    real = Alertmanager(house)
    await real.start()
    house.more = ("--alertmanager", real.url)
    return real


async def told(house: House, alertmanager: Alertmanager) -> None:
    """One alert of a running alertd, which everybody was told of."""
    await house.start()

    async def settled() -> bool:
        async with house.session.get(f"{alertmanager.url}/api/v2/status") as response:
            began = datetime.datetime.fromisoformat((await response.json())["uptime"])
        return datetime.datetime.now(datetime.UTC) - began > datetime.timedelta(seconds=2)

    await until(settled, "Alertmanager is older than the second to which its age is known")
    await alertmanager.fire("Broken")
    await until(lambda: house.pagerduty.pages, "the page has come")
    await house.settled()


async def everybody_hears_of_the_end(house: House) -> None:
    page, = house.pagerduty.pages
    await until(lambda: page.state == "resolved" and len(house.smtp.mails) == 2
                and "resolved" in house.roots()[0]["text"].lower(), "everybody is told of the end", LOST)
    await house.settled()


async def silence(house: House, alertmanager: Alertmanager) -> str:
    """The id of a silence of this alert."""
    now = datetime.datetime.now(datetime.UTC)
    body = {"matchers": [{"name": "alertname", "value": "Broken", "isRegex": False, "isEqual": True}],
            "startsAt": now.isoformat(), "endsAt": (now + datetime.timedelta(hours=1)).isoformat(),
            "createdBy": "jane", "comment": "known"}
    async with house.session.post(f"{alertmanager.url}/api/v2/silences", json=body) as response:
        assert response.status == 200
        return str((await response.json())["silenceID"])


async def test_an_end_that_was_lost_while_alertd_was_away(house: House, alertmanager: Alertmanager) -> None:
    """Silenced while alertd is down, so that Alertmanager drops the end: alertd finds it when it is back."""
    await told(house, alertmanager)
    assert house.daemon
    house.daemon.kill()
    await silence(house, alertmanager)
    await alertmanager.fire("Broken", ended=True)
    assert [page.state for page in house.pagerduty.pages] == ["triggered"]
    await house.start()
    await everybody_hears_of_the_end(house)
    assert "alertd_reconciled_total{outcome=\"ended\"} 1.0" in await house.text("/metrics")


async def test_a_silenced_alert_is_shown_and_its_end_told(house: House, alertmanager: Alertmanager) -> None:
    """A silence ends nothing; the end under it, which Alertmanager never says, is told."""
    await told(house, alertmanager)
    name = await silence(house, alertmanager)

    async def muted() -> bool:
        alert, = await house.items("alerts")
        return alert["muted"] == f"silenced by {name}"

    await until(muted, "the silence is shown")
    assert [row["state"] for row in await house.items("incidents")] == ["open"]
    await alertmanager.fire("Broken", ended=True)
    await everybody_hears_of_the_end(house)
    assert [row["state"] for row in await house.items("incidents")] == ["resolved"]

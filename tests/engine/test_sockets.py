"""Clicks that come down a line to Slack, on a real store and a stand-in of Slack."""

import aiohttp
import pytest

from alertd.channels import slack
from alertd.config.secret import Secret
from alertd.demo.standins.slack import Slack
from alertd.engine import sockets as module
from alertd.engine.metrics import Metrics
from alertd.engine.sockets import Sockets
from alertd.errors import StoreUnavailable
from tests.engine.conftest import file_for
from tests.engine.test_acts import MORE, acts, incident, record, told

__all__ = ["acts"]
TOKEN = "xapp-1-secret"


def click(id, trigger="t-1"):
    return {"type": "block_actions", "trigger_id": trigger, "user": {"id": "U1", "username": "jane"},
            "actions": [{"action_id": "acknowledge", "value": id, "type": "button"}]}


@pytest.fixture
def file():
    return file_for(**MORE)


@pytest.fixture
async def vendor():
    async with Slack() as vendor:
        yield vendor


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
async def lines(house, acts, vendor, metrics, monkeypatch):
    """Connected, and quick to call again."""
    monkeypatch.setattr(module, "SOONEST", 0.01)
    monkeypatch.setattr(module, "LATEST", 0.05)
    of = slack.Settings(api_url=vendor.api_url, token=Secret("xoxb-1"), channel="#alerts", app_token=Secret(TOKEN))
    house.current.file.settings[("slack", "slack")] = of
    house.current.file.settings[("platform-team", "slack")] = of
    async with aiohttp.ClientSession() as http:
        lines = Sockets(acts, house.current, metrics, http)
        lines.refresh()
        await vendor.sockets.until(lambda: vendor.sockets.opened == 1)
        yield lines
        await lines.stop()


def gauge(metrics, state):
    return metrics.registry.get_sample_value("alertd_slack_sockets", {"state": state})


async def test_a_click_is_acknowledged_once_it_is_kept(house, vendor, lines):
    """The envelope's answer follows the commit, and the audit knows who."""
    id = await told(house)
    envelope = await vendor.sockets.send(click(id))
    await vendor.sockets.until(lambda: envelope in vendor.sockets.acknowledged)
    row = await incident(house)
    assert (row["state"], row["acknowledged_by"]) == ("acknowledged", "jane")
    assert [(link.act.actor, link.act.via) for link in await record(house)] == [("jane", "slack")]


async def test_a_click_that_comes_twice_acts_once(house, vendor, lines):
    """Slack sends again what it saw no answer to; it is answered each time."""
    id = await told(house)
    for _ in range(2):
        envelope = await vendor.sockets.send(click(id), id="e-again")
    await vendor.sockets.until(lambda: vendor.sockets.acknowledged == [envelope, envelope])
    assert len(await record(house)) == 1


async def test_what_cannot_be_kept_is_not_acknowledged(house, vendor, lines, acts, monkeypatch):
    """Slack tells whoever clicked; the line stays."""
    id = await told(house)
    kept = acts.acknowledge
    tries = []

    async def full(*given, **named):
        tries.append(given)
        if len(tries) == 1:
            raise StoreUnavailable(reason="the disk is full")
        return await kept(*given, **named)

    monkeypatch.setattr(acts, "acknowledge", full)
    first = await vendor.sockets.send(click(id, "t-1"))
    await house.until(lambda: tries)
    second = await vendor.sockets.send(click(id, "t-2"))
    await vendor.sockets.until(lambda: second in vendor.sockets.acknowledged)
    assert first not in vendor.sockets.acknowledged
    assert vendor.sockets.opened == 1


@pytest.mark.parametrize("reason", ["refresh_requested", "link_disabled"])
async def test_a_line_that_ends_is_called_anew_with_a_new_address(house, vendor, lines, reason):
    """Whether it was time or not; and clicks come down the new one."""
    id = await told(house)
    await vendor.sockets.refresh(reason)
    await vendor.sockets.until(lambda: vendor.sockets.opened == 2)
    envelope = await vendor.sockets.send(click(id))
    await vendor.sockets.until(lambda: envelope in vendor.sockets.acknowledged)
    assert vendor.sockets.strangers == 0


async def test_what_is_no_click_is_acknowledged_and_does_nothing(house, vendor, lines):
    """Else Slack sends it again and again."""
    sent = [await vendor.sockets.send(payload, kind=kind) for payload, kind in (
        ({"event": {}}, "events_api"), ({"type": "view_submission"}, "interactive"), (None, "interactive"),
        (click("nothing"), "interactive"))]
    await vendor.sockets.until(lambda: sorted(vendor.sockets.acknowledged) == sorted(sent))
    assert await record(house) == []


async def test_two_receivers_of_one_app_share_a_line_and_the_metric_says_so(house, vendor, lines, metrics):
    """Wanted and connected; after it left the file, neither."""
    await house.until(lambda: gauge(metrics, "connected") == 1)
    assert gauge(metrics, "wanted") == 1
    for key in [key for key, of in house.current.file.settings.items() if isinstance(of, slack.Settings)]:
        del house.current.file.settings[key]
    lines.refresh()
    await house.until(lambda: gauge(metrics, "connected") == 0)
    assert gauge(metrics, "wanted") == 0


async def test_a_refused_token_is_tried_again_and_never_said(house, vendor, lines, capsys):
    """The log has Slack's word for it, not the token."""
    vendor.answer("ok_false", code="invalid_auth", times=2, path="apps.connections.open")
    await vendor.sockets.refresh()
    await vendor.sockets.until(lambda: vendor.sockets.opened == 2)
    said = capsys.readouterr()
    assert "Slack answered invalid_auth" in said.out + said.err
    assert TOKEN not in said.out + said.err

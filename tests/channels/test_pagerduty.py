from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pydantic
import pytest
from pagerduty import EventsApiV2Client

from alertd.channels import Net, pagerduty
from alertd.config.secret import Secret
from alertd.demo.standins.pagerduty import PagerDuty, faults
from alertd.errors import Rejected, TryLater
from alertd.model import DigestText, Kind, Severity
from tests import made

KEY = "k" * 32


@pytest.fixture
async def vendor() -> AsyncIterator[PagerDuty]:
    async with PagerDuty() as standin:
        yield standin


def settings(vendor: PagerDuty, key: str = KEY) -> pagerduty.Settings:
    return pagerduty.Settings(url=vendor.url, routing_key=Secret(key))


def test_a_trigger_says_what_is_wrong_where_and_since_when() -> None:
    """A start is one trigger event with summary, severity, source, links and details."""
    assert pagerduty.payload(made.delivery()) == ({
        "event_action": "trigger", "dedup_key": "alertd/A1B2/1", "client": "alertd", "client_url": made.LINK,
        "links": [{"href": "https://runbooks.example.com/errors?a=1&b=2", "text": "Runbook"},
                  {"href": "https://grafana.example.com/d/checkout", "text": "Dashboard"},
                  {"href": made.SILENCE, "text": "Silence"}, {"href": made.LINK, "text": "Open in alertd"}],
        "payload": {
            "summary": "CRITICAL: Checkout errors 4.2 %", "source": "node-7:9100", "severity": "critical",
            "timestamp": "2026-11-23T14:03:00.000Z", "component": "checkout", "group": "production",
            "class": "HighErrorRate",
            "custom_details": {
                "incident": "A1B2", "about": "One in 24 requests fails.", "service": "checkout",
                "environment": "production", "team": "payments", "since": "2026-11-23 14:03 UTC",
                "state": "1 firing", "alerts": ["Checkout errors 4.2 % [node-7:9100]"]}}},)


@pytest.mark.parametrize(("severity", "word"), [
    (Severity.CRITICAL, "critical"), (Severity.WARNING, "warning"), (Severity.INFO, "info")])
def test_severities_are_pagerdutys_words(severity: Severity, word: str) -> None:
    """Each severity has its word there."""
    assert pagerduty.payload(made.delivery(severity=severity))[0]["payload"]["severity"] == word


@pytest.mark.parametrize(("kind", "epochs", "events"), [
    (Kind.FIRING, (1,), [("trigger", 1)]),
    (Kind.FIRING, (1, 2), [("trigger", 2), ("resolve", 1)]),
    (Kind.UPDATE, (1, 2), [("trigger", 2)]),
    (Kind.ACKNOWLEDGED, (1, 2), [("acknowledge", 1), ("acknowledge", 2)]),
    (Kind.RESOLVED, (1, 2), [("resolve", 1), ("resolve", 2)]),
])
def test_the_events_of_a_notification(kind: Kind, epochs: tuple[int, ...], events: list[tuple[str, int]]) -> None:
    """A rise pages anew before the older page ends; an end ends every page."""
    sent = pagerduty.payload(made.delivery(kind, epoch=epochs[-1], epochs=epochs))
    assert [(event["event_action"], event["dedup_key"]) for event in sent] == [
        (action, f"alertd/A1B2/{epoch}") for action, epoch in events]


@pytest.mark.parametrize("text", made.HOSTILE)
def test_hostile_text_stays_within_what_pagerduty_takes(text: str) -> None:
    """Whatever alerts say, the event is valid and below 512 KB."""
    alerts = tuple(made.alert(n, labels={"alertname": text, "instance": text, "service": text},
                              annotations={"summary": text, "runbook_url": text}) for n in range(1000))
    event = {**pagerduty.payload(made.delivery(alerts=alerts, firing=5000))[0], "routing_key": KEY}
    assert faults(event) == []
    assert len(pydantic.TypeAdapter(dict[str, Any]).dump_json(event)) < 512_000
    assert event["payload"]["custom_details"]["alerts"][-1].endswith(" more")


async def test_start_rise_and_end_are_one_page_each(vendor: PagerDuty, net: Net) -> None:
    """The vendor ends up with two pages, both closed, and no ghost."""
    for delivery in (made.delivery(), made.delivery(epoch=2, epochs=(1, 2)), made.delivery(epoch=2, epochs=(1, 2)),
                     made.delivery(Kind.RESOLVED, epoch=2, epochs=(1, 2))):
        receipt = await pagerduty.send(delivery, settings(vendor), net)
    assert [(page.dedup_key, page.state) for page in vendor.pages] == [
        ("alertd/A1B2/1", "resolved"), ("alertd/A1B2/2", "resolved")]
    assert receipt.detail == "resolve alertd/A1B2/1, resolve alertd/A1B2/2"


@pytest.mark.parametrize(("fault", "means"), [
    ({"mode": "429", "retry_after": 7}, (True, 7.0, False)),
    ({"mode": "429"}, (True, None, False)),
    ({"mode": "500"}, (False, None, True)),
    ({"mode": "500", "status": 503}, (False, None, True)),
    ({"mode": "500", "status": 504}, (False, None, True)),
    ({"mode": "500", "status": 502}, (False, None, True)),
    ({"mode": "reset"}, (False, None, True)),
    ({"mode": "drop-after-accept"}, (False, None, True)),
])
async def test_what_may_pass_is_tried_later_and_asked_once(
        vendor: PagerDuty, net: Net, fault: dict[str, Any], means: tuple[bool, float | None, bool]) -> None:
    """One request per attempt: nothing below the queue repeats it."""
    vendor.answer(**fault)
    with pytest.raises(TryLater) as caught:
        await pagerduty.send(made.delivery(), settings(vendor), net)
    told = caught.value
    assert (told.throttled, told.after, told.ambiguous) == means
    assert len(vendor.received) == 1


@pytest.mark.parametrize("fault", [
    {"mode": "400"}, {"mode": "413"}, {"mode": "500", "status": 401}, {"mode": "500", "status": 302},
    {"mode": "garbage200"}, {"mode": "garbage200", "text": '{"dedup_key": "x"}', "content_type": "application/json"},
    {"mode": "garbage200", "text": '["success"]'}, {"mode": "garbage200", "text": ""}])
async def test_what_is_refused_or_no_answer_of_pagerduty_is_dead(
        vendor: PagerDuty, net: Net, fault: dict[str, Any]) -> None:
    """A refusal, and a 2xx from something that is not PagerDuty, is never taken for success."""
    vendor.answer(**fault)
    with pytest.raises(Rejected):
        await pagerduty.send(made.delivery(), settings(vendor), net)
    assert len(vendor.received) == 1


async def test_a_page_that_is_out_is_not_dead_for_an_older_one(vendor: PagerDuty, net: Net) -> None:
    """When only closing the earlier page is refused, the new page counts as sent."""
    vendor.answer("ok", times=1)
    vendor.answer("400")
    await pagerduty.send(made.delivery(epoch=2, epochs=(1, 2)), settings(vendor), net)
    assert [page.dedup_key for page in vendor.open()] == ["alertd/A1B2/2"]


async def test_a_wrong_key_is_dead_with_pagerdutys_reason(vendor: PagerDuty, net: Net) -> None:
    """The reason names what PagerDuty found wrong, and not the key."""
    with pytest.raises(Rejected, match="32 characters") as caught:
        await pagerduty.send(made.delivery(), settings(vendor, "canary"), net)
    assert "canary" not in str(caught.value)


async def test_hanging_ends_within_the_timeout(vendor: PagerDuty, net: Net, hurry: None) -> None:
    """An attempt at a vendor that never answers ends, in doubt."""
    vendor.answer("hang")
    with pytest.raises(TryLater) as caught:
        await pagerduty.send(made.delivery(), settings(vendor), net)
    assert caught.value.ambiguous
    await vendor.stop()


async def test_no_connection_leaves_no_doubt(vendor: PagerDuty, net: Net) -> None:
    """What was never connected carried nothing."""
    await vendor.stop()
    with pytest.raises(TryLater) as caught:
        await pagerduty.send(made.delivery(), settings(vendor), net)
    assert not caught.value.ambiguous


async def test_each_key_pages_its_own_service(vendor: PagerDuty, net: Net) -> None:
    """Messages of two keys go by one session, each with its own key and under the same name."""
    for key in (KEY, KEY, "x" * 32):
        await pagerduty.send(made.delivery(), settings(vendor, key), net)
    assert [(page.routing_key, page.triggers) for page in vendor.pages] == [(KEY, 2), ("x" * 32, 1)]


class _Theirs(EventsApiV2Client):  # type: ignore[misc]  # mypy is not told of what only tests use
    """The vendor's client, which insists on https, made to talk to this machine."""

    @property
    def url(self) -> str:
        return str(self._url)

    @url.setter
    def url(self, address: str) -> None:
        self._url = address


@pytest.mark.parametrize("kind", [Kind.FIRING, Kind.ACKNOWLEDGED, Kind.RESOLVED])
async def test_what_is_sent_is_what_the_vendors_client_sends(vendor: PagerDuty, net: Net, kind: Kind) -> None:
    """The same event to the same path, as the same type of content, to the byte but for the order of names."""
    delivery = made.delivery(kind)
    await pagerduty.send(delivery, settings(vendor), net)
    event = dict(pagerduty.payload(delivery)[0])
    theirs = _Theirs(KEY, base_url=vendor.url, trust_env=False)
    await asyncio.to_thread(theirs.send_event, event.pop("event_action"), **event)
    ours, expected = vendor.received
    assert (ours.path, ours.headers["Content-Type"], ours.body) == (
        expected.path, expected.headers["Content-Type"], expected.body)
    assert ours.headers["Content-Length"] == expected.headers["Content-Length"]


async def test_the_environments_proxy_is_asked_for_the_vendor(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where machines reach the outside by a proxy alone, so does a page."""
    asked: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        behind = pagerduty.Settings(url="https://events.by-proxy.example", routing_key=Secret(KEY))
        with pytest.raises(TryLater):
            await pagerduty.send(made.delivery(), behind, net)
    assert asked == [b"CONNECT events.by-proxy.example:443 HTTP/1.1\r\n"]


async def test_an_endless_answer_is_not_read_to_its_end(vendor: PagerDuty, net: Net) -> None:
    """What is far longer than any answer of PagerDuty is none, and memory does not fill with it."""
    vendor.answer("garbage200", text='{"status": "success", "dedup_key": "' + "x" * 20_000_000 + '"}')
    with pytest.raises(Rejected) as caught:
        await pagerduty.send(made.delivery(), settings(vendor), net)
    assert len(str(caught.value)) < 500


async def test_a_digest_calls_nobody(vendor: PagerDuty, net: Net) -> None:
    """A digest is refused before anything is sent."""
    with pytest.raises(Rejected, match="digest"):
        await pagerduty.send(made.delivery(Kind.DIGEST, digest=DigestText("s", "t")), settings(vendor), net)
    assert vendor.received == []


@pytest.mark.parametrize("url", ["http://events.pagerduty.com", "ftp://x", "events.pagerduty.com", "https://x:port"])
def test_other_hosts_need_https(url: str) -> None:
    """Plain http is for this machine only."""
    with pytest.raises(pydantic.ValidationError):
        pagerduty.Settings(url=url, routing_key=Secret(KEY))


def test_settings_need_a_key_and_say_rates() -> None:
    """No key is an error; `none` and silence both mean no limit of ours."""
    with pytest.raises(pydantic.ValidationError, match="routing_key"):
        pagerduty.Settings()
    assert pagerduty.Settings(routing_key_file="x", rate="none").rate_limit() is None
    assert pagerduty.Settings(routing_key_file="x", rate=2).rate_limit() == 2
    assert pagerduty.Settings(routing_key_file="x").endpoint() == "events.pagerduty.com"

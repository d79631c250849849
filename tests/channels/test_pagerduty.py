from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pydantic
import pytest

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
    """One request per attempt: the library's own retries are off."""
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


async def test_the_client_is_built_once_per_key(vendor: PagerDuty, net: Net) -> None:
    """Two messages share a client, another key gets its own."""
    for key in (KEY, KEY, "x" * 32):
        await pagerduty.send(made.delivery(), settings(vendor, key), net)
    assert len(net.clients) == 2


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

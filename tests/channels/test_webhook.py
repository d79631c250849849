from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pydantic
import pytest

from alertd.channels import Net, webhook
from alertd.config.secret import Secret
from alertd.demo.standins.webhook import Webhook
from alertd.errors import Rejected, TryLater
from alertd.model import DigestText, Kind
from tests import made


@pytest.fixture
async def server() -> AsyncIterator[Webhook]:
    async with Webhook() as standin:
        yield standin


def settings(server: Webhook, **more: Any) -> webhook.Settings:
    return webhook.Settings(url=Secret(f"{server.url}/hook/canary"), **more)


def test_the_body_is_the_incident_with_every_alert() -> None:
    """The whole body of one alert's start."""
    assert webhook.payload(made.delivery()) == {
        "version": "1", "notification": "key-1", "kind": "firing", "receiver": "on-call", "severity": "critical",
        "title": "CRITICAL: Checkout errors 4.2 %", "firing": 1, "resolved": 0,
        "incident": {
            "id": "A1B2", "state": "open", "severity": "critical", "labels": {"alertname": "HighErrorRate"},
            "opened_at": "2026-11-23T14:03:00.000Z", "acknowledged_at": None, "acknowledged_by": None,
            "resolved_at": None, "link": made.LINK},
        "alerts": [{"name": "HighErrorRate", "summary": "Checkout errors 4.2 %", "state": "firing",
                    "severity": "critical", "fingerprint": "0000000000000001",
                    "starts_at": "2026-11-23T14:03:00.000Z", "ends_at": None}]}


async def test_no_alert_is_left_out(server: Webhook, net: Net) -> None:
    """Five thousand alerts arrive as five thousand names and summaries."""
    alerts = tuple(made.alert(n, annotations={"summary": f"disk {n}"}) for n in range(5000))
    await webhook.send(made.delivery(alerts=alerts), settings(server), net)
    (body,) = server.bodies
    assert [one["summary"] for one in body["alerts"]] == [f"disk {n}" for n in range(5000)]
    assert webhook.ALERTS is None


@pytest.mark.parametrize("text", made.HOSTILE)
async def test_hostile_text_is_json(server: Webhook, net: Net, text: str) -> None:
    """Whatever alerts say, the body is JSON in UTF-8, and no header is broken."""
    alerts = (made.alert(labels={"alertname": text}, annotations={"summary": text}),)
    await webhook.send(made.delivery(alerts=alerts, key=f"k{text}"), settings(server), net)
    assert isinstance(next(server.bodies)["alerts"][0]["summary"], str)


async def test_the_body_is_signed_and_named(net: Net) -> None:
    """The receiver can check who sent it and whether it has it already."""
    async with Webhook(secret="s") as server:
        assert isinstance(server, Webhook)
        await webhook.send(made.delivery(), settings(server, hmac_secret=Secret("s")), net)
        with pytest.raises(Rejected, match="401"):
            await webhook.send(made.delivery(), settings(server, hmac_secret=Secret("other")), net)
        assert list(server.taken) == ["key-1"]


def test_the_signature_is_the_hmac_of_the_body() -> None:
    """v1= and the hex digest."""
    assert webhook.signature("s", b"{}") == "v1=" + hmac.new(b"s", b"{}", hashlib.sha256).hexdigest()


@pytest.mark.parametrize(("config", "header", "value"), [
    ({"authorization": {"credentials": "t"}}, "Authorization", "Bearer t"),
    ({"basic_auth": {"username": "u", "password": "p"}}, "Authorization", "Basic dTpw"),
    ({"http_headers": {"X-Team": {"values": ["a"], "secrets": ["b"]}}}, "X-Team", "a, b")])
async def test_http_config_is_prometheus(
        server: Webhook, net: Net, config: dict[str, Any], header: str, value: str) -> None:
    """Credentials and headers as in Alertmanager's http_config."""
    await webhook.send(made.delivery(), settings(server, http_config=config), net)
    assert server.received[0].headers[header] == value


@pytest.mark.parametrize(("fault", "means"), [
    ({"mode": "429", "retry_after": 7}, (True, 7.0, False)), ({"mode": "500"}, (False, None, True)),
    ({"mode": "500", "status": 408}, (False, None, True)), ({"mode": "500", "status": 503}, (False, None, True)),
    ({"mode": "reset"}, (False, None, True)), ({"mode": "drop-after-accept"}, (False, None, True))])
async def test_what_may_pass_is_tried_later_and_asked_once(
        server: Webhook, net: Net, fault: dict[str, Any], means: tuple[bool, float | None, bool]) -> None:
    """408, 429, 5xx and broken connections."""
    server.answer(**fault)
    with pytest.raises(TryLater) as caught:
        await webhook.send(made.delivery(), settings(server), net)
    told = caught.value
    assert (told.throttled, told.after, told.ambiguous) == means
    assert len(server.received) == 1
    assert "canary" not in str(told)


@pytest.mark.parametrize("fault", [{"mode": "400"}, {"mode": "413"}, {"mode": "500", "status": 410},
                                   {"mode": "500", "status": 307}])
async def test_what_is_refused_is_dead(server: Webhook, net: Net, fault: dict[str, Any]) -> None:
    """Other 4xx, and redirects, which nobody asked for."""
    server.answer(**fault)
    with pytest.raises(Rejected) as caught:
        await webhook.send(made.delivery(), settings(server), net)
    assert "canary" not in str(caught.value)


async def test_hanging_ends_within_the_timeout(server: Webhook, net: Net, hurry: None) -> None:
    """An attempt at a server that never answers ends, in doubt."""
    server.answer("hang")
    with pytest.raises(TryLater) as caught:
        await webhook.send(made.delivery(), settings(server), net)
    assert caught.value.ambiguous


async def test_no_connection_leaves_no_doubt_and_no_address(server: Webhook, net: Net) -> None:
    """The reason names the host, not the path, which may be the key."""
    await server.stop()
    with pytest.raises(TryLater) as caught:
        await webhook.send(made.delivery(), settings(server), net)
    assert not caught.value.ambiguous
    assert "canary" not in str(caught.value)


def test_a_digest_is_subject_and_text() -> None:
    """Programs get it as it is."""
    body = webhook.payload(made.delivery(Kind.DIGEST, digest=DigestText("s", "a\nb")))
    assert body["digest"] == {"subject": "s", "text": "a\nb"}


def test_settings_need_an_address_with_https() -> None:
    """What cannot work is refused when the file is read; the address is a secret."""
    for wrong in ({}, {"url": "http://example.com/"}, {"url": "https://example.com", "rate": -1},
                  {"url": "https://x.example", "http_config": {"authorization": {}, "basic_auth": {"username": "u"}}}):
        with pytest.raises(pydantic.ValidationError):
            webhook.Settings.model_validate(wrong)
    known = webhook.Settings.model_validate({"url": "https://hooks.example.com/canary"})
    assert (known.endpoint(), known.rate_limit()) == ("hooks.example.com", None)
    assert "canary" not in repr(known) + json.dumps(known.model_dump(), default=str) + known.model_dump_json()

"""What vendors tell us that people did there, signed with a secret that both know.

Slack: https://docs.slack.dev/authentication/verifying-requests-from-slack and a button's `block_actions`.
PagerDuty: https://developer.pagerduty.com/docs/webhooks/webhook-signatures and V3 webhooks, which come at least once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import urllib.parse
from typing import Any

import structlog
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from alertd import escaping
from alertd.engine import clicks
from alertd.engine.acts import NAME, Acts, Person
from alertd.engine.setting import Current
from alertd.errors import StoreUnavailable

# Somebody resolved by hand what still burns: that is taking care of it. The alerts say when it is over.
_PAGERDUTY_ACTS = ("incident.acknowledged", "incident.resolved")

log = structlog.get_logger()


class Slack:
    """The handler of `POST /webhook/slack`, where clicks arrive."""

    def __init__(self, acts: Acts, current: Current) -> None:
        self._acts = acts
        self._current = current

    async def __call__(self, request: web.Request) -> web.Response:
        body = await request.read()
        signature, stamp = (request.headers.get(f"X-Slack-{name}", "") for name in ("Signature", "Request-Timestamp"))
        if not stamp.isdecimal() or not any(SignatureVerifier(secret).is_valid(body, stamp, signature)
                                            for secret in _secrets(self._current, "slack", "signing_secret")):
            return _refused("slack", "the signature is not that of a signing_secret in routing.yaml, or is too old")
        try:
            click = clicks.read(json.loads(urllib.parse.parse_qs(body.decode())["payload"][0]))
        except (KeyError, ValueError):
            return web.Response(status=400, text="not a click on a button\n")
        try:
            await clicks.act(self._acts, click)
        except StoreUnavailable as error:
            return web.Response(status=503, text=f"{error}\n")  # Slack shows that it did not work
        return web.Response()


class PagerDuty:
    """The handler of `POST /webhook/pagerduty`, where V3 webhooks arrive."""

    def __init__(self, acts: Acts, current: Current) -> None:
        self._acts = acts
        self._current = current

    async def __call__(self, request: web.Request) -> web.Response:
        body = await request.read()
        given = [part.strip() for part in request.headers.get("X-PagerDuty-Signature", "").split(",")]
        known = [f"v1={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
                 for secret in _secrets(self._current, "pagerduty", "webhook_secret")]
        if not any(hmac.compare_digest(one.encode(), other.encode()) for one in given for other in known):
            return _refused("pagerduty", "the signature is not that of a webhook_secret in routing.yaml")
        try:
            event = json.loads(body)["event"]
            kind, data = str(event["event_type"]), event.get("data") or {}
            key, agent = str(data.get("incident_key") or ""), event.get("agent") or {}
            id = request.headers.get("X-Webhook-Id") or str(event["id"])
            name = str(agent.get("summary") or agent.get("id") or "")
        except (KeyError, TypeError, ValueError, AttributeError):
            return web.Response(status=400, text="not a V3 webhook\n")
        parts = key.split("/")
        if kind not in _PAGERDUTY_ACTS or len(parts) != 3 or parts[0] != "alertd":
            return web.Response()  # of other events, or of incidents that are not ours
        if agent.get("type") not in ("user_reference", "user"):
            return web.Response()  # alertd's own events come back as well, as its integration's
        person = Person(escaping.line(name, NAME) or "somebody", "pagerduty")
        return await _acknowledged(self._acts, parts[1], person, id[:128]) or web.Response()


async def _acknowledged(acts: Acts, incident: str, person: Person, callback: str | None = None) -> web.Response | None:
    try:
        outcome = await acts.acknowledge(incident, person, callback=callback)
    except StoreUnavailable as error:
        return web.Response(status=503, text=f"{error}\n")  # the vendor sends it again
    log.info("acknowledgement", incident=incident[:24], by=person.name, via=person.via, outcome=outcome.value)
    return None


def _secrets(current: Current, channel: str, name: str) -> list[str]:
    """The secrets of this name in the channel's settings, each once."""
    found: dict[str, None] = {}
    for (_, of), settings in current.file.settings.items():
        secret: Any = getattr(settings, name, None) if of == channel else None
        if secret is not None:
            found[secret.reveal()] = None
    return list(found)


def _refused(vendor: str, reason: str) -> web.Response:
    log.warning("callback_refused", vendor=vendor, reason=reason)
    return web.Response(status=401, text=f"{reason}\n")

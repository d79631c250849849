"""PagerDuty, by Events API v2: https://developer.pagerduty.com/docs/events-api-v2/overview/

One event key per incident and severity epoch, so that a rise pages again even where the lower page was
acknowledged. Sending the same event twice has one effect, hence nothing is looked up after a doubt.

The vendor's own library is not used to send: it blocks a thread for each event and takes more than twice the work. The
tests hold what is sent against what that library sends.
"""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import aiohttp
import msgspec
import pydantic

from alertd import escaping, messages, times
from alertd.channels import TIMEOUT, Net, Receipt, _wire, composed
from alertd.channels import Settings as Base
from alertd.config.secret import Secret
from alertd.errors import Rejected
from alertd.model import Delivery, Kind, Severity

ALERTS: int | None = 1000
EDITS = False
PAGES = True
FOLLOWS = True
FOLDS = False

# https://developer.pagerduty.com/docs/events-api-v2/trigger-events/ (summary, dedup_key); the whole event may
# have 512 KB, of which the list of alerts takes what leaves room enough for everything else.
SUMMARY = 1024
DEDUP_KEY = 255
LIST_BYTES = 400_000
ANSWER = 10_000  # bytes of an answer that are read; PagerDuty's own have a hundred

HEADERS = {"Content-Type": "application/json", "User-Agent": "alertd"}

Event = dict[str, Any]

_SEVERITIES = {Severity.CRITICAL: "critical", Severity.WARNING: "warning"}


class Settings(Base):
    url: Annotated[str, pydantic.AfterValidator(_wire.vendor_address)] = "https://events.pagerduty.com"
    routing_key: Secret | None = None
    routing_key_file: str | None = None
    webhook_secret: Secret | None = None
    webhook_secret_file: str | None = None
    rate: _wire.Rate = None

    @pydantic.model_validator(mode="after")
    def _has_key(self) -> Settings:
        if self.routing_key is None and self.routing_key_file is None:
            raise ValueError("pagerduty needs routing_key or routing_key_file")
        return self

    def endpoint(self) -> str:
        return _wire.host_of(self.url)

    def rate_limit(self) -> float | None:
        return _wire.limit(self.rate, None)  # the vendor's limit moves with the service: its 429 says when it is met

    def adapts(self) -> bool:
        return self.rate is None


def dedup_key(incident: str, epoch: int) -> str:
    """What PagerDuty knows one page by."""
    return f"alertd/{incident}/{epoch}"[:DEDUP_KEY]


def payload(delivery: Delivery) -> tuple[Event, ...]:
    """The events of one notification, in the order they must be sent (without the routing key)."""
    told = delivery.notification
    incident = str(told.incident or "")
    if told.kind is Kind.RESOLVED:
        return tuple(_about("resolve", incident, epoch) for epoch in delivery.epochs or (told.epoch,))
    if told.kind is Kind.ACKNOWLEDGED:  # of what is not open there it says nothing, and does nothing
        return tuple(_about("acknowledge", incident, epoch) for epoch in delivery.epochs or (told.epoch,))
    trigger = _trigger(delivery, dedup_key(incident, told.epoch))
    if told.kind in (Kind.UPDATE, Kind.REMINDER, Kind.FLAPPING):
        return (trigger,)
    return (trigger, *(_about("resolve", incident, epoch) for epoch in delivery.epochs if epoch != told.epoch))


def _about(action: str, incident: str, epoch: int) -> Event:
    return {"event_action": action, "dedup_key": dedup_key(incident, epoch)}


def _trigger(delivery: Delivery, key: str) -> Event:
    message = messages.compose(delivery)
    labels = delivery.alerts[0].labels if delivery.alerts else {}
    about = {
        "summary": escaping.cut(message.title, SUMMARY),
        "source": _label(labels, "instance", "service", "job", "cluster") or "alertd",
        "severity": _SEVERITIES.get(message.severity, "info"),
        "timestamp": times.iso(delivery.incident.opened_at) if delivery.incident else None,
        "component": _label(labels, "service", "job"),
        "group": _label(labels, "cluster", "environment", "namespace"),
        "class": _label(labels, "alertname"),
        "custom_details": _details(message),
    }
    event: Event = {"event_action": "trigger", "dedup_key": key, "client": "alertd",
                    "payload": {name: value for name, value in about.items() if value}}
    if message.page:
        event["client_url"] = message.page
    if message.links:
        event["links"] = [{"href": link.url, "text": link.name} for link in message.links]
    return event


def _details(message: messages.Message) -> dict[str, Any]:
    lines, hidden = message.shown(LIST_BYTES, lambda text: len(json.dumps(text)) + 1)
    return {
        "incident": message.incident,
        **({"about": message.lead} if message.lead else {}),
        **{fact.name.lower(): fact.value for fact in message.facts},
        "alerts": [*lines, *([messages.more(hidden)] if hidden else [])],
        **({"remarks": list(message.remarks)} if message.remarks else {}),
    }


def _label(labels: Any, *names: str) -> str:
    return next((text for name in names if (text := escaping.line(labels.get(name, ""), 255))), "")


async def send(delivery: Delivery, settings: Settings, net: Net) -> Receipt:
    """One attempt at every event of the notification."""
    if delivery.digest is not None or delivery.notification.incident is None:
        raise Rejected("PagerDuty takes no digest: it has no event that nobody is called for")
    if settings.routing_key is None:
        raise Rejected("PagerDuty's routing key was not read")
    key, events = settings.routing_key.reveal(), await composed(delivery, payload)
    try:
        async with asyncio.timeout(TIMEOUT):
            await _send_one(events[0], key, settings, net)
            for event in events[1:]:
                try:
                    await _send_one(event, key, settings, net)
                except Rejected:
                    # Once the page is out, an older page that PagerDuty will not close must not make a dead
                    # letter of it; the end of the incident closes it again.
                    if delivery.notification.kind is not Kind.FIRING:
                        raise
    except (aiohttp.ClientError, OSError) as error:  # a timeout is an OSError
        raise _wire.no_answer("PagerDuty", error) from None
    return Receipt(", ".join(f"{event['event_action']} {event['dedup_key']}" for event in events))


async def _send_one(event: Event, key: str, settings: Settings, net: Net) -> None:
    async with net.http.post(
        f"{settings.url.rstrip('/')}/v2/enqueue", data=msgspec.json.encode({**event, "routing_key": key}),
        headers=HEADERS, proxy=_wire.proxy(settings.url), allow_redirects=False,
    ) as response:
        said = await _read(response)
        if not 200 <= response.status < 300:
            raise _wire.refusal("PagerDuty", response.status, response.headers, said.decode("utf-8", "replace"))
    if not _is_success(said):
        words = " ".join(said.decode("utf-8", "replace").split())[:_wire.REASON]
        raise Rejected(f"{response.status} came with an answer that is not PagerDuty's: {words}")


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The answer, or as much of it as an answer of PagerDuty can have."""
    said = b""
    async for part in response.content.iter_any():
        said += part
        if len(said) > ANSWER:
            break
    return said[:ANSWER]


def _is_success(said: bytes) -> bool:
    """PagerDuty says "success" with its 202. Anything else with a 2xx is some other machine answering, and what it
    took is lost."""
    try:
        answer = msgspec.json.decode(said)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return isinstance(answer, dict) and answer.get("status") == "success" and "dedup_key" in answer

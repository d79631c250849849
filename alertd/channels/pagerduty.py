"""PagerDuty, by Events API v2: https://developer.pagerduty.com/docs/events-api-v2/overview/

One event key per incident and severity epoch, so that a rise pages again even where the lower page was
acknowledged. Sending the same event twice has one effect, hence nothing is looked up after a doubt.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Annotated, Any, cast

import httpx2
import pagerduty
import pydantic

from alertd import escaping, messages
from alertd.channels import TIMEOUT, Net, Receipt, _wire
from alertd.channels import Settings as Base
from alertd.config.secret import Secret
from alertd.errors import Rejected, TryLater
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

# The library reports every refusal as an error of its own; alertd records it with the attempt.
logging.getLogger("pagerduty.api_client").setLevel(logging.CRITICAL)

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
        "timestamp": messages.iso(delivery.incident.opened_at) if delivery.incident else None,
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
    client = await net.in_thread(_client, settings, net)
    events = payload(delivery)
    try:
        async with asyncio.timeout(TIMEOUT):
            await _send_one(client, events[0], net)
            for event in events[1:]:
                try:
                    await _send_one(client, event, net)
                except Rejected:
                    # Once the page is out, an older page that PagerDuty will not close must not make a dead
                    # letter of it; the end of the incident closes it again.
                    if delivery.notification.kind is not Kind.FIRING:
                        raise
    except TimeoutError as error:
        raise _wire.no_answer("PagerDuty", error) from error
    return Receipt(", ".join(f"{event['event_action']} {event['dedup_key']}" for event in events))


async def _send_one(client: _Client, event: Event, net: Net) -> None:
    try:
        await net.in_thread(client.send_event, event["event_action"],
                            **{name: value for name, value in event.items() if name != "event_action"})
    except pagerduty.HttpError as error:
        raise _refusal(cast(httpx2.Response, error.response)) from None
    except pagerduty.Error as error:
        raise _broken(error.__cause__ or error) from None
    except httpx2.HTTPError as error:
        raise _broken(error) from None


def _refusal(response: httpx2.Response) -> Rejected | TryLater:
    return _wire.refusal("PagerDuty", response.status_code, response.headers, response.text)


def _broken(error: BaseException) -> TryLater:
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout):
        return TryLater(f"no connection to PagerDuty ({type(error).__name__})")
    return TryLater(f"the connection to PagerDuty broke ({type(error).__name__})", ambiguous=True)


def _client(settings: Settings, net: Net) -> _Client:
    """Built once per key, beside the event loop: reading the system's certificates takes 20 to 50 ms."""
    key = cast(Secret, settings.routing_key)
    known = ("pagerduty", settings.url, key)
    if known not in net.clients:
        local = settings.url.startswith("http://")  # only this machine itself may be: see Settings
        net.clients[known] = _Client(key.reveal(), base_url=settings.url.rstrip("/"), trust_env=not local)
    return cast(_Client, net.clients[known])


class _Client(pagerduty.EventsApiV2Client):
    """The vendor's client, with its retries off: left alone it repeats a 429 for ever, sleeping in its thread."""

    max_network_attempts = 0
    max_http_attempts = -1
    timeout = TIMEOUT  # type: ignore[assignment]  # the library puts its number over httpx2's property just so

    def __init__(self, key: str, **named: Any) -> None:
        super().__init__(key, **named)
        # 0 means "the default" and 1 means "not once more", together with max_http_attempts (version 7.2.0;
        # tests/channels/test_pagerduty.py counts the requests).
        self.retry = dict.fromkeys((429, 500, 502, 503, 504), 1)

    @property
    def url(self) -> str:
        """The library insists on https; alertd's Settings allow http on this machine itself."""
        return str(self._url)

    @url.setter
    def url(self, address: str) -> None:
        self._url = address

    def postprocess(self, response: httpx2.Response) -> None:
        """PagerDuty says "success" with its 202. Anything else with a 2xx is some other machine answering, and
        what it took is lost."""
        if not response.is_success:
            return
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or answer.get("status") != "success" or "dedup_key" not in answer:
            said = " ".join(response.text.split())[:_wire.REASON]
            raise Rejected(f"{response.status_code} came with an answer that is not PagerDuty's: {said}")

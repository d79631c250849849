"""A webhook of one's own: the incident as JSON, with every alert's name and summary.

The receiver can tell a repetition by `X-Alertd-Notification` and, with a shared secret, the sender by
`X-Alertd-Signature: v1=` and the hex HMAC-SHA256 of the body.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import aiohttp
import msgspec
import pydantic

from alertd import escaping, messages, times
from alertd.channels import TIMEOUT, Net, Receipt, _wire, composed
from alertd.channels import Settings as Base
from alertd.config.secret import Secret
from alertd.errors import Rejected
from alertd.model import Alert, Delivery

ALERTS: int | None = None
EDITS = True
PAGES = False
FOLLOWS = True
FOLDS = False

VERSION = "1"
TEXT = 4_000  # characters of one text: an annotation of a megabyte helps no program


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class Authorization(_Part):
    type: str = "Bearer"
    credentials: Secret | None = None
    credentials_file: str | None = None


class BasicAuth(_Part):
    username: str
    password: Secret | None = None
    password_file: str | None = None


class Header(_Part):
    values: list[str] = []
    secrets: list[Secret] = []


class HttpConfig(_Part):
    """The part of Prometheus' http_config that a webhook needs."""

    authorization: Authorization | None = None
    basic_auth: BasicAuth | None = None
    http_headers: dict[str, Header] = {}
    follow_redirects: bool = False

    @pydantic.model_validator(mode="after")
    def _one_way(self) -> HttpConfig:
        if self.authorization and self.basic_auth:
            raise ValueError("give authorization or basic_auth, not both")
        return self


class Settings(Base):
    url: Secret | None = None  # such an address often is the key
    url_file: str | None = None
    hmac_secret: Secret | None = None
    hmac_secret_file: str | None = None
    http_config: HttpConfig = HttpConfig()
    rate: _wire.Rate = None

    @pydantic.field_validator("url")
    @classmethod
    def _https(cls, url: Secret | None) -> Secret | None:
        if url is not None:
            _wire.vendor_address(url.reveal())
        return url

    @pydantic.model_validator(mode="after")
    def _has_url(self) -> Settings:
        if self.url is None and self.url_file is None:
            raise ValueError("webhook needs url or url_file")
        return self

    def endpoint(self) -> str:
        return _wire.host_of(self.url.reveal()) if self.url else ""

    def rate_limit(self) -> float | None:
        return _wire.limit(self.rate, None)

    def adapts(self) -> bool:
        return self.rate is None  # whose limit it is nobody knows: its 429 says when it is met


def payload(delivery: Delivery) -> dict[str, Any]:
    """The body, as plain data."""
    told, message = delivery.notification, messages.compose(delivery)
    body: dict[str, Any] = {
        "version": VERSION, "notification": _name(told.key), "kind": told.kind.value, "receiver": told.outlet.receiver,
        "severity": told.severity.value, "title": message.title,
    }
    if delivery.digest is not None:
        return {**body, "digest": {"subject": message.title, "text": message.lead}}
    incident = delivery.incident
    if incident is not None:
        body["incident"] = {
            "id": str(incident.id), "state": incident.state.value, "severity": incident.severity.value,
            "labels": {_text(key): _text(value) for key, value in incident.labels.items()},
            "opened_at": times.iso(incident.opened_at), "acknowledged_at": _iso(incident.acknowledged_at),
            "acknowledged_by": _name(incident.acknowledged_by or "") or None,
            "resolved_at": _iso(incident.resolved_at), "link": message.page,
        }
    return {**body, "firing": delivery.firing, "resolved": delivery.resolved,
            "alerts": [_alert(alert) for alert in delivery.alerts]}


def _body(delivery: Delivery) -> bytes:
    return msgspec.json.encode(payload(delivery))


def _alert(alert: Alert) -> dict[str, Any]:
    return {"name": messages.name(alert), "summary": messages.summary(alert),
            "state": "firing" if alert.firing else "resolved", "severity": alert.severity.value,
            "fingerprint": _name(alert.fingerprint), "starts_at": times.iso(alert.starts_at),
            "ends_at": _iso(alert.ends_at)}


def _iso(at: int | None) -> str | None:
    return None if at is None else times.iso(at)


def _text(text: str) -> str:
    return escaping.block(text, TEXT)


def _name(text: str) -> str:
    return escaping.line(text, 255)


def signature(secret: str, body: bytes) -> str:
    """What `X-Alertd-Signature` holds."""
    return "v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


async def send(delivery: Delivery, settings: Settings, net: Net) -> Receipt:
    """One POST."""
    if settings.url is None:
        raise Rejected("the webhook's address was not read")
    url, body = settings.url.reveal(), await composed(delivery, _body)
    try:
        async with net.http.post(
            url, data=body, headers=_headers(delivery, settings, body), timeout=aiohttp.ClientTimeout(total=TIMEOUT),
            allow_redirects=settings.http_config.follow_redirects,
            trace_request_ctx=settings.http_config.follow_redirects,
        ) as response:
            if 200 <= response.status < 300:
                return Receipt(f"{settings.endpoint()} answered {response.status}")
            said = (await response.content.read(_wire.REASON)).decode("utf-8", "replace")
            raise _wire.refusal(settings.endpoint(), response.status, response.headers, said)
    except (aiohttp.InvalidURL, ValueError) as error:
        raise Rejected("the webhook's address or a header of it cannot be used") from error
    except (aiohttp.ClientError, OSError) as error:  # a timeout is an OSError
        raise _wire.no_answer(settings.endpoint(), error) from None


def _headers(delivery: Delivery, settings: Settings, body: bytes) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "User-Agent": "alertd",
               "X-Alertd-Notification": _name(delivery.notification.key)}
    config = settings.http_config
    for name, header in config.http_headers.items():
        headers[name] = ", ".join([*header.values, *(secret.reveal() for secret in header.secrets)])
    if config.authorization is not None:
        headers["Authorization"] = f"{config.authorization.type} {_read(config.authorization.credentials)}"
    if config.basic_auth is not None:
        password = _read(config.basic_auth.password)
        headers["Authorization"] = aiohttp.encode_basic_auth(config.basic_auth.username, password, "utf-8")
    if settings.hmac_secret is not None:
        headers["X-Alertd-Signature"] = signature(settings.hmac_secret.reveal(), body)
    return headers


def _read(secret: Secret | None) -> str:
    if secret is None:
        raise Rejected("the webhook's credentials were not read")
    return secret.reveal()

"""Mail, by SMTP: one connection and one recipient per message."""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import re
import ssl
from typing import Annotated, NoReturn

import aiosmtplib
import pydantic

from alertd.channels import TIMEOUT, Net, Receipt, _wire
from alertd.channels import Settings as Base
from alertd.channels._mail import domain, payload, root_id
from alertd.config.secret import Secret
from alertd.errors import Rejected, TryLater
from alertd.model import Delivery

__all__ = ["ALERTS", "Settings", "payload", "send"]

ALERTS: int | None = 500
EDITS = False
PAGES = False
FOLLOWS = False
FOLDS = True

IMPLICIT_TLS = 465  # RFC 8314: TLS from the first byte
GOODBYE = 1.0  # seconds for a farewell that no longer matters

_SMARTHOST = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+):(?P<port>[0-9]{1,5})")
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def _smarthost(text: str) -> str:
    match = _SMARTHOST.fullmatch(text)
    if match is None or not 0 < int(match["port"]) < 65536:
        raise ValueError("must be host:port, such as smtp.example.com:587")
    return text


def _address(text: str) -> str:
    known = email.utils.parseaddr(text)[1]
    user, at, place = known.rpartition("@")
    if _UNFIT.search(text) or not (user and at and place) or " " in known:
        raise ValueError("must be a mail address, such as sre@example.com")
    return text


Address = Annotated[str, pydantic.AfterValidator(_address)]


class Settings(Base):
    smarthost: Annotated[str, pydantic.AfterValidator(_smarthost)]
    from_: Address = pydantic.Field(alias="from")
    to: list[Address] = pydantic.Field(min_length=1)
    username: str | None = None
    password: Secret | None = None
    password_file: str | None = None
    # True (also where nothing is said, except towards this machine itself): no mail without TLS. False: TLS where
    # it is offered.
    require_tls: bool | None = None
    rate: _wire.Rate = None

    @pydantic.model_validator(mode="after")
    def _has_password(self) -> Settings:
        if self.username and self.password is None and self.password_file is None:
            raise ValueError("username needs password or password_file")
        return self

    def targets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.to))

    def endpoint(self) -> str:
        return self.smarthost

    def rate_limit(self) -> float | None:
        return _wire.limit(self.rate, 0.3)

    @property
    def host(self) -> str:
        return self.smarthost.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.smarthost.rpartition(":")[2])

    @property
    def local(self) -> bool:
        return _wire.loopback(self.host)

    @property
    def tls_required(self) -> bool:
        return not self.local if self.require_tls is None else self.require_tls


async def send(delivery: Delivery, settings: Settings, net: Net) -> Receipt:
    """One connection, one mail. Nothing is in doubt before the mail itself is handed over."""
    try:
        mail = await asyncio.to_thread(payload, delivery, settings.from_)  # 1.3 ms; the first reads the template: 22 ms
    except ValueError as error:
        raise Rejected(f"this mail cannot be written: {error}") from error
    client = aiosmtplib.SMTP(
        hostname=settings.host, port=settings.port, timeout=TIMEOUT, use_tls=settings.port == IMPLICIT_TLS,
        start_tls=_start_tls(settings), local_hostname=domain(settings.from_),
        validate_certs=settings.tls_required or not settings.local)
    handed_over = False
    try:
        async with asyncio.timeout(TIMEOUT):
            await client.connect()
            await _login(client, settings)
            handed_over = True
            refused, said = await client.send_message(mail, recipients=[_bare(delivery)])
        if refused:  # with one recipient an exception comes instead; a partial refusal would come without one
            raise _refusal(*next(iter(refused.values())))
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        _explain(error, settings, handed_over)
    finally:
        await _part(client)
    root = {"message_id": root_id(delivery, domain(settings.from_))} if delivery.notification.incident else None
    return Receipt(f"{settings.host} took it: {' '.join(said.split())}"[:_wire.REASON], root)


def _start_tls(settings: Settings) -> bool | None:
    """As aiosmtplib has it: True insists, None takes what is offered."""
    if settings.port == IMPLICIT_TLS:
        return False
    return True if settings.tls_required else None


def _bare(delivery: Delivery) -> str:
    return email.utils.parseaddr(delivery.notification.outlet.target)[1]


async def _login(client: aiosmtplib.SMTP, settings: Settings) -> None:
    if not settings.username:
        return
    if settings.password is None:
        raise Rejected("the mail server's password was not read")
    if client.get_transport_info("sslcontext") is None and not settings.local:
        raise Rejected(f"{settings.host} offers no TLS: the password is not sent in the clear")
    await client.login(settings.username, settings.password.reveal())


async def _part(client: aiosmtplib.SMTP) -> None:
    """Says goodbye where that is still possible; the mail's fate is settled before."""
    with contextlib.suppress(aiosmtplib.SMTPException, OSError):
        if client.is_connected:
            await client.quit(timeout=GOODBYE)
    client.close()


def _refusal(code: int, said: str) -> Rejected | TryLater:
    """RFC 5321, 4.2.1: 5xx is for ever, everything else for now (greylisting is a 4xx)."""
    reason = f"the mail server answered {code}: {' '.join(said.split())}"[:_wire.REASON]
    return Rejected(reason) if code // 100 == 5 else TryLater(reason)


def _explain(error: Exception, settings: Settings, handed_over: bool) -> NoReturn:
    """Raises what the failure means."""
    host = settings.host
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        raise _refusal(error.recipients[0].code, error.recipients[0].message) from error
    if isinstance(error, aiosmtplib.SMTPResponseException):
        raise _refusal(error.code, error.message) from error
    if isinstance(error, aiosmtplib.SMTPNotSupported | ValueError) and not isinstance(error, OSError):
        raise Rejected(f"{host} cannot take this mail: {error}") from error
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        raise TryLater(f"no TLS with {host}: {error.__cause__ or error}"[:_wire.REASON]) from error
    if isinstance(error, TimeoutError):
        raise TryLater(f"{host} did not answer in time", ambiguous=handed_over) from error
    if isinstance(error, OSError):
        raise TryLater(f"no connection to {host} ({type(error).__name__})", ambiguous=handed_over) from error
    raise Rejected(f"{host}: {error}"[:_wire.REASON]) from error

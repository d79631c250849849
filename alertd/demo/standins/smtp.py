"""A mail server that keeps what it gets."""

from __future__ import annotations

import asyncio
import dataclasses
import email
import email.message
import email.policy
import ssl
import time
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from alertd.demo.standins.server import Faults, Mode


@dataclasses.dataclass(frozen=True, slots=True)
class Mail:
    """One accepted mail: `at` in monotonic milliseconds, whether it came by TLS, and who had logged in."""

    at: int
    sender: str
    recipients: tuple[str, ...]
    message: email.message.EmailMessage
    tls: bool
    user: str | None


class Smtp(Faults):
    """`mails` are those it took. Faults by path: "connect", "RCPT", "DATA"; "500" answers with `status`, 451 or
    550 say. With `tls` it offers STARTTLS, with `users` it wants a login (after STARTTLS where it offers that)."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, users: dict[str, str] | None = None) -> None:
        super().__init__()
        self.tls = tls
        self.users = users
        self.mails: list[Mail] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The smarthost, as routing.yaml has it."""
        return f"127.0.0.1:{self.port}"

    async def start(self, port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.over.set()
        if self._server is not None:
            self._server.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def report(self) -> dict[str, Any]:
        mails = [{"at": mail.at, "from": mail.sender, "to": list(mail.recipients), "tls": mail.tls, "user": mail.user,
                  "headers": dict(mail.message.items()), "text": _part(mail.message, "plain"),
                  "html": _part(mail.message, "html")} for mail in self.mails]
        return {**super().report(), "mails": mails}

    def _session(self) -> SMTP:
        return SMTP(self, hostname="localhost", tls_context=self.tls, enable_SMTPUTF8=True,
                    auth_require_tls=self.tls is not None,
                    authenticator=self._login if self.users is not None else None,
                    auth_required=self.users is not None, loop=asyncio.get_running_loop())

    def _login(self, server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        known = isinstance(given, LoginPassword) and self.users is not None \
            and self.users.get(given.login.decode()) == given.password.decode()
        # `handled`: the refusal is aiosmtpd's to say
        return AuthResult(success=known, handled=known, auth_data=given.login.decode() if known else None)

    async def handle_EHLO(self, server: SMTP, session: Session, envelope: Envelope, hostname: str,
                          responses: list[str]) -> list[str]:
        session.host_name = hostname
        answer = await self._fault(server, "connect", hostname)
        return [answer] if answer else responses

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str,
                          options: list[str]) -> str:
        if answer := await self._fault(server, "RCPT", address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        fault = self.next_fault("DATA")
        if fault.mode in (Mode.OK, Mode.SLOW, Mode.DROP_AFTER_ACCEPT):
            await self.wait(fault.seconds)
            self._keep(session, envelope)
        outcome = "250" if fault.mode in (Mode.OK, Mode.SLOW) else fault.mode.value
        self.record("DATA", {}, list(envelope.rcpt_tos), outcome)
        if fault.mode is Mode.DROP_AFTER_ACCEPT:
            return await self._act(server, Mode.RESET, fault.status)
        return await self._act(server, fault.mode, fault.status) or "250 2.0.0 OK: queued"

    async def _fault(self, server: SMTP, path: str, about: str) -> str:
        """The answer a planned fault gives to this command; nothing when it goes on."""
        fault = self.next_fault(path)
        self.record(path, {}, about, fault.mode.value)
        return await self._act(server, fault.mode, fault.status)

    async def _act(self, server: SMTP, mode: Mode, status: int) -> str:
        if mode is Mode.HANG:
            await self.wait(None)
        if mode in (Mode.HANG, Mode.RESET) and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
            return "421 gone"
        return "" if mode in (Mode.OK, Mode.SLOW) else f"{status} as planned"

    def _keep(self, session: Session, envelope: Envelope) -> None:
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        message = email.message_from_bytes(content, policy=email.policy.default)
        user = session.auth_data if isinstance(session.auth_data, str) else None
        self.mails.append(Mail(int(time.monotonic() * 1000), str(envelope.mail_from), tuple(envelope.rcpt_tos),
                               message, session.ssl is not None, user))


def _part(message: email.message.EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    return None if part is None else str(part.get_content())

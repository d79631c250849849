"""The door: who a visitor is, and whether the route may be taken.

A route that does not say what it asks for is shut, whoever comes. Where nobody is asked who they are (a daemon on this
machine's own address), whoever reaches it may do everything.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import collections
import hashlib
import hmac
import secrets
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

from alertd import escaping
from alertd.access import ANYBODY, Access, Permission, Visitor, by_key, by_name, vouched
from alertd.config import web_file
from alertd.engine.acts import NAME
from alertd.engine.clock import Clock
from alertd.engine.metrics import Metrics
from alertd.errors import BadInput
from alertd.model import Millis

VISITOR: web.RequestKey[Visitor] = web.RequestKey("visitor", Visitor)
HASHERS = 2  # passwords compared at once; one takes some 50 ms of a core, by design of bcrypt
HASHES_WAITING = 32  # beyond them a flood of guesses would hold up who knows the password
REMEMBERED = 1_000  # proofs and callers; the oldest are forgotten
# compared for unknown names, so that the time an answer takes says nothing
NOBODY = "$2b$10$4g11SEBrpw3bBWBF7/Dy/ePpk5zivEI.1BOTtzPV9LAOxxXFPq4Zi"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = structlog.get_logger()


class Door:
    """What the guard goes by: the file of `--web.config.file` (None: not given) and the `access:` of routing.yaml. The
    file and its certificates are read again when they change."""

    def __init__(self, path: Path | None, access: Callable[[], Access]) -> None:
        """Raises BadInput where the file has a fault."""
        self.access = access
        self._path = path
        self._stamp = _stamp((path,) if path else ())
        self.web_file = web_file.load(path) if path else None
        if self.web_file:
            self._stamp = _stamp(self.web_file.files)

    @property
    def shut(self) -> bool:
        """Whether visitors have to show who they are."""
        return self.web_file is not None or bool(self.access().keys)

    @property
    def tls(self) -> ssl.SSLContext | None:
        """To serve by; every new connection gets the newest certificate."""
        context = self.web_file.tls if self.web_file else None
        if context is not None:
            context.sni_callback = self._newest
        return context

    def _newest(self, connection: ssl.SSLObject, _name: str, _context: ssl.SSLContext) -> None:
        if self.web_file and self.web_file.tls:
            connection.context = self.web_file.tls

    async def tick(self) -> None:
        """Read the file again if it changed; one with a fault leaves everything as it was."""
        if self._path is None or self.web_file is None:
            return
        stamp = await asyncio.to_thread(_stamp, self.web_file.files)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self.web_file = await asyncio.to_thread(web_file.load, self._path)
        except BadInput as error:
            log.error("web_file_refused", problem=str(error))
            return
        self._stamp = await asyncio.to_thread(_stamp, self.web_file.files)
        log.info("web_file_read", path=str(self._path))


def _stamp(files: Iterable[Path]) -> tuple[tuple[int, int] | None, ...]:
    """What changes when one of the files does."""
    found: list[tuple[int, int] | None] = []
    for file in files:
        try:
            status = file.stat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_mtime_ns, status.st_ino))
    return tuple(found)


class Guard:
    """Lets in who may, and puts the visitor beside the request as VISITOR. `asked` says what each route asks, by its
    method."""

    def __init__(self, door: Door, asked: Mapping[web.AbstractResource, Mapping[str, Permission]], clock: Clock,
                 metrics: Metrics) -> None:
        self._door = door
        self._asked = asked
        self._clock = clock
        self._metrics = metrics
        self._passwords = _Passwords()
        self._buckets: collections.OrderedDict[str, tuple[float, Millis]] = collections.OrderedDict()

    @property
    def headers(self) -> Mapping[str, str]:
        """What the web file wants on every answer."""
        return self._door.web_file.headers if self._door.web_file else {}

    async def refuse(self, request: web.Request) -> web.Response | None:
        """The answer to who may not come in; None where the visitor may."""
        resource = request.match_info.route.resource
        permission = self._asked.get(resource, {}).get(request.method) if resource is not None else None
        if permission in (Permission.OPEN, Permission.SIGNED):
            return None
        if self._throttled(request):
            return self._refused(request, 503 if permission is Permission.SEND else 429, "throttled",
                                 "too many requests; wait a moment", {"Retry-After": "1"})
        visitor = await self._visitor(request) if self._door.shut else ANYBODY
        if visitor is None:
            return self._refused(request, 401, "stranger", "say who you are: a key as a bearer token, or a name and "
                                 "password", {"WWW-Authenticate": 'Basic realm="alertd", charset="UTF-8"'})
        if permission is None and request.match_info.http_exception is not None:
            return None  # there is no such route: aiohttp's own 404 or 405
        if permission is None or not visitor.may(permission):
            return self._refused(request, 403, "forbidden", f"{visitor.name or 'you'} may not do this")
        request[VISITOR] = visitor
        return None

    def _refused(self, request: web.Request, status: int, reason: str, text: str,
                 headers: dict[str, str] | None = None) -> web.Response:
        self._metrics.refused.labels(reason).inc()
        log.warning("request_refused", status=status, reason=reason, path=request.path, address=request.remote)
        return web.Response(status=status, text=text + "\n", headers=headers)

    def _throttled(self, request: web.Request) -> bool:
        """Whether this address has asked more than its share. A bucket of `burst` that gains one each `interval`."""
        rate = self._door.web_file.rate if self._door.web_file else None
        if rate is None or rate.interval == 0:
            return False
        caller, now = request.remote or "", self._clock.now()
        left, at = self._buckets.pop(caller, (float(rate.burst), now))
        left = min(float(rate.burst), left + max(0, now - at) / rate.interval)
        self._buckets[caller] = (left - 1 if left >= 1 else left, now)
        if len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)
        return left < 1

    async def _visitor(self, request: web.Request) -> Visitor | None:
        access, file = self._door.access(), self._door.web_file
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return by_key(given.strip(), access, self._clock.now())
        if scheme.lower() == "basic" and file is not None:
            name, password = _basic(given)
            known = await self._passwords.right(name, password, file.passwords)
            return by_name(name, "password", access) if known else None
        if file is not None and file.certificates and (certified := _certified(request, file.sans)):
            return by_name(certified, "certificate", access)
        proxy = access.proxy
        if proxy and vouched(proxy, request.remote or "") and (said := request.headers.get(proxy.user_header)):
            groups = request.headers.get(proxy.groups_header, "").split(",")
            return by_name(escaping.line(said, NAME), "proxy", access, [group.strip() for group in groups])
        return None


class _Passwords:
    """Compares passwords beside the event loop, and remembers what it found: a browser sends its own with every
    request. What is remembered is a hash under a key of this process, over both texts and their lengths."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._known: collections.OrderedDict[bytes, bool] = collections.OrderedDict()
        self._slots = asyncio.Semaphore(HASHERS)
        self._waiting = 0

    async def right(self, name: str, password: str, hashes: Mapping[str, str]) -> bool:
        kept = hashes.get(name, NOBODY)
        proof = self._proof(name, password, kept)
        if proof in self._known:
            return self._known[proof]
        if self._waiting >= HASHES_WAITING:
            raise web.HTTPServiceUnavailable(text="too many passwords to compare\n", headers={"Retry-After": "1"})
        self._waiting += 1
        try:
            async with self._slots:
                same = await asyncio.to_thread(_same, password, kept)
        finally:
            self._waiting -= 1
        self._known[proof] = same and name in hashes
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return self._known[proof]

    def _proof(self, *texts: str) -> bytes:
        said = b"".join(len(part).to_bytes(8, "big") + part for part in (text.encode() for text in texts))
        return hmac.new(self._secret, said, hashlib.sha256).digest()


def _same(password: str, kept: str) -> bool:
    import bcrypt

    return bcrypt.checkpw(password.encode()[:72], kept.encode())  # bcrypt itself looks at no more than 72 bytes


def visitor(request: web.Request) -> Visitor:
    """Who the guard let in."""
    found: Visitor = request.get(VISITOR, ANYBODY)
    return found


def _basic(given: str) -> tuple[str, str]:
    try:
        name, _, password = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


def _certified(request: web.Request, allowed: tuple[str, ...]) -> str | None:
    """The name in the certificate that TLS has verified: its first alternative name, else its common name."""
    found: Mapping[str, Any] | None = request.get_extra_info("peercert")
    if not found:
        return None
    names = [value for _, value in found.get("subjectAltName", ())]
    if allowed:
        return next((name for name in names if name in allowed), None)
    common = [value for part in found.get("subject", ()) for key, value in part if key == "commonName"]
    return next(iter([*names, *common]), None)

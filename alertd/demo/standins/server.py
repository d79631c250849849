"""What the stand-ins share: a plan of faults, a record of what arrived, a local HTTP server."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import enum
import json
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any, Self

from aiohttp import web

LARGEST = 16 * 1024 * 1024  # bytes taken in, so that a vendor's own limit is what refuses a body
HTML = "<html><body><h1>It works!</h1></body></html>"


class Mode(enum.StrEnum):
    """What happens to a request. Every mode but OK, SLOW and DROP_AFTER_ACCEPT keeps it from the vendor."""

    OK = "ok"
    SLOW = "slow"  # as OK, after `seconds`
    THROTTLE = "429"  # with Retry-After, where `retry_after` is given
    FAIL = "500"  # or the status in `status`
    RESET = "reset"  # the connection breaks
    HANG = "hang"  # no answer, ever
    OK_FALSE = "ok_false"  # Slack's 200 with an error `code`
    GARBAGE = "garbage200"  # 200 with a page that is not the vendor's (`text` replaces it)
    BAD_REQUEST = "400"
    TOO_LARGE = "413"
    DROP_AFTER_ACCEPT = "drop-after-accept"  # it is taken, but the answer never arrives


@dataclasses.dataclass(slots=True)
class Fault:
    """One entry of the plan, for the next `times` requests (None: until told otherwise) whose path ends in
    `path`."""

    mode: Mode
    times: int | None = None
    path: str = ""
    seconds: float = 0.0
    retry_after: float | None = None
    status: int = 500
    code: str = "internal_error"
    text: str = HTML
    content_type: str = "text/html"


@dataclasses.dataclass(frozen=True, slots=True)
class Received:
    """One request. `at` is monotonic milliseconds; `outcome` the HTTP status or the word for what happened
    instead."""

    at: int
    path: str
    headers: dict[str, str]
    body: Any
    outcome: str


class Faults:
    """The plan and the record; what a stand-in is whatever it speaks."""

    def __init__(self) -> None:
        self.plan: list[Fault] = []
        self.received: list[Received] = []
        self.over = asyncio.Event()

    def answer(self, mode: str = "ok", *, times: int | None = None, **details: Any) -> None:
        """From now on, for `times` requests or until told otherwise. "ok" alone takes the whole plan back."""
        if mode == Mode.OK and times is None and not details:
            self.plan.clear()
            return
        self.plan.append(Fault(Mode(mode), times, **details))

    def next_fault(self, path: str) -> Fault:
        """What happens to a request for `path`; uses up one of a counted fault."""
        for fault in self.plan:
            if path.endswith(fault.path) and fault.times != 0:
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return Fault(Mode.OK)

    def record(self, path: str, headers: dict[str, str], body: Any, outcome: str) -> None:
        self.received.append(Received(int(time.monotonic() * 1000), path, headers, body, outcome))

    def report(self) -> dict[str, Any]:
        """Everything that a test in another process may want to see."""
        return {"received": [dataclasses.asdict(entry) for entry in self.received]}

    async def wait(self, seconds: float | None) -> None:
        """So long (None: without end), or until the stand-in stops."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.over.wait()


class HttpStandIn(Faults):
    """An HTTP stand-in: `reply` is what the vendor would do; everything else is here."""

    def __init__(self) -> None:
        super().__init__()
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def reply(self, path: str, headers: dict[str, str], body: bytes, query: dict[str, str]) -> web.Response:
        """The vendor's own answer."""
        raise NotImplementedError

    def extend(self, app: web.Application) -> None:
        """Room for what is no request and answer."""

    async def start(self, port: int = 0) -> None:
        """Listens on the loopback address; `url` says where."""
        app = web.Application(client_max_size=LARGEST)
        app.router.add_get("/_received", self._show)
        app.router.add_post("/_fault", self._plan)
        self.extend(app)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        self.over.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def bodies(self) -> Iterator[Any]:
        return (entry.body for entry in self.received)

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(self.report())

    async def _plan(self, request: web.Request) -> web.Response:
        self.answer(**await request.json())
        return web.json_response({"ok": True})

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body, fault = await request.read(), self.next_fault(request.path)
        headers = dict(request.headers)
        if fault.mode is Mode.SLOW:
            await self.wait(fault.seconds)
        if fault.mode in (Mode.OK, Mode.SLOW, Mode.DROP_AFTER_ACCEPT):
            answer = await self.reply(request.path, headers, body, dict(request.query))
        else:
            answer = self.fault_answer(fault)
        dropped = fault.mode in (Mode.RESET, Mode.DROP_AFTER_ACCEPT, Mode.HANG)
        self.record(request.path, headers, _readable(body), fault.mode.value if dropped else str(answer.status))
        if fault.mode is Mode.HANG:
            await self.wait(None)
        if dropped:
            _break(request)
        return answer

    def fault_answer(self, fault: Fault) -> web.Response:
        """The HTTP form of a fault; a vendor with words of its own for it says them here."""
        if fault.mode is Mode.THROTTLE:
            headers = {"Retry-After": f"{fault.retry_after:g}"} if fault.retry_after is not None else {}
            return web.json_response({"error": "too many requests"}, status=429, headers=headers)
        if fault.mode is Mode.GARBAGE:
            return web.Response(text=fault.text, content_type=fault.content_type)
        if fault.mode is Mode.OK_FALSE:
            return web.json_response({"ok": False, "error": fault.code})
        status = {Mode.BAD_REQUEST: 400, Mode.TOO_LARGE: 413}.get(fault.mode, fault.status)
        return web.Response(status=status, text=f"{status} as planned")


def _readable(body: bytes) -> Any:
    """The body as JSON, else as text."""
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def _break(request: web.Request) -> None:
    """Resets the connection: without lingering, closing sends RST."""
    transport = request.transport
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()

"""PagerDuty, Slack, mail and webhooks that accept at once, in one process, and note when each message came.

`python -m bench.sink [FAULT…]`, of hang-NAME, limit-NAME (as PagerDuty does), refuse-NAME (429 with Retry-After),
bucket-NAME-RATE-BURST (so many a second, and 429 with Retry-After 1 to the rest) and reset-NAME (the connection, once a
message has come), prints its addresses as a line of JSON, and at SIGTERM a second
line: when which group's message came to PagerDuty, how many messages each took, and the most connections each ever
had.
"""

from __future__ import annotations

import asyncio
import collections
import json
import math
import re
import signal
import sys
import time
from collections.abc import Collection

from alertd.demo.standins.smtp import Smtp

ANSWERS = {
    "pagerduty": (202, b'{"status":"success","message":"Event processed","dedup_key":"alertd/x"}'),
    "slack": (200, b'{"ok":true,"channel":"C0000000001","ts":"1795442580.000100"}'),
    "webhook": (200, b"{}"),
    "partner": (200, b"{}"),
}
# Events a minute and integration key: https://community.pagerduty.com/forum/t/monitoring-api-rate-limiting/3318
PAGERDUTY_A_MINUTE = 120
THROTTLED = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"
SLOWER = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
REFUSED = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n"
_GROUP = re.compile(rb"ns-(\d{9})")
_DEDUP_KEY = re.compile(rb'"dedup_key": ?"([^"]+)"')
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Sink:
    """One vendor's record."""

    def __init__(self, name: str, faults: Collection[str] = ()) -> None:
        status, text = ANSWERS[name]
        self.answer = (b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                       % (status, len(text)) + text)
        self.hangs, self.refuses, self.resets = (f"{fault}-{name}" in faults for fault in ("hang", "refuse", "reset"))
        self.a_minute = PAGERDUTY_A_MINUTE if f"limit-{name}" in faults else math.inf
        self._accepted: collections.deque[float] = collections.deque()  # when, within the last minute
        bucket = next((fault.split("-")[2:] for fault in faults if fault.startswith(f"bucket-{name}-")), None)
        self.rate, self.burst = map(float, bucket or (math.inf, math.inf))
        self._tokens, self._filled = self.burst, time.monotonic()
        self.taken = self.tries = 0
        self.last: float | None = None  # when the newest was taken
        self.connections = 0
        self.most_connections = 0
        self.came: dict[str, float] = {}
        self._groups: dict[bytes, int] = {}  # by dedup_key: a resolve names nothing else

    def answer_to(self, payload: bytes) -> bytes:
        """What is said to a message; one over the limit is not taken."""
        self.tries += 1
        now = time.monotonic()
        if self.refuses:
            return REFUSED
        if not self._has_room(now):
            return SLOWER
        while self._accepted and self._accepted[0] < now - 60:
            self._accepted.popleft()
        if len(self._accepted) >= self.a_minute:
            return THROTTLED
        self._accepted.append(now)
        self._take(payload)
        self.last = now
        return self.answer

    def _has_room(self, now: float) -> bool:
        """Whether the bucket has a token; it is gone then."""
        if self.rate == math.inf:
            return True
        self._tokens = min(self._tokens + (now - self._filled) * self.rate, self.burst)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _take(self, payload: bytes) -> None:
        self.taken += 1
        key = _DEDUP_KEY.search(payload)
        if key is None:
            return
        if group := _GROUP.search(payload):
            self._groups[key[1]] = int(group[1])
        status = "resolved" if b'"resolve"' in payload else "firing"
        self.came.setdefault(f"{status} {self._groups.get(key[1])}", time.monotonic())


class _Session(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._sink.connections += 1
        self._sink.most_connections = max(self._sink.most_connections, self._sink.connections)

    def connection_lost(self, exc: Exception | None) -> None:
        self._sink.connections -= 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        length = _LENGTH.search(self._buffer, 0, max(end, 0))
        whole = end + 4 + (int(length[1]) if length else 0)
        if end < 0 or len(self._buffer) < whole:
            return
        payload, self._buffer = self._buffer[end + 4:whole], self._buffer[whole:]
        if self._sink.resets:
            self._transport.abort()
            return
        answer = self._sink.answer_to(payload)
        if not self._sink.hangs:
            self._transport.write(answer)


async def serve(faults: Collection[str]) -> None:
    loop = asyncio.get_running_loop()
    sinks = {name: Sink(name, faults) for name in ANSWERS}
    addresses = {}
    for name, sink in sinks.items():
        server = await loop.create_server(lambda sink=sink: _Session(sink), "127.0.0.1", 0)  # type: ignore[misc]  # mypy infers no lambda defaults
        addresses[name] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    async with Smtp() as mail:
        print(json.dumps(addresses | {"smtp": mail.url}), flush=True)
        await stop.wait()
    print(json.dumps({
        "came": sinks["pagerduty"].came,
        "taken": {name: sink.taken for name, sink in sinks.items()} | {"mail": len(mail.mails)},
        "tries": {name: sink.tries for name, sink in sinks.items()},
        "last": {name: sink.last for name, sink in sinks.items()},
        "connections": {name: sink.most_connections for name, sink in sinks.items()},
    }), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1:]))

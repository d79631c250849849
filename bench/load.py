"""The sender, a process of its own: HTTP/1.1 by hand over kept connections, so that it costs less than what it
measures. Takes a Plan as JSON on its command line and prints a Report as JSON.

Closed loop: every connection sends its next webhook when the last was answered. Open loop: webhooks are due at a
fixed rate whatever the answers, and a latency counts from when one was due.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import functools
import gc
import json
import sys
import time
from collections.abc import Callable

from bench.bodies import body, posted

MOST_CONNECTIONS = 256  # of an open loop
MIX = (1, 10, 1, 10, 1, 64, 1, 10, 1, 1)  # alerts in groups of mixed sizes: 60 % have 1, 30 % 10, 10 % 64
WEBHOOK, POSTED = "/webhook/alertmanager", "/api/v2/alerts"
TAKEN = (200, 201)
NO_ANSWER = 0  # in place of a status


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What to send. `rate` webhooks a second, or as fast as `connections` allow (None). `groups` limits how many
    different groups there are, which then repeat; 0: every webhook is of a new one. With `resolve_after` (seconds;
    open loop) every second webhook is the end of the group that began so long before. `mixed`: sizes as MIX has them;
    `posted`: to an Alertmanager, as Prometheus does. `path`: where else a webhook goes. With `instances` every alert is
    of an instance of its own, which some tell alerts apart by."""

    port: int
    seconds: float
    alerts: int = 10
    connections: int = 32
    rate: float | None = None
    groups: int = 0
    first: int = 0
    severity: str = "critical"
    resolve_after: float = 0.0
    lean: bool = False
    mixed: bool = False
    posted: bool = False
    path: str = WEBHOOK
    instances: bool = False


@dataclasses.dataclass(slots=True)
class Report:
    """What came of it. `due` is when (monotonic seconds) each group's firing and resolved webhook was due; latencies
    are seconds, in order of answer; `cpu` is the sender's own share of a core."""

    answered: int = 0
    refused: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    latencies: list[float] = dataclasses.field(default_factory=list)
    due: dict[str, float] = dataclasses.field(default_factory=dict)


class _Connection(asyncio.Protocol):
    """One connection; `free` is called when its answer is complete, with the status, and `dropped` when the server
    closed it with nothing asked of it. `closing`: the server takes no further request on it."""

    def __init__(self, free: Callable[[_Connection, int], None], dropped: Callable[[_Connection], None]) -> None:
        self._free = free
        self._dropped = dropped
        self._buffer = b""
        self.sent_at = 0.0
        self.closing = False
        self._asked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def send(self, head: bytes, payload: bytes, at: float) -> None:
        self.sent_at, self._asked = at, True
        self.transport.write(head % len(payload) + payload)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        start = self._buffer.find(b"Content-Length: ")
        length = int(self._buffer[start + 16:self._buffer.index(b"\r\n", start)])
        if len(self._buffer) < end + 4 + length:
            return
        status = int(self._buffer[9:12])
        self.closing = b"Connection: close\r\n" in self._buffer[:end + 2]
        self._buffer, self._asked = b"", False
        self._free(self, status)

    def connection_lost(self, _error: Exception | None) -> None:
        """Without an answer, that is a refusal; to wait for one would be for ever."""
        if self._asked:
            self.closing, self._asked = True, False
            self._free(self, NO_ANSWER)
        else:
            self._dropped(self)


class _Sender:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.report = Report()
        self.head = (b"POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                     b"Content-Length: %%d\r\n\r\n" % ((POSTED if plan.posted else plan.path).encode(), plan.port))
        self.body = functools.partial(body, severity=plan.severity, lean=plan.lean, instances=plan.instances)
        self.bodies: list[bytes] = []  # of what is posted: made before the time runs, for it costs more to make
        self.number = plan.first
        self.busy = 0
        self.idle: list[_Connection] = []
        self.waiting: collections.deque[tuple[bytes, float]] = collections.deque()
        self.sending = True
        self.done = asyncio.Event()
        self.gone = False  # the server, since nobody answers at its port
        self.opening: set[asyncio.Task[None]] = set()

    async def run(self) -> Report:
        plan = self.plan
        self.body(0, plan.alerts)
        count = MOST_CONNECTIONS if plan.rate else plan.connections
        for _ in range(count):
            self.idle.append(await self._connection())
        if plan.posted and plan.rate:
            self.bodies = [posted(plan.first + index, self._alerts(index), plan.severity)
                           for index in range(int(plan.seconds * plan.rate))]
        gc.disable()  # the sender's own pauses would count as the server's
        started, cpu = time.monotonic(), time.process_time()
        if plan.rate:
            await self._open(plan.rate, started)
        else:
            while self.idle:
                self._next(self.idle.pop())
            await asyncio.sleep(plan.seconds)
        self.sending = False
        if self.busy or self.waiting:
            await self.done.wait()
        self.report.seconds = time.monotonic() - started
        self.report.cpu = (time.process_time() - cpu) / self.report.seconds
        return self.report

    async def _connection(self) -> _Connection:
        return (await asyncio.get_running_loop().create_connection(
            lambda: _Connection(self._free, self._dropped), "127.0.0.1", self.plan.port))[1]

    async def _open(self, rate: float, started: float) -> None:
        for index in range(int(self.plan.seconds * rate)):
            due = started + index / rate
            if (early := due - time.monotonic()) > 0:
                await asyncio.sleep(early)
            self._due(index, due, rate)

    def _due(self, index: int, due: float, rate: float) -> None:
        plan, number, status = self.plan, self.plan.first + index, "firing"
        if plan.resolve_after:
            lag = int(plan.resolve_after * rate / 2)
            number, status = plan.first + index // 2, "firing"
            if index % 2:
                if index // 2 < lag:
                    return
                number, status = number - lag, "resolved"
        self.report.due[f"{status} {number}"] = due
        payload = self.bodies[index] if plan.posted else self.body(number, self._alerts(index), status)
        if self.gone:
            self.report.refused += 1
        elif self.idle:
            self.busy += 1
            self.idle.pop().send(self.head, payload, due)
        else:
            self.waiting.append((payload, due))

    def _alerts(self, index: int) -> int:
        return MIX[index % len(MIX)] if self.plan.mixed else self.plan.alerts

    def _next(self, connection: _Connection) -> None:
        plan = self.plan
        number = plan.first + (self.number - plan.first) % plan.groups if plan.groups else self.number
        self.number += 1
        self.busy += 1
        connection.send(self.head, self.body(number, plan.alerts), time.monotonic())

    def _free(self, connection: _Connection, status: int) -> None:
        self.busy -= 1
        self.report.answered += status in TAKEN
        self.report.refused += status not in TAKEN
        self.report.latencies.append(time.monotonic() - connection.sent_at)
        if connection.closing:
            connection.transport.close()
            self._open_another()
        else:
            self._use(connection)

    def _dropped(self, connection: _Connection) -> None:
        if connection in self.idle:
            self.idle.remove(connection)
            if self.sending:
                self._open_another()

    def _open_another(self) -> None:
        again = asyncio.create_task(self._reopen())
        self.opening.add(again)
        again.add_done_callback(self.opening.discard)

    async def _reopen(self) -> None:
        try:
            connection = await self._connection()
        except OSError:
            self._lost()
        else:
            self._use(connection)

    def _lost(self) -> None:
        """What waits is refused; to wait for an answer would be for ever."""
        self.gone = True
        self.report.refused += len(self.waiting)
        self.waiting.clear()
        if not self.sending and not self.busy:
            self.done.set()

    def _use(self, connection: _Connection) -> None:
        if self.waiting:
            self.busy += 1
            connection.send(self.head, *self.waiting.popleft())
        elif self.plan.rate is None and self.sending:
            self._next(connection)
        else:
            self.idle.append(connection)
            if not self.sending and not self.busy:
                self.done.set()


if __name__ == "__main__":
    result = asyncio.run(_Sender(Plan(**json.loads(sys.argv[1]))).run())
    json.dump(dataclasses.asdict(result), sys.stdout)

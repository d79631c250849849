"""The one clock: everything that asks for the time or waits for it asks this, so that tests can move it."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Protocol

from alertd.model import Millis, WebhookId

_BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u to misread at night
_PAIRS = [first + second for first in _BASE32 for second in _BASE32]


class Clock(Protocol):
    def now(self) -> Millis:
        """Milliseconds since 1970 UTC."""
        ...

    async def sleep_until(self, event: asyncio.Event, wake_at: Millis | None) -> None:
        """Wait until `event` is set or the time comes, whichever is first; None waits for the event alone."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> Millis:
        return time.time_ns() // 1_000_000

    async def sleep_until(self, event: asyncio.Event, wake_at: Millis | None) -> None:
        if wake_at is None:
            await event.wait()
            return
        try:
            async with asyncio.timeout(max(0.0, (wake_at - self.now()) / 1000)):
                await event.wait()
        except TimeoutError:
            return


class Ids:
    """Webhook ids that sort by time, 10 digits of milliseconds and 2 that tell processes apart.

    Two webhooks of one millisecond get neighbouring milliseconds, so that a process never gives an id twice.
    """

    def __init__(self, process: int) -> None:
        self._tail = _BASE32[process % 32] + _BASE32[process // 32 % 32]
        self._last = 0
        self._lock = threading.Lock()  # the event loop asks, and the writer's thread

    def next(self, now: Millis) -> WebhookId:
        with self._lock:
            self._last = last = max(now, self._last + 1)
        return WebhookId(first_id(last) + self._tail)


def first_id(at: Millis) -> str:
    """What is before every id given at this moment, and behind every one given before."""
    return (_PAIRS[at >> 40 & 1023] + _PAIRS[at >> 30 & 1023] + _PAIRS[at >> 20 & 1023] + _PAIRS[at >> 10 & 1023]
            + _PAIRS[at & 1023])

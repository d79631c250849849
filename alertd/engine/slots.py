"""How many attempts may be under way at once to one endpoint."""

from __future__ import annotations

import asyncio
from collections import deque


class Slots:
    """A counted number of places, given out in the order they are asked for."""

    def __init__(self, capacity: int) -> None:
        self.free = capacity
        self._queue: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> None:
        """One place; waits its turn."""
        if self.free > 0 and not self._queue:
            self.free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the place came in the moment of the cancellation: pass it on
                self.release()
            raise

    def take(self, most: int) -> int:
        """Up to `most` places that nobody waits for, without waiting; how many."""
        taken = 0 if self._queue else min(most, self.free)
        self.free -= taken
        return taken

    def release(self, count: int = 1) -> None:
        for _ in range(count):
            while self._queue and self._queue[0].done():
                self._queue.popleft()
            if self._queue:
                self._queue.popleft().set_result(None)
            else:
                self.free += 1

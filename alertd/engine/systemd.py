"""What systemd is told of this process (sd_notify): ready, reloading, stopping, and that it is alive.

https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
Without NOTIFY_SOCKET, as everywhere but under systemd, nothing is said.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping

import structlog

PATIENCE = 1.0  # seconds a message may wait for systemd to read those before it
BEATS = 3  # in the time after which systemd takes a silent process for dead: one may be late

log = structlog.get_logger()


class Systemd:
    """`environment`: NOTIFY_SOCKET is where it listens; WATCHDOG_USEC and WATCHDOG_PID how long it waits for a sign of
    life, and of whom. `stuck` says whether the store's writer has been at one thing for so many seconds."""

    def __init__(self, environment: Mapping[str, str], stuck: Callable[[float], bool]) -> None:
        self._stuck = stuck
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address  # @: no file, but a name
        meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._watchdog = int(environment.get("WATCHDOG_USEC", 0)) / 1e6 if meant else 0.0

    def ready(self, status: str) -> None:
        """It serves; also after a reload, whatever came of it."""
        self._say("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """The end of it is told by `ready`."""
        self._say("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        self._say("STOPPING=1", "STATUS=stopping: letting attempts end")

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Gives signs of life inside the block, as long as the loop turns and the store's writer moves."""
        task = asyncio.create_task(self._beat()) if self._address and self._watchdog else None
        try:
            yield
        finally:
            if task is not None:
                task.cancel()

    async def _beat(self) -> None:
        while True:
            if self._stuck(self._watchdog / 2):
                log.error("writer_stuck", seconds=self._watchdog / 2)
                self._say("STATUS=the store's writer does not come back from a transaction")
            else:
                self._say("WATCHDOG=1")
            await asyncio.sleep(self._watchdog / BEATS)

    def _say(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(PATIENCE)
                sender.sendto("\n".join(" ".join(line.splitlines()) for line in lines).encode(), self._address)
        except OSError as error:
            log.warning("systemd_not_told", said=lines[0], error=str(error))

"""Bring what is committed from SQLite's log to its place in the file, beside the writer.

A commit appends to the log and syncs it. Left to itself SQLite copies a full log within a commit, and whoever waits for
that one waits ten times as long as others. Here a thread copies it before it is full, with a connection of its own,
while commits go on (https://sqlite.org/wal.html#checkpointing). What it cannot do, SQLite does as ever.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from concurrent.futures import Future, ThreadPoolExecutor

EVERY = 0.25  # seconds at least between two: a page that is written often is copied once for all


class Checkpoints:
    """Of the store in one file; its writer says after every commit that there is something."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store checkpoints")
        self._running: Future[None] | None = None
        self._next = 0.0  # on the monotonic clock

    def committed(self) -> None:
        now = time.monotonic()
        if now >= self._next and (self._running is None or self._running.done()):
            self._next = now + EVERY
            self._running = self._thread.submit(self._copy)

    def close(self) -> None:
        self._thread.shutdown()

    def _copy(self) -> None:
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(self._path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()  # passive: nobody waits for it

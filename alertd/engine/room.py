"""How large the store is and how much room its disk has left, as metrics: a full disk is seen while there is time."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from alertd.engine.metrics import Metrics


class Room:
    """`tick` looks. `path` is the store's file; PostgreSQL's disk is not alertd's to look at, and nothing is shown."""

    def __init__(self, path: Path, metrics: Metrics) -> None:
        self._path = path
        self._metrics = metrics

    async def tick(self) -> None:
        if self._path.name:
            size, free = await asyncio.to_thread(_look, self._path)
            self._metrics.store_bytes.labels("sqlite").set(size)
            self._metrics.store_free.labels("sqlite").set(free)


def _look(path: Path) -> tuple[int, float]:
    """The bytes of the file and of what SQLite keeps beside it, and the share of the disk that is free."""
    usage = shutil.disk_usage(path.parent)
    size = sum(beside.stat().st_size for beside in (path, path.with_name(f"{path.name}-wal")) if beside.exists())
    return size, usage.free / usage.total

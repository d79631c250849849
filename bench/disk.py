"""How long the disk takes over a page, again and again while something else is measured: the machine's own share of it.

`python -m bench.disk FILE`; at SIGTERM it prints, as JSON, how long it took at most.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

PAGE = 4096  # bytes
EVERY = 0.02  # seconds between two: what stalls does so for longer, and this leaves the disk to what is measured


def look(file: int) -> float:
    """Seconds until one more page is on the disk."""
    begun = time.monotonic()
    os.write(file, bytes(PAGE))
    os.fdatasync(file)
    return time.monotonic() - begun


def main(path: Path) -> None:
    times, stopped = list[float](), list[int]()
    signal.signal(signal.SIGTERM, lambda number, _frame: stopped.append(number))
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    print("{}", flush=True)  # it has begun
    while not stopped:
        times.append(look(file))
        time.sleep(EVERY)
    print(json.dumps({"longest": max(times, default=0.0), "looks": len(times)}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

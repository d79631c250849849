"""How long the disk takes over a page, again and again while something else is measured: the machine's own share of it.

`python -m bench.disk FILE`; SIGUSR1 begins the record anew, at SIGTERM it is printed as JSON.
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
    signal.signal(signal.SIGUSR1, lambda _number, _frame: times.clear())
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    print("{}", flush=True)  # it may be sent signals from now on
    while not stopped:
        times.append(look(file))
        time.sleep(EVERY)
    print(json.dumps({"longest": max(times, default=0.0), "looks": len(times)}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

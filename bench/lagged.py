"""`alertd serve` with a watch inside its event loop: at SIGTERM prints, as JSON, how long the loop was ever away.

`python -m bench.lagged ROUTING STORE PORT`; without arguments only the watch, in a loop that does nothing: what the
machine itself takes away. SIGUSR1 begins the record anew, so that the start does not count.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import threading
import time
from pathlib import Path

from alertd.daemon import Options, serving
from alertd.engine.clock import SystemClock
from alertd.engine.process import collect_rarely, expect_files, set_up_logs, share_often

EVERY = 0.002  # seconds between two looks


async def watch(lags: list[float]) -> None:
    while True:
        before = time.monotonic()
        await asyncio.sleep(EVERY)
        lags.append(time.monotonic() - before - EVERY)


async def idle() -> None:
    stop, lags, loop = asyncio.Event(), list[float](), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, lags.clear)
    watching = asyncio.create_task(watch(lags))
    print("{}", flush=True)  # it may be sent signals from now on
    await stop.wait()
    watching.cancel()
    print(json.dumps({"longest": max(lags)}), flush=True)


async def serve(routing: str, store: str, port: str) -> None:
    set_up_logs(False)
    expect_files()
    stop, lags, loop = asyncio.Event(), list[float](), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, lags.clear)
    async with serving(Options(Path(routing), Path("rules"), store, "127.0.0.1", int(port)), SystemClock()):
        collect_rarely()  # as the daemon's own process does
        share_often()
        watching = asyncio.create_task(watch(lags))
        await stop.wait()
        watching.cancel()
    print(json.dumps({"longest": max(lags), "over_20_ms": sum(lag > 0.02 for lag in lags), "looks": len(lags),
                      "threads": threading.active_count()}), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:4]) if len(sys.argv) > 1 else idle())

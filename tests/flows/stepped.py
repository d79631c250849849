"""alertd whose clock is set: an hour forward by SIGUSR1, two back by SIGUSR2."""

from __future__ import annotations

import signal

from alertd import cli
from alertd.engine.clock import SystemClock
from alertd.model import HOUR

FORWARD, BACK = signal.SIGUSR1, signal.SIGUSR2

if __name__ == "__main__":
    real, step = SystemClock.now, [0]

    def set_by(hours: int) -> None:
        step[0] += hours * HOUR

    signal.signal(FORWARD, lambda *_: set_by(1))
    signal.signal(BACK, lambda *_: set_by(-2))
    SystemClock.now = lambda self: real(self) + step[0]  # type: ignore[method-assign]  # what this file is for
    cli.main()

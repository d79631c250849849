"""alertd that kills itself with SIGKILL at a named point: `killed.py POINT CHANNEL serve …`.

alertd has no hooks for this: the function at the point is replaced before it starts. CHANNEL names whose message
it must be, "" for any.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from alertd import cli
from alertd.engine.deliver import Courier
from alertd.engine.intake import Intake
from alertd.store import intake as store


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before_commit(channel: str) -> None:
    """Everything of the webhook is written, and nothing committed."""
    save = store.save

    def patched(*args: Any) -> None:
        save(*args)
        die()

    store.save = patched  # type: ignore[assignment]  # what this file is for


def before_reply(channel: str) -> None:
    """The webhook is committed, its sender not answered."""
    accept = Intake.accept

    async def patched(self: Intake, body: bytes) -> Any:
        await accept(self, body)
        die()

    Intake.accept = patched  # type: ignore[method-assign]  # as above


def before_send(channel: str) -> None:
    """The message is claimed, and not sent."""
    async def patched(self: Courier, delivery: Any, token: str) -> Any:
        if delivery.notification.outlet.channel == channel:
            die()

    Courier._send = patched  # type: ignore[method-assign]  # as above


def before_settle(channel: str) -> None:
    """The vendor took the message, and nothing of that is written."""
    send = Courier._send

    async def patched(self: Courier, delivery: Any, token: str) -> Any:
        settlement = await send(self, delivery, token)
        if delivery.notification.outlet.channel == channel:
            die()
        return settlement

    Courier._send = patched  # type: ignore[method-assign]  # as above


def after_settle(channel: str) -> None:
    """The message is sent, and that is committed."""
    settle = Courier._settle

    async def patched(self: Courier, done: Any) -> None:
        await settle(self, done)
        if done.row.outlet.channel == channel:
            die()

    Courier._settle = patched  # type: ignore[method-assign]  # as above


POINTS = {function.__name__: function
          for function in (before_commit, before_reply, before_send, before_settle, after_settle)}

if __name__ == "__main__":
    POINTS[sys.argv[1]](sys.argv[2])
    sys.argv = ["alertd", *sys.argv[3:]]
    cli.main()

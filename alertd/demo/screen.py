"""What the demo says to people: one line a fact, coloured on a terminal only."""

from __future__ import annotations

import os
import sys
import time

from alertd.demo.seen import DIGEST, RECEIVERS, Told
from alertd.model import Severity

_COLOURS = {Severity.CRITICAL: "31", Severity.WARNING: "33", Severity.INFO: "34"}
GOOD, FAINT, BOLD = "32", "2", "1"
LONGEST = 78  # characters of a message's text in its line


class Screen:
    """Prints with the time since the demo began. Colour follows https://no-color.org."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    def line(self, text: str = "") -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def fact(self, name: str, value: str) -> None:
        self.line(f"  {name:<9} {value}")

    def happens(self, text: str) -> None:
        """Something that happens to the service."""
        self.line(f"\n{self._clock()}  {self.paint(text, BOLD)}")

    def alert(self, severity: Severity, text: str) -> None:
        """What alertd decided upon a webhook."""
        self.line(f"{self._clock()}  {self.paint(f'{severity:<8}', _COLOURS[severity])} {text}")

    def told(self, one: Told, after: int | None) -> None:
        """One message that arrived, `after` milliseconds from the webhook that caused it."""
        took = f"{after} ms" if after is not None else ""
        text = " ".join(one.text.split())
        text = text if len(text) <= LONGEST else text[:LONGEST - 1] + "…"
        self.line(f"          {self.paint('→', GOOD)} {RECEIVERS.get(one.place, '?'):<13} {one.place:<22} "
                  f"{one.how:<13} {took:>7}  {self.paint(text, FAINT)}")

    def held(self) -> None:
        self.line(f"          {self.paint('→', GOOD)} {RECEIVERS[DIGEST]:<13} {DIGEST:<22} "
                  f"{'held':<13} {'':>7}  {self.paint('goes out in the digest at 08:00, Europe/Berlin', FAINT)}")

    def paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._coloured else text

    def _clock(self) -> str:
        seconds = int(time.monotonic() - self._began)
        return f"{seconds // 60:>2}:{seconds % 60:02}"

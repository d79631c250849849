"""What is promised, without how it is counted."""

from __future__ import annotations

import dataclasses

from alertd.model import Millis


@dataclasses.dataclass(frozen=True, slots=True)
class Promise:
    """An objective as rules/ says it: `objective` is the ratio in its own digits, `length` that of the window.
    `calendar` is a period and its zone, such as `month Europe/Berlin`, where the window is one of the calendar."""

    service: str
    slo: str
    objective: str
    length: Millis
    by: tuple[str, ...] = ()
    calendar: str = ""

"""Where an objective's counts come from."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Indicator:
    """Counters, each a PromQL vector selector without a range. A tuple means the sum of all its series, a series that
    two selectors of one metric hold counted once.

    `events` are all events. Exactly one of `bad` (the failed ones) and `good` (bad = events - good) is given.
    `scraped` selects series that exist wherever one of the targets was scraped, `up{job="shop"}` say: a counter that
    appears on a target that was scraped before began at 0. Empty: the events' own series tell it.
    """

    events: tuple[str, ...]
    bad: tuple[str, ...] = ()
    good: tuple[str, ...] = ()
    scraped: str = ""

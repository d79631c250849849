"""Where an objective's counts come from."""

from __future__ import annotations

import dataclasses
import re
from decimal import Decimal

from alertd.matchers import Matcher
from alertd.model import Millis
from alertd.rulegen import promql
from alertd.rulegen.declared import Condition, Fresh


def pattern(mark: Matcher) -> str | None:
    """The regular expression that the whole value of the label must match; None where none says the same."""
    return {"=~": mark.value, "=": re.escape(mark.value), "!=": None if mark.value else ".+"}.get(mark.op)


@dataclasses.dataclass(frozen=True, slots=True)
class Indicator:
    """Counters, each a PromQL vector selector without a range. A tuple means the sum of all its series, a series that
    two selectors of one metric hold counted once.

    `events` are all events. Exactly one of `bad` (the failed ones) and `good` (bad = events - good) is given.
    `scraped` selects series that exist wherever one of the targets was scraped, `up{job="shop"}` say: a counter that
    appears on a target that was scraped before began at 0. Empty: the events' own series tell it.
    `marks` are given where each of `bad` is the one selector of `events` with a condition more: these conditions, each
    of which has a `pattern`. The bad ones are found among the events by them.
    """

    events: tuple[str, ...]
    bad: tuple[str, ...] = ()
    good: tuple[str, ...] = ()
    scraped: str = ""
    marks: tuple[Matcher, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Composite:
    """The events of several indicators, added up: an event that two of them count counts twice."""

    parts: tuple[Indicator, ...]

    @property
    def scraped(self) -> str:
        """Of all parts together; empty where it is of one of them."""
        every = dict.fromkeys(part.scraped for part in self.parts)
        return "" if "" in every else " or ".join(every) if len(every) == 1 else f"({' or '.join(every)})"

    @property
    def events(self) -> tuple[str, ...]:
        return tuple(selector for part in self.parts for selector in part.events)

    @property
    def good(self) -> tuple[str, ...]:
        return tuple(selector for part in self.parts for selector in part.good)


@dataclasses.dataclass(frozen=True, slots=True)
class Sliced:
    """Slices of time, `length` each, as events. Of counters a slice is bad where more than the share `most` of its
    events is; of a gauge where it did not hold all along. `scraped` is as above."""

    length: Millis
    of: Indicator | Condition | Fresh
    most: Decimal = Decimal(0)
    scraped: str = ""

    @property
    def events(self) -> tuple[str, ...]:
        """The selectors without which no slice is known."""
        if isinstance(self.of, Indicator):
            return self.of.events
        return (promql.selector(self.of.gauge.metric, self.of.gauge.matchers),)

    @property
    def good(self) -> tuple[str, ...]:
        return self.of.good if isinstance(self.of, Indicator) else ()

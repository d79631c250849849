"""An objective's counts from the raw series alone, for a history in which nobody recorded them.

The same events as in its rows, of any span of time: differences that telescope from one moment to the next. What was
counted while targets were not scraped for over five minutes is left out, which the rows would hold.
"""

from __future__ import annotations

from collections.abc import Sequence

from alertd.model import MINUTE, Millis
from alertd.rulegen import differences, slices
from alertd.rulegen.indicator import Indicator, Sliced
from alertd.rulegen.rows import Tracked


def finest(tracked: Tracked) -> Millis:
    """The shortest span that holds whole events."""
    return tracked.indicator.length if isinstance(tracked.indicator, Sliced) else MINUTE


def events(tracked: Tracked, span: Millis) -> str:
    """PromQL: the events of the last `span` by the labels `by`, evaluated at its whole multiples."""
    indicator = tracked.indicator
    if isinstance(indicator, Sliced):
        return slices.ended(indicator, False, tracked.by, span)
    return _rise(indicator, indicator.events, tracked.by, span)


def bad(tracked: Tracked, span: Millis) -> str:
    """PromQL: how many of them were bad. No sample may mean none."""
    indicator = tracked.indicator
    if isinstance(indicator, Sliced):
        return slices.ended(indicator, True, tracked.by, span)
    if indicator.bad:
        return _rise(indicator, indicator.bad, tracked.by, span)
    every, on = events(tracked, span), f"on ({', '.join(tracked.by)})"
    return f"clamp_min({every} - {on} ({_rise(indicator, indicator.good, tracked.by, span)} or {on} 0 * {every}), 0)"


def _rise(indicator: Indicator, selectors: Sequence[str], by: Sequence[str], span: Millis) -> str:
    scraped = indicator.scraped or indicator.events[0]
    return differences.total({selector: " or ".join(slices.rises(selector, scraped, span, False))
                              for selector in selectors}, by)

"""An objective's counts from the raw series alone, for a history in which nobody recorded them.

The same events as in its rows, of any span of time: differences that telescope from one moment to the next. What was
counted while targets were not scraped for over five minutes is left out, which the rows would hold.
"""

from __future__ import annotations

from collections.abc import Sequence

from alertd.model import MINUTE, Millis
from alertd.rulegen import differences, slices
from alertd.rulegen.indicator import Composite, Indicator, Sliced
from alertd.rulegen.rows import Tracked


def finest(tracked: Tracked) -> Millis:
    """The shortest span that holds whole events."""
    return tracked.indicator.length if isinstance(tracked.indicator, Sliced) else MINUTE


def events(tracked: Tracked, span: Millis) -> str:
    """PromQL: the events of the last `span` by the labels `by`, evaluated at its whole multiples."""
    indicator = tracked.indicator
    if isinstance(indicator, Sliced):
        return slices.ended(indicator, False, tracked.by, span)
    return _sum([_rise(each, each.events, tracked.by, span) for each in _parts(indicator)], tracked.by)


def bad(tracked: Tracked, span: Millis) -> str:
    """PromQL: how many of them were bad. No sample may mean none."""
    indicator = tracked.indicator
    if isinstance(indicator, Sliced):
        return slices.ended(indicator, True, tracked.by, span)
    return _sum([_bad(each, tracked.by, span) for each in _parts(indicator)], tracked.by)


def _parts(indicator: Indicator | Composite) -> tuple[Indicator, ...]:
    return indicator.parts if isinstance(indicator, Composite) else (indicator,)


def _sum(counts: Sequence[str], by: Sequence[str]) -> str:
    if len(counts) == 1:
        return counts[0]
    return differences.added([differences.part(each, str(at)) for at, each in enumerate(counts)], by)


def _bad(indicator: Indicator, by: Sequence[str], span: Millis) -> str:
    if indicator.bad:
        return _rise(indicator, indicator.bad, by, span)
    every, on = _rise(indicator, indicator.events, by, span), f"on ({', '.join(by)})"
    return f"clamp_min({every} - {on} ({_rise(indicator, indicator.good, by, span)} or {on} 0 * {every}), 0)"


def _rise(indicator: Indicator, selectors: Sequence[str], by: Sequence[str], span: Millis) -> str:
    scraped = indicator.scraped or indicator.events[0]
    return differences.total({selector: " or ".join(slices.rises(selector, scraped, span, False))
                              for selector in selectors}, by)

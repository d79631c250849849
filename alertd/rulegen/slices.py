"""Slices of time as events, in PromQL: how many are known, and how many of them were bad.

A slice is the time from one mark of the clock to the next, its end included. One that nothing is known of (no sample
of the gauge, no events) is no event, neither good nor bad: it leaves the budget as it is. Slices of a slot are counted
from the raw series when the slot's row is made, and the newest ones with every evaluation, so that none is counted
twice and none is missing between the two.

A scrape that failed leaves a slice with fewer samples, judged by those it has. A slice as short as the scrape interval
has one; a shorter one would often have none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from alertd.model import MINUTE, SECOND, Millis
from alertd.rulegen import differences, promql
from alertd.rulegen.declared import Condition, Fresh, Holds
from alertd.rulegen.differences import DELAY, SETTLED, SLOT
from alertd.rulegen.indicator import Indicator, Sliced

LENGTHS: tuple[Millis, ...] = (MINUTE, SLOT)  # a row has to hold whole ones
# Fewer bad slices are chance: a deployment, one odd sample. Three minutes, or two slices of five.
LEAST: Mapping[Millis, int] = {MINUTE: 3, SLOT: 2}

# What a slice is bad for; several parts are alternatives. The worst sample of the slice decides.
_BROKEN: Mapping[Holds, tuple[tuple[str, str], ...]] = {
    Holds.LESS: (("max", ">="),), Holds.AT_MOST: (("max", ">"),), Holds.MORE: (("min", "<="),),
    Holds.AT_LEAST: (("min", "<"),), Holds.EQUAL: (("max", ">"), ("min", "<"))}


def closed(sliced: Sliced, bad: bool, by: Sequence[str], left_open: bool) -> str:
    """How many known (or `bad`) slices ended in the slot that ended DELAY before this moment, a mark. No sample where
    there are none."""
    return _count(sliced, bad, by, left_open, SLOT if sliced.length == MINUTE else MINUTE, DELAY)


def opened(sliced: Sliced, bad: bool, by: Sequence[str], left_open: bool) -> str:
    """How many ended since the slots whose rows have settled: the slot of the last mark that has settled, and what
    ended after it. How many that are depends on the time since that mark, which is half a minute to five and a half;
    each is asked for apart, since a range cannot grow with the clock."""
    mark = differences.since(SLOT, left_open)
    parts = [differences.part(f"last_over_time(({closed(sliced, bad, by, left_open)}){mark} "
                              f"offset {promql.duration(SETTLED)})", "settled")]
    for ago in range(SLOT // MINUTE + 1) if sliced.length == MINUTE else (1,):
        least = (ago if sliced.length == MINUTE else SLOT // MINUTE) * MINUTE - SETTLED
        one = _count(sliced, bad, by, left_open, MINUTE, ago * MINUTE)
        since = f"vector((time() - {SETTLED // SECOND}) % {SLOT // SECOND}) >= {least // SECOND}"
        parts.append(differences.part(f"({one} and on () {since})" if least > 0 else one, str(ago)))
    return differences.added(parts, by)


def ended(sliced: Sliced, bad: bool, by: Sequence[str], span: Millis) -> str:
    """How many known (or `bad`) slices ended within `span` of this moment, a mark; those of a slot as in its row."""
    if sliced.length == MINUTE:
        return _count(sliced, bad, by, False, span, 0)
    return closed(sliced, bad, by, False)


def _count(sliced: Sliced, bad: bool, by: Sequence[str], left_open: bool, span: Millis, ago: Millis) -> str:
    """Of the slices that ended at the marks of the minute within `span`, up to `ago`."""
    verdict = _bad(sliced, by, left_open) if bad else _known(sliced, by, left_open)
    offset = f" offset {promql.duration(ago)}" if ago else ""
    group = f"group by ({', '.join(by)}) ({verdict})"
    return f"count_over_time(({group}){differences.since(MINUTE, left_open, span)}{offset})"


def _known(sliced: Sliced, by: Sequence[str], left_open: bool) -> str:
    if isinstance(sliced.of, Indicator):
        return f"{_events(sliced, sliced.of, sliced.of.events, by, left_open)} > 0"
    return f"{_over('max', sliced, left_open)} <= Inf"  # a gauge may show NaN, which says nothing


def _bad(sliced: Sliced, by: Sequence[str], left_open: bool) -> str:
    of = sliced.of
    if isinstance(of, Condition):
        return " or ".join(f"{_over(worst, sliced, left_open)} {compared} {promql.number(of.bound)}"
                           for worst, compared in _BROKEN[of.holds])
    if isinstance(of, Fresh):
        return f"time() - {_over('max', sliced, left_open)} > {promql.seconds(of.within)}"
    on, events = f"on ({', '.join(by)})", _events(sliced, of, of.events, by, left_open)
    bad, every = sliced.most.as_integer_ratio()  # in whole numbers: 29 of 100 is not over 29 %
    if of.bad:
        return f"{_events(sliced, of, of.bad, by, left_open)} * {every} > {on} {events} * {bad}"
    good = f"{_events(sliced, of, of.good, by, left_open)} * {every}"
    return f"{events} * {every - bad} > {on} ({good} or {on} 0 * {events})"


def _over(worst: str, sliced: Sliced, left_open: bool) -> str:
    return f"{worst}_over_time({sliced.events[0]}{_range(sliced.length, left_open)})"


def _range(length: Millis, left_open: bool) -> str:
    """The samples of a slice: Prometheus 2 counts the left edge of a range in, 3 does not."""
    return f"[{promql.duration(length if left_open else length - 1)}]"


def _events(sliced: Sliced, of: Indicator, selectors: Sequence[str], by: Sequence[str], left_open: bool) -> str:
    """How far these counters rose in the slice, together."""
    scraped = of.scraped or of.events[0]
    return differences.total({selector: " or ".join(rises(selector, scraped, sliced.length, left_open))
                              for selector in selectors}, by)


def rises(selector: str, scraped: str, length: Millis, left_open: bool) -> Iterator[str]:
    """Per series: the counter less what it last was before the slice; after a reset, or born on a target that was
    scraped before, all of it; on a target that joined, less the first seen of it."""
    ago = promql.duration(length)
    now = f"last_over_time({selector}{_range(length, left_open)})"
    then = f"last_over_time({selector}[{promql.duration(SLOT)}] offset {ago})"
    yield f"{now} - {then} >= 0"
    yield f"({now} and {then})"
    yield f"{now} and on (job, instance) ({scraped} offset {ago}{differences.up(scraped)})"
    yield f"{now} - min_over_time({selector}{_range(length, left_open)})"

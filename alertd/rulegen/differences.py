"""How far counters rose, in whole events: the counter now minus the counter then, with rules for when that is wrong.

`increase()` is an estimate: it stretches what it saw to the edges of its range, loses the step between two windows,
and sees nothing of a series' first value (https://github.com/prometheus/prometheus/issues/3886). Differences between
moments that every evaluation agrees on telescope: what one leaves out the next one counts, so that their sum over a
month is the month.

The moments are the five-minute marks of the clock, less DELAY. A subquery `[…:5m]` is evaluated at those marks,
whenever the rule itself runs (https://prometheus.io/docs/prometheus/latest/querying/basics/#subquery).
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence

from alertd.model import HOUR, MINUTE, SECOND, Millis
from alertd.rulegen import promql

SLOT: Millis = 5 * MINUTE
# A sample is stored a moment after the time it carries. Read too early, the newest one would be missed by the row
# that ends there, and by the next, which begins there.
DELAY: Millis = 1 * MINUTE
SETTLED: Millis = 30 * SECOND  # likewise for records: a mark's are all there this long after it
GAP: Millis = 8 * HOUR  # a target that was away for longer begins anew

OPEN: Millis = SLOT + DELAY + SLOT + SETTLED  # how far back an open count reaches at most


def since(tick: Millis, left_open: bool, span: Millis | None = None) -> str:
    """The brackets of a subquery over the marks of the last `span` (a multiple of `tick`), exactly span / tick of
    them: Prometheus 2 counts the left edge of a range in, 3 (`left_open`) does not."""
    whole = tick if span is None else span
    return f"[{promql.duration(whole if left_open else whole - 1)}:{promql.duration(tick)}]"


def of_mark(record: str) -> str:
    """Evaluated at a mark: the record of this mark, written at it or after it and before the next."""
    return f"{record} offset -{promql.duration(SLOT - 1)}"


def closed(series: str, scraped: str, row: str, by: Sequence[str], interval: Millis) -> str:
    """Per series of the selector `series`: what the slot that ended DELAY before this moment adds, if this moment is
    a mark. `row` selects the record made of this.

    The counter less what it was at the last mark that has a row: what a missed evaluation or a gap in the scrapes
    left out is in the row after it. Where there is no row yet, less what it was a slot ago. A series that ended is
    counted up to its last sample.
    A series that was not there a slot ago, though its target was scraped: it was born at 0, all of it is new.
    A reset in the slot: what increase() makes of the samples. A target that joined: less the first seen of it.
    """
    now, before = promql.duration(DELAY), promql.duration(SLOT + DELAY)
    reach = promql.duration(SLOT + interval)  # a sample more than the slot: increase() sees the step into it
    slot, gap = promql.duration(SLOT), promql.duration(GAP)
    counter = f"last_over_time({series}[{slot}] offset {now})"
    earlier = f"last_over_time({series}[{slot}] offset {before})"
    return textwrap.dedent(f"""\
        {counter} - (
          last_over_time(({counter} and on ({", ".join(by)}) {of_mark(row)})[{gap}:{slot}] offset {slot})
          or
          {earlier}
        ) >= 0 unless resets({series}[{reach}] offset {now}) > 0
        or
        ({counter} unless {earlier}) and on (job, instance) ({scraped} offset {before}{up(scraped)})
        or
        increase({series}[{reach}] offset {now}) * {SLOT // SECOND} / {(SLOT + interval) // SECOND} and {earlier}
        or
        {counter} - min_over_time({series}[{slot}] offset {now})""")


def raw(series: str, scraped: str) -> str:
    """What `closed` gives where no row was ever recorded, of history that is read once: the counter less what it last
    was, up to GAP before. Series that are back after a gap bring what the gap held in one piece."""
    now, before, reach = promql.duration(DELAY), promql.duration(SLOT + DELAY), promql.duration(2 * SLOT)
    counter = f"last_over_time({series}[{promql.duration(SLOT)}] offset {now})"
    earlier = f"last_over_time({series}[{promql.duration(GAP)}] offset {before})"
    return textwrap.dedent(f"""\
        {counter} - {earlier} >= 0 unless resets({series}[{reach}] offset {now}) > 0
        or
        ({counter} unless {earlier}) and on (job, instance) ({scraped} offset {before}{up(scraped)})
        or
        increase({series}[{reach}] offset {now}) / 2 and {earlier}
        or
        {counter} - min_over_time({series}[{promql.duration(SLOT)}] offset {now})""")


def opened(series: str, scraped: str, left_open: bool) -> str:
    """Per series: how far it rose since the end of the slots whose rows have settled, 6.5 to 11.5 minutes ago.

    The counter less what it was then. After a reset: what rate() makes of as long a time, since what the counter
    showed before it may be of any age. Born since on a target that was scraped: all of it. On a target that joined
    since: less the first that was seen of it. A series that ended counts up to its last sample.
    """
    before, settled, slot = (promql.duration(time) for time in (SLOT + DELAY, SETTLED, SLOT))
    brackets = since(SLOT, left_open)
    counter = f"last_over_time({series}[{promql.duration(OPEN)}])"
    then = f"last_over_time(last_over_time({series}[{slot}] offset {before}){brackets} offset {settled})"
    target = f"last_over_time(({scraped} offset {before}{up(scraped)}){brackets} offset {settled})"
    least = (SLOT + DELAY + SETTLED) // SECOND
    seconds = f"((time() - {SETTLED // SECOND}) % {SLOT // SECOND} + {least})"
    first = f"min_over_time({series}[{promql.duration(OPEN)}])"
    return textwrap.dedent(f"""\
        {counter} - ({then} or 0 * {counter} and on (job, instance) {target} or {first}) >= 0
        or
        rate({series}[{promql.duration(OPEN)}]) * {seconds}""")


def up(selector: str) -> str:
    """`up` is there, as 0, for a target that could not be scraped."""
    return " == 1" if selector.split("{", 1)[0].strip() == "up" else ""


def total(counts: Mapping[str, str], by: Sequence[str]) -> str:
    """The sum by the labels `by` of per-series counts, which are given by their selectors. A series that two selectors
    of one metric hold is counted once; two metrics are kept apart, though their labels may be the same."""
    metrics: dict[str, list[str]] = {}
    for selector, count in counts.items():
        metrics.setdefault(selector.split("{", 1)[0].strip(), []).append(count)
    sums = [added(its, by) for its in metrics.values()]
    return sums[0] if len(sums) == 1 else added([part(one, str(number)) for number, one in enumerate(sums)], by)


def added(parts: Iterable[str], by: Iterable[str]) -> str:
    """The sum by the labels `by` of the series of all parts; of two that have the same labels, the first counts."""
    body = textwrap.indent("\nor\n".join(parts), "  ")
    return f"sum by ({', '.join(by)}) (\n{body}\n)"


def part(expression: str, name: str) -> str:
    """Marked by a label, so that `or` keeps it beside others that have the same labels."""
    return f'label_replace({expression}, "part", "{name}", "", "")'


"""An objective's counts as recording rules: exact rows, the sums over them, and what came since.

Every window is the same sum, right to the second whatever the window:

    count(window) = closed slots of the window + open - open a window ago

* A **row** (`slo:events:increase5m`, `slo:bad:increase5m`) is the count of one slot of five minutes by the clock, which
  ended a minute to six minutes ago. Rows are differences that telescope, see `differences`.
* **Closed**: sums over rows. The last 12 are the hour (`…:increase1h`). The objective's window is its full hours,
  summed twice an hour (`…:hours30d`), plus the rows since the last full hour, less those that had come since then
  a window ago. That is 720 points in place of 8,640 with every row, and promtool's limit of 10,000 samples holds for
  366 days too.
* **Open** (`slo:events:open`, `slo:bad:open`): events since the slots that certainly have rows, read from the raw
  counters with every evaluation. Both ends of a window move with it: an outage is in the budget with the next scrape,
  and out of it to the minute a window later. Where a label tells failures apart (`code`), the bad ones are those of the
  events that are labelled `slo_bad`: raw counters are not read a second time, and a thousand codes are two series.

Nothing depends on the turn a group has within its interval, or on how often it has one: rows are read at the marks of
the clock, so that each counts once. A row that an evaluation missed is in the next one; where the last row of an hour
is missing, the hour is a slot or two older than it should be. A first row begins where the rules begin: history before
it is not counted, and the coverage (`slo:coverage:ratio`, full hours with rows) says so.

Bad has a sample exactly where events have one: no traffic is 0 of 0 and gives no ratio, never NaN.

Why not cheaper: one cumulative count, a window being its value now less its value then, reads two samples, but every
break in the chain of its own past stays wrong for a whole window, and a backfill does not join it. Here such a chain
(`slo:events:total`) is trusted for two hours only. Why not simpler: summing 8,640 rows each time is most of the
cost and does not fit into a promtool test; the last five minutes' rate in place of the open count sees a total
outage's first minute as twelve seconds.
"""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from alertd.matchers import Matcher
from alertd.model import DAY, HOUR, MINUTE, SECOND, Millis
from alertd.rulegen import differences, promql, slices
from alertd.rulegen.differences import GAP, OPEN, SETTLED, SLOT
from alertd.rulegen.indicator import Composite, Indicator, Sliced, pattern
from alertd.rulegen.rules import Group, RecordingRule
from alertd.rulegen.threshold import LEAST_EVENTS

LABELS = ("service", "slo", "part", "slo_bad")  # of records, beside those that an objective holds for apart
# The label `part` of open counts: of now, of now with the bad ones among them, of a window ago, which are taken off.
_NOW, _AMONG, _AGO = "open", "among", "ago"
REMAINING = "slo:error_budget_remaining:ratio"
COVERAGE = "slo:coverage:ratio"
# The sum over the hours is the same within an hour; it is made more than once in case an evaluation is missed.
HOURS: Millis = 30 * MINUTE
PIECE: Millis = 183 * DAY  # of a window, see _over_hours
_CHAIN = "2h"  # the mark that the total is compared with may be as old
_WITHIN = "[30m:5m]"  # how old a record may be that stands in for a missed evaluation
_EVENTS, _BAD = "events", "bad"


@dataclasses.dataclass(frozen=True, slots=True)
class Tracked:
    """One objective: whose it is, the ratio of good events it asks for over `window` (whole hours), and where they
    are counted, apart for each value of the labels `by`."""

    service: str
    slo: str
    target: Decimal
    window: Millis
    indicator: Indicator | Sliced | Composite
    by: tuple[str, ...] = ()

    @property
    def least(self) -> int:
        """Fewer bad events are chance."""
        return slices.LEAST[self.indicator.length] if isinstance(self.indicator, Sliced) else LEAST_EVENTS

    @property
    def marks(self) -> tuple[Matcher, ...]:
        """What tells the bad ones among the events, if anything does."""
        return self.indicator.marks if isinstance(self.indicator, Indicator) else ()

    @property
    def live(self) -> str:
        """The label `part` of its open counts of now."""
        return _AMONG if self.marks else _NOW

    @property
    def keys(self) -> tuple[str, ...]:
        """The labels of every record."""
        return ("service", "slo", *self.by)

    @property
    def on(self) -> str:
        """PromQL: how records of the objective find each other. Its service and slo are in their selectors."""
        return f"on ({', '.join(self.by)})"


def groups(tracked: Tracked, interval: Millis = 30 * SECOND, version: tuple[int, int] = (2, 42)) -> tuple[Group, ...]:
    """The rows every five minutes, and the budget every `interval` (the scrape interval, a minute at most), for a
    Prometheus of this version."""
    if tracked.window <= HOUR or tracked.window % HOUR:
        raise ValueError(f"a window of whole hours is needed, two or more, not {tracked.window} ms")
    name = f"{tracked.service} {tracked.slo}"
    writer = _Writer(tracked, interval, version >= (3, 0))
    return (Group(f"{name} hours", tuple(writer.hours()), HOURS), Group(f"{name} rows", tuple(writer.slow()), SLOT),
            Group(f"{name} budget", tuple(writer.fast()), interval))


def backfill(tracked: Tracked, interval: Millis = 30 * SECOND, version: tuple[int, int] = (2, 42)) -> Group:
    """The rows, the sums of an hour and what came since the full hours, each by an expression over raw series alone:
    promtool makes records of a past in which no record was. What targets counted while they were not scraped for over
    five minutes is left out."""
    rules = _Writer(tracked, interval, version >= (3, 0)).past()
    return Group(f"{tracked.service} {tracked.slo} past", tuple(rules), SLOT)


def ratio(tracked: Tracked, window: Millis, least: int = 0, settled: bool = False) -> str:
    """PromQL: the share of bad events over `window`. No sample without events, nor with fewer than `least` bad ones;
    never NaN. A `settled` window ends with the newest row: not read up to now, it is cheaper by two thirds."""
    bad, events = (_count(tracked, what, window, settled) for what in (_BAD, _EVENTS))
    if least:
        bad = f"({bad} >= {least})"
    return f"{bad}\n/ {tracked.on}\n({events} > 0)"


def bad_count(tracked: Tracked, window: Millis, settled: bool = False) -> str:
    """PromQL: how many bad events there were in `window`; `settled` as for `ratio`."""
    return _count(tracked, _BAD, window, settled)


def event_count(tracked: Tracked, window: Millis, settled: bool = False) -> str:
    """PromQL: how many events there were in `window`; `settled` as for `ratio`."""
    return _count(tracked, _EVENTS, window, settled)


def remaining(tracked: Tracked) -> str:
    """The record of the error budget left: 1 untouched, 0 spent, negative overspent."""
    return _of(tracked, REMAINING)


def coverage(tracked: Tracked) -> str:
    """The record of how much of the window has rows, 0 to 1."""
    return _of(tracked, COVERAGE)


def _of(tracked: Tracked, record: str, **more: str) -> str:
    labels = {"service": tracked.service, "slo": tracked.slo, **more}
    return promql.selector(record, (), *(f"{label}={promql.quoted(value)}" for label, value in labels.items()))


def opened(tracked: Tracked, what: str, **part: str) -> str:
    """The record of its open counts, of one `part` or of all; of bad ones that are marked there may be none."""
    if what == _BAD and tracked.marks:
        return _of(tracked, "slo:events:open", **part, slo_bad="true")
    return _of(tracked, f"slo:{what}:open", **part)


def _count(tracked: Tracked, what: str, window: Millis, settled: bool) -> str:
    return (_settled if settled else _live)(tracked, what, window)


def _settled(tracked: Tracked, what: str, window: Millis) -> str:
    """The count over `window` up to the newest row."""
    if window == tracked.window:
        return _of(tracked, f"slo:{what}:closed{promql.duration(window)}")
    row = differences.of_mark(_of(tracked, f"slo:{what}:increase5m"))
    return f"sum_over_time(({row}){differences.since(SLOT, False, window)})"


def _live(tracked: Tracked, what: str, window: Millis) -> str:
    """The count over `window` up to now."""
    if window == tracked.window:
        return _of(tracked, f"slo:{what}:increase{promql.duration(window)}")
    return _sliding(tracked, what, window, _closed(tracked, what, window))


def _sliding(tracked: Tracked, what: str, window: Millis, closed: str) -> str:
    live = opened(tracked, what, part=tracked.live)
    # without one of their labels, so that `or` keeps them beside those of now and those of the closed slots
    ago = f"sum without (service) (-{live} offset {promql.duration(window)})"
    return differences.added((closed, live, ago), tracked.by)


def _closed(tracked: Tracked, what: str, window: Millis) -> str:
    """The closed slots of the window that ends with the last one whose row has settled."""
    record = {SLOT: "increase5m", HOUR: "increase1h"}
    if isinstance(tracked.indicator, Sliced):  # where nothing is known, no older row stands in for it
        del record[SLOT]
    if window in record:
        return _settled_then(_of(tracked, f"slo:{what}:{record[window]}"))
    brackets, settled = differences.since(SLOT, False, window), promql.duration(SETTLED)
    return f"sum_over_time(({_of(tracked, f'slo:{what}:increase5m')} offset 1ms){brackets} offset {settled})"


def _settled_then(record: str) -> str:
    """What `record` was at the last mark whose records have settled, or at the last one before that had any."""
    return f"last_over_time(({record} offset 1ms){_WITHIN} offset {promql.duration(SETTLED)})"


@dataclasses.dataclass(frozen=True, slots=True)
class _Writer:
    """The records of one objective."""

    tracked: Tracked
    interval: Millis
    left_open: bool

    def hours(self) -> list[RecordingRule]:
        """Over the full hours of the window: how many events and bad ones, and how many hours have rows."""
        count = self._over_hours("count_over_time", _EVENTS)
        return [*(self._record(f"slo:{what}:{self._hours}", self._over_hours("sum_over_time", what))
                  for what in (_EVENTS, _BAD)),
                self._record(f"slo:coverage:{self._hours}", f"{count}\n/ {self.tracked.window // HOUR}")]

    def _over_hours(self, function: str, what: str) -> str:
        """The hours of the window, half a year in one piece: promtool holds a point of a subquery twice, and gives up
        at 10,000 (https://github.com/prometheus/prometheus/issues/17237)."""
        # the sum at the last row before the mark; where evaluations were missed, one a little older is better than none
        hour, pieces = f"last_over_time({self._of(f'slo:{what}:increase1h')}[15m] offset 1ms)", []
        for ago in range(0, self.tracked.window, PIECE):
            span = differences.since(HOUR, self.left_open, min(PIECE, self.tracked.window - ago))
            pieces.append(f"{function}({hour}{span}{f' offset {promql.duration(ago)}' if ago else ''})")
        parts = (differences.part(piece, str(number)) for number, piece in enumerate(pieces))
        return pieces[0] if len(pieces) == 1 else differences.added(parts, self.tracked.by)

    @property
    def _hours(self) -> str:
        return f"hours{promql.duration(self.tracked.window)}"

    def slow(self) -> list[RecordingRule]:
        rules = [self._row(_EVENTS), self._row(_BAD)]
        for what in (_EVENTS, _BAD):
            rules += [self._hour(what), self._total(what), self._since_hour(what), self._since_hour_ago(what),
                      self._closed_window(what)]
        return [*rules, self._coverage()]

    def fast(self) -> list[RecordingRule]:
        window, kinds = promql.duration(self.tracked.window), (_EVENTS,) if self.tracked.marks else (_EVENTS, _BAD)
        rules = [self._open(what) for what in kinds]
        # in rules of their own, for Prometheus opens every block between the oldest and the newest time of a query for
        # each of its selectors
        live = {what: opened(self.tracked, what, part=self.tracked.live) for what in kinds}
        rules += [self._record(f"slo:{what}:open", f"-{its} offset {window}", _AGO) for what, its in live.items()]
        for what in (_EVENTS, _BAD):
            parts = [_settled_then(self._of(f"slo:{what}:closed{window}")), opened(self.tracked, what)]
            if what not in kinds:  # none is a count of 0, before there is a row too
                parts.append(f"0 * {self._of(f'slo:events:increase{window}')}")
            rules.append(self._record(f"slo:{what}:increase{window}", differences.added(parts, self.tracked.by)))
        bad, events = (self._of(f"slo:{what}:increase{window}") for what in (_BAD, _EVENTS))
        budget = promql.number(1 - self.tracked.target)
        return [*rules, self._record(REMAINING, f"1 - {bad} / {self.tracked.on} ({events} > 0) / {budget}")]

    def past(self) -> Iterator[RecordingRule]:
        events = self._counted(_EVENTS)
        for what, expr in ((_EVENTS, events), (_BAD, self._beside(_BAD, self._counted(_BAD), f"(\n{events}\n)"))):
            yield self._record(f"slo:{what}:increase5m", expr)
            hour = differences.since(SLOT, self.left_open, HOUR)
            yield self._record(f"slo:{what}:increase1h", f"sum_over_time((\n{textwrap.indent(expr, '  ')}\n){hour})")
            yield self._record(f"slo:{what}:since_hour", self._past_since_hour(expr), "open")

    def _past_since_hour(self, row: str) -> str:
        """What `_since_hour` reads of the total, from the rows of two hours, each marked by the number of its hour:
        those of the hour under way and of the one before."""
        hours = differences.since(SLOT, self.left_open, 2 * HOUR)
        number = f"floor(vector(time() / {HOUR // SECOND}))"
        return textwrap.dedent(f"""\
            sum by ({", ".join(self.tracked.by)}) (
              sum_over_time((
                (\n{textwrap.indent(row, " " * 18)}
                ) * on () group_left (part) count_values("part", {number})
              ){hours})
              unless on (part)
              count_values("part", {number} - 2)
            )""")

    def _row(self, what: str) -> RecordingRule:
        return self._record(f"slo:{what}:increase5m",
                            self._beside(what, self._counted(what), self._of("slo:events:increase5m")))

    def _counted(self, what: str) -> str:
        """Those of the slot that ended DELAY before the last mark."""
        row = self._of(f"slo:{what}:increase5m")

        def count(selector: str, scraped: str) -> str:
            return differences.closed(selector, scraped, row, self.tracked.by, self.interval)

        if isinstance(indicator := self.tracked.indicator, Sliced):
            counts = slices.closed(indicator, what == _BAD, self.tracked.by, self.left_open)
        else:
            counts = counted(indicator, what, count, self.tracked.by)
        # everything as of the last mark, whenever in the five minutes the group has its turn
        return f"last_over_time((\n{textwrap.indent(counts, '  ')}\n){differences.since(SLOT, self.left_open)})"

    def _open(self, what: str) -> RecordingRule:
        def count(selector: str, scraped: str) -> str:
            counts = differences.opened(selector, scraped, self.left_open)
            for mark in self.tracked.marks:  # the bad ones are labelled
                same = ", ".join(map(promql.quoted, ("slo_bad", "true", mark.label, pattern(mark) or "")))
                counts = f"label_replace(\n{textwrap.indent(counts, '  ')},\n  {same})"
            return counts

        if isinstance(indicator := self.tracked.indicator, Sliced):
            counts = slices.opened(indicator, what == _BAD, self.tracked.by, self.left_open)
        else:
            counts = counted(indicator, what, count, (*self.tracked.by, *(["slo_bad"] if self.tracked.marks else [])))
        live = self.tracked.live
        beside = self._beside(what, counts, opened(self.tracked, _EVENTS, part=live))
        return self._record(f"slo:{what}:open", beside, live)

    def _beside(self, what: str, counts: str, events: str) -> str:
        """Bad events, 0 where there is no such series but events are counted; or events less the good ones."""
        if what == _EVENTS:
            return counts
        by = f"on ({', '.join(self.tracked.by)})"
        if not isinstance(self.tracked.indicator, Indicator) or self.tracked.indicator.bad:
            return f"{counts}\nor {by}\n0 * {events}"
        return _bad(events, counts, self.tracked.by)

    def _hour(self, what: str) -> RecordingRule:
        """The last twelve rows. Read at the marks, which is once each however often the group runs."""
        row = differences.of_mark(self._of(f"slo:{what}:increase5m"))
        hour = differences.since(SLOT, self.left_open, HOUR)
        return self._record(f"slo:{what}:increase1h", f"sum_over_time(({row}){hour})")

    def _total(self, what: str) -> RecordingRule:
        """All rows so far. After two hours without any it begins anew, which no window notices: see _since_hour."""
        record = f"slo:{what}:total"
        row, before = self._of(f"slo:{what}:increase5m"), self._of(record)
        return self._record(record, f"{row} + last_over_time(({before} offset 1ms)[{_CHAIN}:5m])\nor\n{row}")

    def _closed_window(self, what: str) -> RecordingRule:
        """The full hours up to the last hour mark but one, whose sum is certainly there, and the rows since then; less
        those that had come since then a window ago."""
        hours = self._of(f"slo:{what}:{self._hours}")
        # where none was written within the hour, the one before
        span = differences.since(HOUR, self.left_open, 3 * HOUR)
        window = promql.duration(self.tracked.window)
        since, ago = (self._of(f"slo:{what}:since_hour{when}") for when in ("", f"_{window}_ago"))
        return self._record(f"slo:{what}:closed{window}", differences.added((
            f"last_over_time(last_over_time({hours}[1h] offset 1ms){span})", f"last_over_time({since}[1h])", ago),
            self.tracked.by))

    def _since_hour_ago(self, what: str) -> RecordingRule:
        """In a rule of its own, for the same reason as the open counts of a window ago."""
        window = promql.duration(self.tracked.window)
        return self._record(f"slo:{what}:since_hour_{window}_ago",
                            f"-last_over_time({self._of(f'slo:{what}:since_hour')}[1h] offset {window})", "ago")

    def _since_hour(self, what: str) -> RecordingRule:
        """The rows since the last hour mark but one: the total less what it was there; all of it where it began since.
        """
        total, hour = self._of(f"slo:{what}:total"), differences.since(HOUR, self.left_open)
        mark = f"last_over_time(last_over_time({total}[{_CHAIN}] offset 1h1ms){hour})"
        return self._record(f"slo:{what}:since_hour",
                            f"last_over_time({total}[{_CHAIN}]) - {mark} >= 0\nor\nlast_over_time({total}[{_CHAIN}])",
                            "open")

    def _coverage(self) -> RecordingRule:
        return self._record(COVERAGE, f"last_over_time({self._of(f'slo:coverage:{self._hours}')}[1h])")

    def _of(self, record: str) -> str:
        return _of(self.tracked, record)

    def _record(self, record: str, expr: str, part: str = "") -> RecordingRule:
        """`part` is a label more, by which an addend of a count differs from the others."""
        labels = {"service": self.tracked.service, "slo": self.tracked.slo}
        return RecordingRule(record, expr, {**labels, "part": part} if part else labels)


def counted(indicator: Indicator | Composite, what: str, count: Callable[[str, str], str], by: Sequence[str]) -> str:
    """The sum of what `count` makes of each selector and its targets; of `bad` events the good ones where those are
    counted, but within a composite the bad ones."""
    if isinstance(indicator, Composite):
        parts = [_bad(counted(each, _EVENTS, count, by), counted(each, what, count, by), by)
                 if what == _BAD and each.good else counted(each, what, count, by) for each in indicator.parts]
        return differences.added([differences.part(each, str(at)) for at, each in enumerate(parts)], by)
    selectors = indicator.events if what == _EVENTS else indicator.bad or indicator.good
    scraped = indicator.scraped or indicator.events[0]
    return differences.total({selector: count(selector, scraped) for selector in selectors}, by)


def _bad(events: str, good: str, by: Sequence[str]) -> str:
    """All events but the good ones."""
    on = f"on ({', '.join(by)})"
    return f"clamp_min(\n{events} - {on}\n(\n{textwrap.indent(good, '  ')}\n  or {on}\n  0 * {events}\n), 0)"


def samples_per_second(tracked: Tracked, events: int, bad: int, interval: Millis = 30 * SECOND) -> Decimal:
    """What Prometheus reads for the records of one objective, by the arithmetic of the design, given the raw series of
    its events and of its bad (or good) events, scraped every `interval`. A point that a subquery makes counts beside
    the samples it is made of."""
    in_slot, in_open = Decimal(SLOT) / interval, Decimal(OPEN) / interval
    slots = 2 * (HOUR // SLOT)
    totals, live = 7 * (2 * HOUR // SLOT), 42
    apart = not tracked.marks  # bad ones are read once more
    # a row reads every slot of the longest gap, and its own slot in a dozen ways
    rows = (events + bad) * (GAP // SLOT * (in_slot + 1) + 12 * in_slot) + 2 * slots + 2 * totals
    opens = (events + bad * apart) * (4 * in_open + in_slot + 2) + live
    hours = Decimal(3 * 4 * tracked.window // HOUR)  # three records, of three samples and a point an hour
    return rows / (SLOT // SECOND) + opens * SECOND / interval + hours / (HOURS // SECOND)

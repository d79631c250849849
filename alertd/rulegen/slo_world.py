"""What a service shows in the generated tests of its objectives, and what its alerts must then say.

The expectation is the definition itself, told by counting in plain Python: events now less events a window ago. It
shares nothing with the rules but the limits and the words.
"""

from __future__ import annotations

import bisect
import dataclasses
import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from alertd.matchers import Matcher
from alertd.model import HOUR, MINUTE, Labels, Millis
from alertd.rulegen import burn, example, promql, rows, slice_world, tiers
from alertd.rulegen.declared import Counted, Counter, Service
from alertd.rulegen.differences import DELAY
from alertd.rulegen.indicator import Sliced
from alertd.rulegen.objectives import Watch
from alertd.rulegen.rules import AlertRule
from alertd.rulegen.scenarios import Sample
from alertd.rulegen.slice_world import Tally, Values
from alertd.rulegen.tiers import Burn

STEP = 5  # minutes between evaluations: every window of a tier is a whole number of them

Phases = Sequence[tuple[int, int]]  # minutes, and by how much the counter grows in each
Figures = tuple[str, str, str, int]  # share of bad events, budget spent and left, in words; full hours known
_Lines = tuple[list["Line | Values"], list["Line | Values"]]  # events, and marked ones
Key = tuple[str, ...]  # values of the labels an objective holds for apart


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """A counter that begins with 0 at minute 0 and grows as its phases say, then rests."""

    ends: tuple[int, ...]
    values: tuple[int, ...]  # at the ends, one for minute 0 before them

    @classmethod
    def of(cls, phases: Phases) -> Line:
        return cls(tuple(itertools.accumulate(minutes for minutes, _ in phases)),
                   (0, *itertools.accumulate(minutes * rate for minutes, rate in phases)))

    def at(self, minute: int) -> int:
        """Its value; 0 before minute 0."""
        if minute <= 0:
            return 0
        phase = bisect.bisect_left(self.ends, minute)
        if phase == len(self.ends):
            return self.values[-1]
        begin = self.ends[phase - 1] if phase else 0
        rate = (self.values[phase + 1] - self.values[phase]) // (self.ends[phase] - begin)
        return self.values[phase] + rate * (minute - begin)

    def notation(self) -> str:
        """In promtool's words, see scenarios.notation."""
        words = []
        begin = -1  # the value of minute 0 stands with those of the first phase
        for end, before, value in zip(self.ends, self.values, self.values[1:], strict=False):
            rate = (value - before) // (end - max(begin, 0))
            first, more = before + (rate if begin >= 0 else 0), end - begin - 1
            words.append(f"{first}{f'+{rate}' if rate else ''}x{more}" if more else str(first))
            begin = end
        return " ".join(words)


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """One input series."""

    metric: str
    labels: Labels
    line: Line | Values


def shown(watch: Watch, bad: Phases, good: Phases, which: int = 0, **group: str) -> Iterator[Shown]:
    """The series on which these bad and good events are counted for `watch`. `which` is the way (of several) a bad
    event is marked; `group` are labels that all of them have. Where slices are counted, the phases are of slices: of
    1, 0 or no bad one a minute."""
    sliced = watch.tracked.indicator
    if isinstance(sliced, Sliced):
        counted = watch.counted
        if watch.objective.gauge:
            gauge, values = counted.events[0], slice_world.gauge(watch.objective.gauge, bad, good)
            yield Shown(gauge.metric, {**example.labels(gauge.matchers), **group}, values)
            return
        bad, good = slice_world.events(sliced, bad, good)
    every_way = ways(watch)
    part, mark = every_way[which % len(every_way)]
    if len(watch.parts) == 1:
        yield from _counted(watch.counted, watch.targets[0], mark, bad, good, group)
        return
    # the bad events are of one part and the good ones of another: only together they are the share that is shown
    first = watch.parts.index(part)
    second = (first + 1) % len(watch.parts)
    other = watch.parts[second]
    yield from _counted(part, watch.targets[first], mark, bad, [(minutes, 0) for minutes, _ in bad], group)
    yield from _counted(other, watch.targets[second], (other.bad or other.good)[0],
                        [(minutes, 0) for minutes, _ in good], good, group)


def ways(watch: Watch) -> list[tuple[Counted, Counter]]:
    """Each way in which an event is marked as bad (or good): the part that counts it, and the counter."""
    return [(part, mark) for part in watch.parts for mark in part.bad or part.good]


def _counted(counted: Counted, target: Sequence[Matcher], mark: Counter, bad: Phases, good: Phases, group: Labels
             ) -> Iterator[Shown]:
    """The series are those of the service's target, where their own conditions do not name another."""
    every, marked = counted.events[0], counted.bad or counted.good
    its, rest = (bad, good) if counted.bad else (good, bad)

    def labels(*matchers: Matcher) -> Labels:
        named = {matcher.label for matcher in matchers}
        return {**example.labels((*matchers, *(each for each in target if each.label not in named))), **group}

    if mark.metric != every.metric:
        yield Shown(every.metric, labels(*every.matchers), Line.of(_sum(bad, good)))
        yield Shown(mark.metric, labels(*mark.matchers), Line.of(its))
        return
    yield Shown(every.metric, labels(*every.matchers, *_outside(every, marked)), Line.of(rest))
    yield Shown(mark.metric, labels(*every.matchers, *mark.matchers), Line.of(its))


def _sum(one: Phases, other: Phases) -> Phases:
    """Phases of the same minutes, added."""
    return [(minutes, rate + more) for (minutes, rate), (_, more) in zip(one, other, strict=True)]


def _outside(every: Counter, marked: Iterable[Counter]) -> Iterator[Matcher]:
    """Conditions that none of the `marked` counters' series meets."""
    against = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}
    for counter in marked:
        own = [matcher for matcher in counter.matchers if matcher not in every.matchers]
        if own:
            yield Matcher(own[0].label, against[own[0].op], own[0].value)


def targets(service: Service, watches: Iterable[Watch]) -> list[Labels]:
    """The labels of a target of the service, and of those of the other services that its objectives are made of."""
    every = [example.labels(service.selector),
             *(example.labels(target) for watch in watches if len(watch.parts) > 1 for target in watch.targets)]
    found = ({name: labels.get(name, "") for name in example.TARGET} for labels in every)
    return list({tuple(labels.items()): labels for labels in found}.values())


@dataclasses.dataclass(frozen=True, slots=True)
class Fired:
    """An alert as promtool expects it."""

    labels: Labels
    annotations: Labels


@dataclasses.dataclass(frozen=True, slots=True)
class Counts:
    """The events of a group and, of them, the `marked` ones, which are the bad ones or the good ones. Those of `others`
    are added."""

    events: tuple[Line | Tally, ...]
    marked: tuple[Line | Tally, ...]
    good: bool
    others: tuple[Counts, ...] = ()

    def within(self, minute: int, window: Millis) -> tuple[int, int]:
        """How many events, and bad events, there were in the `window` that ends with this minute."""
        events, marked = (sum(line.at(minute) - line.at(minute - window // MINUTE) for line in lines)
                          for lines in (self.events, self.marked))
        bad = events - marked if self.good else marked
        for other in self.others:
            more, of_them = other.within(minute, window)
            events, bad = events + more, bad + of_them
        return events, bad

    def share(self, minute: int, window: Millis) -> float:
        """Of bad events; 0 without any events."""
        events, bad = self.within(minute, window)
        return bad / events if events else 0.0


@functools.lru_cache(maxsize=4096)  # a thousand services have a handful of objectives between them
def told(fit: Burn, keep_firing: Millis, counts: Counts, least: int, end: int) -> Mapping[int, int]:
    """Every evaluation up to minute `end` at which the tier's alert fires, with the last at which its expression held:
    from `for` after the first on, and `keep_firing_for` beyond it."""
    found: dict[int, int] = {}
    since = gone = None
    fires, last, lasting = False, 0, fit.tier.lasting // MINUTE
    for minute in range(0, end + 1, STEP):
        if _holds(fit, counts, least, minute - _behind(fit)):
            since, gone, last = minute if since is None else since, None, minute
            fires = fires or minute - since >= lasting
        else:
            gone = minute if gone is None else gone
            fires = fires and minute - gone < keep_firing // MINUTE
            since = since if fires else None
        if fires:
            found[minute] = last
    return found


def _behind(fit: Burn) -> int:
    """How many minutes before an evaluation the windows end: a row is evaluated at its mark."""
    return DELAY // MINUTE if fit.tier.settled else 0


def _holds(fit: Burn, counts: Counts, least: int, minute: int) -> bool:
    limit = float(fit.limit)
    return (counts.share(minute, fit.tier.short) > limit and counts.share(minute, fit.tier.long) > limit
            and counts.within(minute, fit.tier.long)[1] >= least)


class Judge:
    """Says what the burn alerts of one objective do while a service shows its series."""

    def __init__(self, watch: Watch, rules: Sequence[AlertRule], series: Iterable[Shown]) -> None:
        self.watch = watch
        self.rules = [(fit, rule) for fit in tiers.fit(watch.tracked.target, watch.tracked.window).burns
                      for rule in rules if rule.labels["tier"] == fit.tier.name]
        self.groups = {key: _counts(watch, parts) for key, parts in _grouped(watch, series).items()}

    def firing(self, minutes: Sequence[int]) -> Mapping[int, tuple[Fired, ...]]:
        """The burn alerts that fire at each of these minutes, which are evaluations."""
        found: dict[int, tuple[Fired, ...]] = dict.fromkeys(minutes, ())
        for (fit, rule), (key, counts) in itertools.product(self.rules, self.groups.items()):
            tracked = self.watch.tracked
            said = _said(fit, rule.keep_firing, counts, tracked.least, tuple(minutes), tracked.window, tracked.target)
            fired = {figures: self._fired(fit, rule, key, figures) for figures in said.values()}
            for minute, figures in said.items():
                found[minute] += (fired[figures],)
        return found

    def budget(self, minute: int) -> Sample:
        """What the record of the budget must be at this minute, all groups together; not there where nothing happened.
        """
        tracked = self.watch.tracked
        counts = [counts.within(minute, tracked.window) for counts in self.groups.values()]
        left = [1 - bad / events / float(1 - tracked.target) for events, bad in counts if events]
        record = f"sum({rows.REMAINING}{{slo={promql.quoted(tracked.slo)}}})"
        if not left:
            return Sample(minute, record, None)
        # two ways to divide differ in their last digits
        return Sample(minute, f"abs({record} - {sum(left)!r}) < bool 1e-6", 1)

    def _fired(self, fit: Burn, rule: AlertRule, key: Key, figures: Figures) -> Fired:
        group = dict(zip(self.watch.tracked.by, key, strict=True))
        share, spent, left, hours = figures
        tracked = self.watch.tracked
        part = "" if hours * HOUR >= tracked.window else burn.known(
            tracked, str(int(hours * HOUR * Decimal(burn.units(tracked)[0]) / tracked.window)))
        text = burn.described(self.watch.objective, tracked, fit, share, spent, left, part)
        return Fired({**group, **rule.labels}, {**{name: named(content, group) for name, content
                                                   in rule.annotations.items()}, "description": named(text, group)})


def counted(watch: Watch, record: str, minute: int, expected: tuple[int, int], offset: str = "") -> Iterator[Sample]:
    """What the records of this name must be for the events and for the bad ones. Those are there where events are, if
    only as none."""
    for what, count in zip(("events", "bad"), expected, strict=True):
        yield Sample(minute, recorded(watch, what, record, offset), count if expected[0] else None)


def recorded(watch: Watch, what: str, record: str, offset: str = "") -> str:
    """PromQL: the sum of all groups' records of this name; of open ones, of now."""
    tracked = watch.tracked
    if record != "open":
        return f"sum(slo:{what}:{record}{{slo={promql.quoted(tracked.slo)}}}{offset})"
    events, its = (f"sum({rows.opened(tracked, kind, part=tracked.live)}{offset})" for kind in ("events", what))
    return f"({its} or 0 * {events})" if its != events and tracked.marks else its


@functools.lru_cache(maxsize=4096)  # as for `told`
def _said(fit: Burn, keep_firing: Millis, counts: Counts, least: int, minutes: tuple[int, ...], window: Millis,
          target: Decimal) -> Mapping[int, Figures]:
    """Those of `minutes` at which the tier's alert fires, and what its description then says."""
    behind = _behind(fit)
    fires = told(fit, keep_firing, counts, least, max(minutes))
    return {minute: (*_figures(fit, counts, fires[minute] - behind, window, target), _hours(counts, fires[minute]))
            for minute in minutes if minute in fires}


def _hours(counts: Counts, minute: int) -> int:
    """How many full hours have rows. An hour's are read shortly before its end, where the last one has not settled; of
    slices there is none where nothing is known."""
    late = STEP + DELAY // MINUTE
    sliced = isinstance(counts.events[0], Tally)
    return sum(bool(counts.within(60 * hour - late, HOUR)[0]) or not sliced for hour in range(1, minute // 60 + 1))


def _figures(fit: Burn, counts: Counts, minute: int, window: Millis, target: Decimal) -> tuple[str, str, str]:
    """What the description says at this minute."""
    budget = float(1 - target)
    events, bad = counts.within(minute, window)
    _, in_long = counts.within(minute, fit.tier.long)
    left = max(events * budget - bad, 0) * (fit.tier.long // 1000) / in_long
    return (humanized(counts.share(minute, fit.tier.long)), humanized(in_long / events / budget),
            f"{burn.RATE} {humanized_duration(left)}" if left else burn.SPENT)


def _grouped(watch: Watch, series: Iterable[Shown]) -> dict[Key, list[_Lines]]:
    """The series of each group that count as events, and as marked ones, part by part."""
    found: dict[Key, list[_Lines]] = {}
    for one in series:
        key = tuple(one.labels.get(label, "") for label in watch.tracked.by)
        for at, counted in enumerate(watch.parts):
            for which, counters in enumerate((counted.events, counted.bad or counted.good)):
                if any(_matches(counter, one) for counter in counters):
                    found.setdefault(key, [([], []) for _ in watch.parts])[at][which].append(one.line)
    return found


def _counts(watch: Watch, parts: Sequence[_Lines]) -> Counts:
    first, *others = (Counts(_lines(events), _lines(marked), bool(counted.good))
                      for counted, (events, marked) in zip(watch.parts, parts, strict=True))
    sliced = watch.tracked.indicator
    if not isinstance(sliced, Sliced):
        return dataclasses.replace(first, others=tuple(others))
    if watch.objective.gauge:
        shown = [line for line in parts[0][0] if isinstance(line, Values)]
        verdicts = slice_world.judged(watch.objective.gauge, shown, sliced.length)
    else:
        end = max((line.ends[-1] for line in _lines(parts[0][0])), default=0)
        verdicts = ((minute, slice_world.over(sliced.most, *first.within(minute, sliced.length)))
                    for minute in slice_world.ends(sliced.length, end))
    known, bad = slice_world.tallies(verdicts)
    return Counts((known,), (bad,), False)


def _lines(lines: Iterable[Line | Values]) -> tuple[Line, ...]:
    return tuple(line for line in lines if isinstance(line, Line))


def _matches(counter: Counter, one: Shown) -> bool:
    return counter.metric == one.metric and all(matcher.matches(one.labels) for matcher in counter.matchers)


def named(text: str, group: Labels) -> str:
    """`text` with the labels of the group in their places."""
    for label, value in group.items():
        text = text.replace(f"{{{{ $labels.{label} }}}}", value)
    return text


def humanized(ratio: float) -> str:
    """What Prometheus' humanizePercentage prints."""
    return f"{ratio * 100:.4g}%"


def humanized_duration(seconds: float) -> str:
    """What Prometheus' humanizeDuration prints, down to a second."""
    whole = int(seconds)
    if whole < 1:
        return f"{seconds * 1000:.4g}ms"
    days, hours, minutes, rest = whole // 86400, whole // 3600 % 24, whole // 60 % 60, whole % 60
    if whole < 60:
        return f"{seconds:.4g}s"
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (rest, "s"))
    first = next(at for at, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count}{unit}" for count, unit in parts[first:])

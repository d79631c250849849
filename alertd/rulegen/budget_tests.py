"""The tests of the alerts on a budget that runs out and on an indicator that is not there, and of the window's sum.

The budget's are shown the records themselves: how they come about is proven with the burn alerts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from alertd.model import HOUR, MINUTE, Labels, Millis, Severity
from alertd.rulegen import budget, burn, example, promql, rows, slo_world
from alertd.rulegen.declared import Counter, Service
from alertd.rulegen.indicator import Indicator
from alertd.rulegen.objectives import Watch
from alertd.rulegen.rules import AlertRule
from alertd.rulegen.scenarios import Check, Sample, Scenario, series
from alertd.rulegen.slo_world import STEP, humanized, named

_HAIR = Decimal("0.001")
_LASTING = budget.LASTING // MINUTE
_DAY, _NIGHT = 100_000, 100  # events in an hour
_END = 4 * STEP
_HOUR = 60 // STEP
_LIVE: Labels = {"part": "open"}


def scenarios(watch: Watch, runbooks: str) -> Iterator[Scenario]:
    """Every level just passed and just not, with half the window known, with too few bad events, and its end."""
    rules = tuple(zip(budget.LEVELS, budget.low(watch.objective, watch.tracked, runbooks), strict=True))
    for level, _ in budget.LEVELS:
        for hair in (-_HAIR, _HAIR):
            yield _level(watch, rules, level + hair, Decimal(1), f"{promql.percent(level + hair)} left")
    yield _level(watch, rules, Decimal(0), Decimal(1), "nothing left")
    yield _level(watch, rules, Decimal("-0.6"), Decimal("0.5"), "overspent in the half of the window that is known")
    shown = _shown(watch, Decimal(-1), Decimal(1), watch.tracked.least - 1, 0)
    yield Scenario(_title(watch, "too few bad events"), shown, (Check(_END, budget.LOW),))


_Rules = Sequence[tuple[tuple[Decimal, Severity], AlertRule]]


def _level(watch: Watch, rules: _Rules, value: Decimal, known: Decimal, name: str) -> Scenario:
    """`value` of the budget is left of the known part for four evaluations, then all of it."""
    kept = {rule.keep_firing // MINUTE for _, rule in rules}
    shown = _shown(watch, value, known, watch.tracked.least, max(kept))
    left = 1 - float(known) * (1 - float(value))
    fired = tuple((rule.keep_firing // MINUTE, _fired(watch, rule, level, left, known)) for (level, _), rule in rules
                  if left < level or (level == 0 and left <= 0))
    ends = sorted({_END + STEP + each - before for each in kept for before in (STEP, 0)})
    checks = (Check(_LASTING - STEP, budget.LOW), Check(_LASTING, budget.LOW, tuple(alert for _, alert in fired)),
              *(Check(end, budget.LOW, tuple(alert for each, alert in fired if end < _END + STEP + each))
                for end in ends))
    return Scenario(_title(watch, name), shown, checks)


def _title(watch: Watch, what: str) -> str:
    return f"{budget.LOW}, {watch.tracked.slo}: {what}"


def _shown(watch: Watch, value: Decimal, known: Decimal, bad: int, kept: int) -> dict[str, str]:
    length = _END + 2 * STEP + kept
    labels = _labels(watch)
    window = promql.duration(watch.tracked.window)
    return {series(rows.REMAINING, labels): f"{promql.number(value)}x{_END} 1x{length}",
            series(rows.COVERAGE, labels): f"{promql.number(known)}x{length + _END}",
            series(f"slo:bad:increase{window}", labels): f"{bad}x{length + _END}"}


def _labels(watch: Watch) -> dict[str, str]:
    return {"service": watch.tracked.service, "slo": watch.tracked.slo, **_group(watch)}


def _group(watch: Watch) -> dict[str, str]:
    return dict.fromkeys(watch.tracked.by, "a")


def _fired(watch: Watch, rule: AlertRule, level: Decimal, left: float, known: Decimal) -> tuple[Labels, Labels]:
    count = float(burn.units(watch.tracked)[0])
    text = budget.described(watch.tracked, level, humanized(left), f"{float(known) * count:.0f}")
    annotations = {**rule.annotations, "description": text}
    return {**_group(watch), **rule.labels}, {name: named(content, _group(watch))
                                              for name, content in annotations.items()}


def absences(service: Service, watches: Sequence[Watch], runbooks: str) -> Iterator[Scenario]:
    """Nothing at all, targets without the metrics, and, one by one, all but one of the counters."""
    targets = {series("up", labels): labels for labels in slo_world.targets(service, watches)}
    lasting = budget.ABSENT_FOR // MINUTE
    counters = {selector: series(counter.metric, example.labels(counter.matchers)) for watch in watches
                for selector, counter in _needed(watch)}
    alive = dict.fromkeys(targets, f"1x{lasting}")
    cases: list[tuple[str, dict[str, str]]] = [
        ("nothing is there", {}), ("targets without metrics", alive),
        *((f"without {left_out}", alive | {shown: f"0x{lasting}" for selector, shown in counters.items()
                                           if selector != left_out}) for left_out in counters),
        ("all there", alive | dict.fromkeys(counters.values(), f"0x{lasting}"))]
    for name, shown in cases:
        up = [labels for target, labels in targets.items() if target in shown]
        fired = tuple(_absent(watch, runbooks, up) for watch in watches
                      if any(counters[selector] not in shown for selector, _ in _needed(watch)))
        yield Scenario(f"{budget.ABSENT}: {name}", shown, (Check(lasting - STEP, budget.ABSENT),
                                                           Check(lasting, budget.ABSENT, fired)))


def _needed(watch: Watch) -> Iterator[tuple[str, Counter]]:
    every = (*watch.tracked.indicator.events, *watch.tracked.indicator.good)
    counters = (*(counter for part in watch.parts for counter in part.events),
                *(counter for part in watch.parts for counter in part.good))
    needed = budget.needs(watch.objective, watch.tracked)
    return ((selector, counter) for selector, counter in zip(every, counters, strict=True) if selector in needed)


def _absent(watch: Watch, runbooks: str, up: Sequence[Labels]) -> tuple[Labels, Labels]:
    rule = budget.absent(watch.objective, watch.tracked, runbooks)
    scraped = sum(any(all(matcher.matches(labels) for matcher in target) for target in watch.targets) for labels in up)
    cause = budget.scraped(f"{scraped or ''}") if watch.tracked.indicator.scraped else ""
    text = budget.gone(watch.tracked, budget.needs(watch.objective, watch.tracked), cause)
    return rule.labels, {**rule.annotations, "description": text}


def evaluated(window: Millis) -> Millis:
    """When the rules are evaluated in the tests of the window: so late that there is an hour before it."""
    return window + HOUR


def _now(watch: Watch) -> int:
    return evaluated(watch.tracked.window) // (STEP * MINUTE)


def window(watch: Watch) -> Scenario:
    """Quiet nights of nothing but bad events and busy days without one, over the whole window and an hour before it:
    the sums are those of the events, in which the nights weigh as little as they carry."""
    tracked = watch.tracked
    hours = tracked.window // HOUR
    nights = sum((hour * 60 - STEP) // (12 * 60) % 2 == 0 for hour in range(1, hours + 1))
    halves = -(-hours // 12) + 1
    half = 12 * 60 // STEP - 1
    name = promql.duration(tracked.window)
    shown = {series(f"slo:{what}:increase1h", _labels(watch)): " ".join(
        [f"{_DAY}x{_HOUR - 1}", *(f"{(night, day)[at % 2]}x{half}" for at in range(halves))])
             for what, day, night in (("events", _DAY, _NIGHT), ("bad", 0, _NIGHT))}
    days = hours - nights
    sums = {f"slo:events:hours{name}": days * _DAY + nights * _NIGHT, f"slo:bad:hours{name}": nights * _NIGHT,
            f"slo:coverage:hours{name}": 1}
    samples = tuple(Sample(_now(watch) * STEP, f'sum({record}{{slo="{tracked.slo}"}})', value)
                    for record, value in sums.items())
    return Scenario(f"{tracked.slo}: days and nights of {name}", shown, (), samples, interval=STEP * MINUTE)


_HOURS, _CLOSED = 40_000, 50_000  # events
_SINCE, _OPEN = (700, 9_000), (30, 500)  # at the beginning of the window and now
_SHARE = 10  # one of so many is bad


def ends(watch: Watch) -> Scenario:
    """What came since the full hours is in the window, and what had come since then when it began is out of it."""
    tracked, name = watch.tracked, promql.duration(watch.tracked.window)
    now = _now(watch)

    def both(values: tuple[int, int], part: int) -> str:
        begin, end = (value // part for value in values)
        return f"_x{_HOUR} {begin} _x{now - _HOUR - 1} {end}"

    shown: dict[str, str] = {}
    for what, part in (("events", 1), ("bad", _SHARE)):
        shown |= {series(f"slo:{what}:hours{name}", _labels(watch)): f"_x{now - 3 * _HOUR} {_HOURS // part}",
                  series(f"slo:{what}:closed{name}", _labels(watch)): f"_x{now - 2} {_CLOSED // part}",
                  series(f"slo:{what}:since_hour", _labels(watch), _LIVE): both(_SINCE, part)}
    came = {}
    for labels in _opened(watch):
        part = _SHARE if labels else 1
        shown[series("slo:events:open", _labels(watch), {"part": tracked.live}, labels)] = both(_OPEN, part)
        came[tuple(labels.items())] = (_OPEN[1] - _OPEN[0]) // part
    if tracked.marks:
        bad = sum(count for labels, count in came.items() if labels)
    else:  # what is bad now is made of the events: all of them where none is good, or none
        then = _OPEN[0] // _SHARE
        shown[series("slo:bad:open", _labels(watch), _LIVE)] = f"_x{_HOUR} {then}"
        bad = _OPEN[1] * _all_are_bad(watch) - then
    live = {"events": sum(came.values()), "bad": bad}
    return Scenario(f"{tracked.slo}: both ends of {name}", shown, (), tuple(_ends(watch, live)), interval=STEP * MINUTE)


def nothing(watch: Watch) -> Scenario:
    """Of slices of which none is known any more, those of the window's other end are left: fewer than none, of which
    nothing is said."""
    then = f"_x{_HOUR} {_OPEN[0]}"
    shown = {series(f"slo:{what}:open", _labels(watch), _LIVE): then for what in ("events", "bad")}
    record = f"sum({rows.REMAINING}{{slo={promql.quoted(watch.tracked.slo)}}})"
    return Scenario(f"{watch.tracked.slo}: nothing known for {promql.duration(watch.tracked.window)}", shown, (),
                    (Sample(_now(watch) * STEP, record, None),), interval=STEP * MINUTE)


def _all_are_bad(watch: Watch) -> bool:
    """Of events that nothing else is known of: where the good ones are counted."""
    return isinstance(watch.tracked.indicator, Indicator) and bool(watch.tracked.indicator.good)


def _opened(watch: Watch) -> Iterator[Labels]:
    """The labels by which the newest counts are kept apart: none, and what marks the bad ones."""
    yield {}
    if watch.tracked.marks:
        yield {"slo_bad": "true"}


def _ends(watch: Watch, live: Mapping[str, int]) -> Iterator[Sample]:
    name, minute = promql.duration(watch.tracked.window), _now(watch) * STEP
    slo = promql.quoted(watch.tracked.slo)
    counts = {}
    for what, part in (("events", 1), ("bad", _SHARE)):
        counts[what] = _CLOSED // part + live[what]
        yield Sample(minute, f"sum(slo:{what}:closed{name}{{slo={slo}}})", (_HOURS + _SINCE[1] - _SINCE[0]) // part)
        yield Sample(minute, f"sum(slo:{what}:increase{name}{{slo={slo}}})", counts[what])
    left = 1 - counts["bad"] / counts["events"] / float(1 - watch.tracked.target)
    yield Sample(minute, f"abs(sum({rows.REMAINING}{{slo={slo}}}) - {left!r}) < bool 1e-6", 1)

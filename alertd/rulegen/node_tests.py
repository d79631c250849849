"""The tests of CPU and memory thresholds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from decimal import Decimal

from alertd.model import MINUTE, Labels
from alertd.presets import Example, Preset, Utilization
from alertd.rulegen.declared import Watched
from alertd.rulegen.example import TARGET
from alertd.rulegen.scenarios import QUIET, Leveled, Scenario, check, decimals, notation, series


@dataclasses.dataclass(frozen=True, slots=True)
class _Case:
    """One world of a preset; `labels` are an example of those of what is watched, beside or instead of the target's."""

    title: str
    examples: tuple[Example, ...]
    labels: Labels

    @property
    def watched(self) -> Labels:
        """The labels that the alert has from the expression."""
        return self.labels or TARGET


@dataclasses.dataclass(frozen=True, slots=True)
class _Step:
    """A utilization that steps from just under one level to just over it.

    The step down is 1.2 hairs and the step up one, so that a range of 5 minutes holds more than the limit on average
    from its third minute over it on, whether its left edge counts (Prometheus 2) or not (Prometheus 3).
    """

    under: Decimal
    over: Decimal
    at: int  # the last minute under
    holds: int  # the first minute at which the expression is true
    settled: int  # the first minute at which its value is `over` itself


def scenarios(preset: Preset, watched: Watched, levels: tuple[Leveled, ...]) -> Iterator[Scenario]:
    """For every level and every world of the preset: fires just over at its time and not a step before, and stays
    silent just under. The lowest level shows how long it is kept behind its end."""
    utilization = preset.utilization[watched]
    for leveled in levels:
        step = _step(utilization, leveled, levels)
        for name, examples in utilization.cases.items():
            title = f"{leveled.rule.alert} {leveled.rule.labels['severity']}, {name}"
            case = _Case(title, examples, preset.labels)
            yield _fires(case, leveled, levels, step)
            yield _silent(case, leveled, levels, step)


def _step(watched: Utilization, leveled: Leveled, levels: tuple[Leveled, ...]) -> _Step:
    limit = leveled.level.above
    hair = Decimal(1).scaleb(-max(2, decimals(other.level.above for other in levels)) - 2)
    at = max(QUIET, *(other.minutes + QUIET for other in levels))
    window = watched.window // MINUTE
    first = int(window * Decimal("1.2") / Decimal("2.2")) + 1
    return _Step(limit - hair * Decimal("1.2"), limit + hair, at, at + first, at + window + 1)


def _fires(case: _Case, leveled: Leveled, levels: tuple[Leveled, ...], step: _Step) -> Scenario:
    fires = step.holds + leveled.minutes
    before = fires - 1 if fires > step.settled else step.at
    value = step.over if before > step.at else step.under
    lower = [other for other in levels if other.level.above < leveled.level.above]
    after = max(fires, step.settled)
    checks = (check(before, leveled.rule.alert, lower, case.watched, value),
              check(after, leveled.rule.alert, [*lower, leveled], case.watched, step.over))
    if lower:  # which end later, at a value on the way down: their own tests ask how long they are kept
        return Scenario(f"{case.title}: fires just over", _shown(case, step, after - step.at, 0), checks)
    kept = after + leveled.rule.keep_firing // MINUTE
    ends = (check(kept, leveled.rule.alert, [leveled], case.watched, step.over),
            check(kept + 1, leveled.rule.alert, (), case.watched, step.over))
    return Scenario(f"{case.title}: fires just over", _shown(case, step, after - step.at, kept + 1 - after),
                    (*checks, *ends))


def _silent(case: _Case, leveled: Leveled, levels: tuple[Leveled, ...], step: _Step) -> Scenario:
    lower = [other for other in levels if other.level.above < leveled.level.above]
    checks = (check(step.at, leveled.rule.alert, lower, case.watched, step.under),)
    return Scenario(f"{case.title}: silent just under", _shown(case, step, 0, 0), checks)


def _shown(case: _Case, step: _Step, after: int, idle: int) -> dict[str, str]:
    """What the targets show from minute 0 to `after` minutes over, and for `idle` minutes behind them: nothing used.
    """
    return {series(example.metric, TARGET, case.labels, example.labels): notation(_values(example, step, after, idle))
            for example in case.examples}


def _values(example: Example, step: _Step, after: int, idle: int) -> list[Decimal]:
    if example.fixed is not None:
        return [example.fixed] * (step.at + 1 + after + idle)
    rises = example.used is not None or example.used_per_second is not None
    under, over, none = (step.under, step.over, Decimal(0)) if rises else (1 - step.under, 1 - step.over, Decimal(1))
    gauge = example.used if rises else example.free
    if gauge is not None:
        return [gauge * under] * (step.at + 1) + [gauge * over] * after + [gauge * none] * idle
    a_minute = ((example.used_per_second if rises else example.per_second) or Decimal(0)) * 60
    reached = a_minute * under * step.at
    ended = reached + a_minute * over * after
    return [a_minute * under * minute for minute in range(step.at + 1)] + [
        reached + a_minute * over * minute for minute in range(1, after + 1)] + [
        ended + a_minute * none * minute for minute in range(1, idle + 1)]

"""The tests of guardrails: each fires just over its limit at its time and not a step before, stays silent just inside,
ends, and says so where what it needs is missing."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TypeVar

from alertd.model import MINUTE, Labels
from alertd.presets.guardrail import Asks, Series, Shows, Unit, When
from alertd.rulegen import example, guarding
from alertd.rulegen.declared import Guarded
from alertd.rulegen.rules import AlertRule
from alertd.rulegen.scenarios import QUIET, Check, Scenario, humanized, notation, series, told

_STEPS = {Unit.COUNT: Decimal(1), Unit.SHARE: Decimal("0.0001"), Unit.CORES: Decimal("0.001"),
          Unit.BYTES: Decimal(1024 ** 2), Unit.TIME: Decimal(60)}
_AT_ONCE = 30  # changes that one series shows: more are spread over several, one a minute

_Values = Sequence[Decimal | int | None]
_Value = TypeVar("_Value", Decimal, Decimal | None)


@dataclasses.dataclass(frozen=True, slots=True)
class _Side:
    """A limit from both its sides: a figure just inside, and one just over."""

    name: str
    inside: Decimal
    over: Decimal


@dataclasses.dataclass(frozen=True, slots=True)
class _World:
    """The figure is inside until minute `at`, over for `after` minutes, and then inside for `idle` more. `lasting` are
    the minutes that the alert asks for."""

    side: _Side
    at: int
    lasting: int = 0
    after: int = 0
    idle: int = 0

    def flat(self, inside: _Value, over: _Value) -> list[_Value]:
        return [inside] * (self.at + 1) + [over] * self.after + [inside] * self.idle


def scenarios(guarded: Guarded, rules: tuple[AlertRule, ...]) -> Iterator[Scenario]:
    """`rules` are its alert and, where there is one, that of what it needs."""
    crossed, *unknown = rules
    for case, shown in guarded.guardrail.cases.items():
        for side in _sides(guarded):
            title = f"{guarded.name}, {case}{side.name}"
            yield _fires(guarded, crossed, title, shown, side)
            yield _silent(guarded, rules, title, shown, side)
    for rule in unknown:
        first = next(iter(guarded.guardrail.cases.values()))
        for need in guarded.guardrail.needs:
            yield _missing(guarded, rule, first, need)


def _sides(guarded: Guarded) -> Iterator[_Side]:
    guardrail, limit = guarded.guardrail, guarded.limit
    step = guardrail.step or _STEPS[guardrail.unit]
    if limit.most is None and limit.least is None:
        yield _Side("", Decimal(0), Decimal(1))
    apart = guardrail.asks is Asks.BETWEEN
    if limit.least is not None:
        inside, over = _around(limit.least, step, ROUND_CEILING, guarded)
        yield _Side(": below" if apart else "", inside, over)
    if limit.most is not None:
        inside, over = _around(limit.most, step, ROUND_FLOOR, guarded)
        yield _Side(": above" if apart else "", inside, over)


def _around(limit: Decimal, step: Decimal, rounding: str, guarded: Guarded) -> tuple[Decimal, Decimal]:
    """The limit itself on the grid of the steps and the next figure over it; a share by a step on either side, since
    quotients of floats fall on both."""
    if guarded.guardrail.unit is Unit.SHARE and guarded.guardrail.step is None:
        step = min(step, limit / 100)
        return (limit + step, limit - step) if rounding is ROUND_CEILING else (limit - step, limit + step)
    over = -step if rounding is ROUND_CEILING else step
    inside = (limit / step).to_integral_value(rounding) * step
    return inside, inside + over


def _fires(guarded: Guarded, rule: AlertRule, title: str, shown: tuple[Series, ...], side: _Side) -> Scenario:
    guardrail, minutes = guarded.guardrail, -(-rule.lasting // MINUTE)
    window, notices = guardrail.window // MINUTE, guardrail.notices // MINUTE
    at = _last_inside(side, minutes, window)
    fires, kept = at + max(1, notices) + minutes, rule.keep_firing // MINUTE
    before = fires - (2 if notices else 1)  # a range that has run empty did so a minute sooner for Prometheus 3
    world = _World(side, at, minutes, fires - at, window + kept + 1)
    firing = (_told(guarded, rule, side, fires - at),)
    checks = [Check(before, rule.alert), Check(fires, rule.alert, firing)]
    if _stays(shown):
        checks.append(Check(fires + window + kept + 1, rule.alert))
    else:
        checks += [Check(fires + kept, rule.alert, firing), Check(fires + kept + 1, rule.alert)]
    return Scenario(f"{title}: fires just over", _shown(guarded, shown, world), tuple(checks))


def _stays(shown: tuple[Series, ...]) -> bool:
    """Whether what happened is seen until the query looks back no further; else it ends with its cause."""
    return any(each.shows in (Shows.STEPS, Shows.APART) or (each.shows is Shows.COUNTS and each.when is When.OUTSIDE)
               for each in shown)


def _last_inside(side: _Side, minutes: int, window: int) -> int:
    """The minute, when the figure has been inside for long. A time that lies so far back is not 0: that means never."""
    at = max(QUIET, window + minutes + 1)
    return at + 1 if side.inside == 60 * at else at


def _silent(guarded: Guarded, rules: tuple[AlertRule, ...], title: str, shown: tuple[Series, ...], side: _Side
            ) -> Scenario:
    window, minutes = guarded.guardrail.window // MINUTE, -(-rules[0].lasting // MINUTE)
    world = _World(side, _last_inside(side, minutes, window), minutes)
    checks = tuple(Check(world.at, rule.alert) for rule in rules)
    return Scenario(f"{title}: silent just inside", _shown(guarded, shown, world), checks)


def _missing(guarded: Guarded, rule: AlertRule, shown: tuple[Series, ...], need: str) -> Scenario:
    """All is well but for one thing that is not there."""
    series = guarding.filled(guarded, need)
    minutes = rule.lasting // MINUTE
    side = next(_sides(guarded))
    there = tuple(each for each in shown
                  if not re.search(rf"(?<![\w:]){re.escape(_metric(guarded, each))}(?![\w:])", series))
    return Scenario(f"{guarded.name}: without {series}", _shown(guarded, there, _World(side, minutes)),
                    (Check(minutes - 1, rule.alert), Check(minutes, rule.alert, (told(rule, {}, {}),))))


def _told(guarded: Guarded, rule: AlertRule, side: _Side, minutes: int) -> tuple[Labels, Labels]:
    """What fires so many minutes behind the last one inside."""
    figure = side.over
    moves = {each.shows for shown in guarded.guardrail.cases.values() for each in shown}
    if Shows.AGE in moves:
        figure = side.inside + 60 * minutes
    elif Shows.LEFT in moves:
        figure = side.inside - 60 * minutes
    return told(rule, _labels(guarded), {guarding.value(guarded.guardrail.unit): _printed(figure, guarded)})


def _labels(guarded: Guarded) -> Labels:
    """Those of the figure, such as the guardrail's conditions take."""
    chosen = _chosen(guarded)
    return {name: chosen.get(name, value) for name, value in guarded.guardrail.labels.items()}


def _chosen(guarded: Guarded) -> Labels:
    """Values of the labels on which there are conditions that the guardrail's own example does not meet."""
    labels, fitting = guarded.guardrail.labels, example.labels(guarded.where)
    unmet = {matcher.label for matcher in guarded.where if not matcher.matches(labels)}
    return {label: fitting[label] for label in unmet if label in fitting}


def _printed(figure: Decimal, guarded: Guarded) -> str:
    """What Prometheus' template prints."""
    unit = guarded.guardrail.unit
    if unit is Unit.SHARE:
        return humanized(figure)
    if unit is Unit.BYTES:
        return f"{_humanized1024(figure)}B"
    return _duration(figure) if unit is Unit.TIME else f"{float(figure):g}" if figure % 1 else str(int(figure))


def _humanized1024(figure: Decimal) -> str:
    """As humanize1024 does: four significant digits and a prefix."""
    value, prefix = float(figure), ""
    for prefix in ("", "ki", "Mi", "Gi", "Ti", "Pi"):  # noqa: B007  the last one reached is the prefix
        if abs(value) < 1024:
            break
        value /= 1024
    return f"{value:.4g}{prefix}"


def _duration(seconds: Decimal) -> str:
    """As humanizeDuration does from a second on."""
    sign, rest = ("-" if seconds < 0 else ""), abs(int(seconds))
    parts = [(rest // 86400, "d"), (rest // 3600 % 24, "h"), (rest // 60 % 60, "m"), (rest % 60, "s")]
    while len(parts) > 1 and parts[0][0] == 0:
        parts.pop(0)
    return sign + " ".join(f"{count}{unit}" for count, unit in parts)


def _shown(guarded: Guarded, shown: tuple[Series, ...], world: _World) -> Mapping[str, str]:
    """The input of every series, with the labels that the guardrail's conditions ask for."""
    labels = {**example.TARGET, **guarded.guardrail.labels, **_chosen(guarded)}
    found: dict[str, str] = {}
    for each in shown:
        for number, values in enumerate(_values(each, world)):
            own = {name: value.replace("{n}", str(number)).replace("{allowed}", (*guarded.limit.names, "")[0])
                   for name, value in each.labels.items()}
            if any(value is not None for value in values):
                found[series(_metric(guarded, each), labels, own)] = _notation(values)
    return found


def _metric(guarded: Guarded, each: Series) -> str:
    return each.metric.replace("$metric", guarded.metric)


def _notation(values: _Values) -> str:
    """What vanishes is gone at once, as it is where a target no longer shows it."""
    def gone(found: re.Match[str]) -> str:
        return "stale" + (f" _x{int(found[1]) - 1}" if int(found[1]) > 1 else "")

    return re.sub(r"(?<=\S )_x(\d+)", gone, notation(values))


def _values(each: Series, world: _World) -> Iterator[_Values]:
    """For each series that is shown, its value at every minute."""
    inside, over, number = world.side.inside, world.side.over, each.number
    match each.shows:
        case Shows.FIXED:
            there = {When.ALWAYS: (number, number), When.INSIDE: (number, None), When.OUTSIDE: (None, number)}
            yield world.flat(*there[each.when])
        case Shows.VALUE:
            yield world.flat(number * inside, number * over)
        case Shows.REST:
            yield world.flat(number * (1 - inside), number * (1 - over))
        case Shows.COPIES:
            yield from _copies(each.each, int(number * inside), int(number * over), world)
        case Shows.REST_COPIES:
            yield from _copies(each.each, int(number * (1 - inside)), int(number * (1 - over)), world)
        case Shows.GROWS:
            yield _grown(number, world)
        case Shows.AGE:
            yield _until(60 * world.at - inside, Decimal(60 * (world.at + world.after + world.idle)), world)
        case Shows.LEFT:
            late = Decimal(60 * (world.at + world.after + world.idle))
            yield _until(60 * world.at + inside, late + 2 * inside, world)
        case Shows.STEPS:
            yield from _steps(int(number * inside), world)
        case Shows.APART:
            yield _apart(world)
        case Shows.COUNTS:
            yield _counted(each, world)


def _copies(value: Decimal, inside: int, over: int, world: _World) -> Iterator[_Values]:
    for number in range(max(inside, over)):
        yield world.flat(value if number < inside else None, value if number < over else None)


def _grown(number: Decimal, world: _World) -> _Values:
    """By what is allowed, as long ago as the alert asks for, where nothing follows; else by more, and back."""
    if not world.after:
        return [number] * (world.at - world.lasting) + [number * (1 + world.side.inside)] * (world.lasting + 1)
    return world.flat(number, number * (1 + world.side.over))


def _until(old: Decimal, new: Decimal, world: _World) -> _Values:
    """One time stays until the alert has fired; then comes a new one."""
    return [old] * (world.at + 1 + world.after) + [new] * world.idle


def _steps(count: int, world: _World) -> Iterator[_Values]:
    """`count` changes, the last at the last minute inside, and one more where something is to be over."""
    while True:
        here = min(count, _AT_ONCE)
        count -= here
        last = here + (1 if count <= 0 else 0)
        yield [*[0] * (world.at + 1 - here), *range(1, here + 1), *[last] * (world.after + world.idle)]
        if count <= 0:
            return


def _apart(world: _World) -> _Values:
    """Two changes: the second at the last minute inside, or where something is to be over right behind it."""
    second = world.at + (1 if world.after else 0)
    first = second - int(world.side.over if world.after else world.side.inside) // 60
    return [0] * first + [1] * (second - first) + [2] * (world.at + 1 + world.after + world.idle - second)


def _counted(each: Series, world: _World) -> _Values:
    """Of one that is there only sometimes, its growth is."""
    inside, over = (each.number if each.when is not other else Decimal() for other in (When.OUTSIDE, When.INSIDE))
    return list(itertools.accumulate([Decimal(), *world.flat(inside, over)[1:]]))

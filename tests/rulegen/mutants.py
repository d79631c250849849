"""Small changes of generated rules, each of which their generated tests have to notice."""

from __future__ import annotations

import dataclasses
import enum
import itertools
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import yaml

from alertd.config import units
from alertd.model import HOUR, MINUTE
from alertd.rulegen import differences, promql
from alertd.rulegen.differences import SLOT
from tests.rulegen import operators

Rules = dict[str, Any]


class Kind(enum.StrEnum):
    """What a change is of."""

    WINDOW = "windows"
    LOGIC = "and, or"
    GUARD = "guards"
    FACTOR = "factors"
    LIMIT = "limits"
    TIME = "times"
    WORD = "words"


_LIMIT = re.compile(r"(?<=[<>] )((?:0\.)?\d+(?:\.\d+)?)$|(?<=\) )(0\.\d+)(?= \*$)", re.MULTILINE)
_FACTOR = re.compile(r"(?<=[*/] )\d[\d.e+-]*\b|\b(?<![\w.-])\d[\d.]*(?= [*]| - )|(?<=\+ )\d+\b")
_WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
_AGO = re.compile(r"^\s*sum without \(service\) \(-.* offset (\w+)\)$", re.MULTILINE)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The groups, as they stand, that a change in them is seen by: all of an objective, which reads no other one; or
    one that is of none. Of alerts it holds the changed one only, or all where a record is changed."""

    groups: tuple[Rules, ...]
    records: bool = True  # whether what is changed is one

    @property
    def rules(self) -> Iterator[Rules]:
        return (rule for group in self.groups for rule in group["rules"])

    def text(self, rule: Rules | None = None, *changed: Rules) -> str:
        """The rule file, with these in place of `rule`."""
        return json.dumps({"groups": [{**group, "rules": [each for one in group["rules"]
                                                          for each in (changed if one is rule else (one,))]}
                                      for group in self.groups]})

    def alone(self, alert: Rules) -> Part:
        """Without the other alerts."""
        return Part(tuple({**group, "rules": [one for one in group["rules"] if "record" in one or one is alert]}
                          for group in self.groups), False)


@dataclasses.dataclass(frozen=True, slots=True)
class Mutant:
    """What was changed, of the rule with this name, and the rule file with it: `changed` in place of `before`."""

    title: str
    kind: Kind
    rule: str
    text: str
    part: Part
    before: Rules
    changed: Rules


def mutants(text: str) -> Iterator[Mutant]:
    """Of the rule file `text`."""
    groups = yaml.load(text, Loader=yaml.CSafeLoader)["groups"]
    for group in groups:
        slo = _objective(group)
        whole = Part(tuple(other for other in groups if other is group or (slo and _objective(other) == slo)))
        for rule in group["rules"]:
            part = whole.alone(rule) if "alert" in rule else whole
            for kind, what, changed in _changed(rule):
                name, text = _named(rule), part.text(rule, changed)
                yield Mutant(f"{name}: {what}", kind, name, text, part, rule, changed)


def _named(rule: Rules) -> str:
    labels = (rule.get("labels", {}).get(name, "") for name in ("slo", "tier", "left", "severity", "over"))
    return " ".join(filter(None, [rule.get("alert", rule.get("record")), *labels]))


def _objective(group: Rules) -> str:
    return next((rule["labels"]["slo"] for rule in group["rules"] if "slo" in rule["labels"]), "")


def _changed(rule: Rules) -> Iterator[tuple[Kind, str, Rules]]:
    for kind, what, expr in _expressions(rule["expr"]):
        if expr != rule["expr"]:
            yield kind, what, {**rule, "expr": expr}
    if "record" in rule:
        return
    for key in ("for", "keep_firing_for"):
        if key in rule:
            without = {name: value for name, value in rule.items() if name != key}
            yield Kind.TIME, f"no {key}", without
            longer = promql.duration(units.duration(rule[key]) + 5 * MINUTE)
            yield Kind.TIME, f"{key} longer", {**rule, key: longer}
    for part in ("labels", "annotations"):
        for name in rule[part]:
            yield Kind.WORD, f"{part} {name}", {**rule, part: {**rule[part], name: "other"}}


def _expressions(expr: str) -> Iterator[tuple[Kind, str, str]]:
    for found in _LIMIT.finditer(expr):
        for factor in ("1.1", "0.9", "0.5"):
            limit = promql.number(Decimal(found[0]) * Decimal(factor))
            yield Kind.LIMIT, f"{found[0]} is {limit} in {_around(expr, found)}", (
                expr[:found.start()] + limit + expr[found.end():])
    for kind, before, after in ((Kind.LIMIT, ">= 3", ">= 2"), (Kind.LIMIT, ">= 3", ">= 4"), (Kind.LIMIT, "<= 0", "< 0"),
                                (Kind.GUARD, "floor(", "("), (Kind.GUARD, " == 1", ""), (Kind.GUARD, " >= 0", ""),
                                (Kind.GUARD, " > 0)", ")"), (Kind.GUARD, " <= Inf", ""),
                                (Kind.GUARD, "clamp_min(", "(0 * 0 + ")):
        for found in re.finditer(re.escape(before), expr):
            yield kind, f"{before!r} is {after!r} in {_around(expr, found)}", (
                expr[:found.start()] + after + expr[found.end():])
    for found in _FACTOR.finditer(expr):
        half = promql.number(Decimal(found[0]) / 2)
        yield Kind.FACTOR, f"{found[0]} is {half} in {_around(expr, found)}", (
            expr[:found.start()] + half + expr[found.end():])
    yield from ((Kind.LOGIC if " is " in what else Kind.GUARD, what, changed)
                for what, changed in operators.changed(expr))
    yield from ((Kind.WINDOW, what, changed) for what, changed in (*_spans(expr), *_other_windows(expr)))


def _around(expr: str, found: re.Match[str]) -> str:
    return repr(expr[max(found.start() - 20, 0):found.end() + 10])


def _spans(expr: str) -> Iterator[tuple[str, str]]:
    """Sums and counts over a mark more and over one less, and what is taken off from an hour earlier. How far back a
    `last_over_time` looks for a record that may be missing is no window."""
    for found in operators.ranges(expr, ("sum_over_time", "count_over_time")):
        length, _, tick = found[0].strip("[]").partition(":")
        step = units.duration(tick)
        for other in (units.duration(length) - step, units.duration(length) + step):
            if other > 0:
                changed = f"[{promql.duration(other)}:{tick}]"
                yield f"{found[0]} is {changed} at {found.start()}", expr[:found.start()] + changed + expr[found.end():]
    for found in re.finditer(r"offset (\d+[hd])(?=$|\W)", expr):
        if _AGO.match(expr, expr.rfind("\n", 0, found.start()) + 1):  # of an alert's window, see _other_windows
            continue
        ago = promql.duration(units.duration(found[1]) + HOUR)
        changed = f"offset {ago}"
        yield f"{found[0]} is {changed} at {found.start()}", expr[:found.start()] + changed + expr[found.end():]


def _other_windows(expr: str) -> Iterator[tuple[str, str]]:
    """Every window of a pair as the next longer and the next shorter one; and the two swapped."""
    pair = list(dict.fromkeys(_AGO.findall(expr)))
    for window in pair:
        for other in {_WINDOWS[max(_WINDOWS.index(window) - 1, 0)], _WINDOWS[min(_WINDOWS.index(window) + 1, 6)]}:
            yield f"offset {window} is {other}", expr.replace(f"offset {window})", f"offset {other})")
    settled = _settled(expr)
    yield from ((f"{before} is {after}", expr.replace(before, after)) for before, after in settled)
    if len(pair) == 2 or settled:
        long, short = expr.rsplit("\nand ", 1)
        on, compared = short.split("\n", 1)
        bad, of = compared.split(f"\n> {on} ")
        limit, events = of.split(" *\n")
        ratio = f"{bad}\n/ {on}\n{events}\n> {limit}"
        yield "windows swapped", f"{ratio}\nand {on}\n{long}"
        yield "long window alone", long
        yield "short window alone", ratio


def _settled(expr: str) -> list[tuple[str, str]]:
    """The windows of an alert that is told from the rows, each with the next shorter and the next longer one."""
    written = {window: differences.since(SLOT, False, units.duration(window)) for window in _WINDOWS}
    return [(written[window], written[other]) for window, other in itertools.permutations(_WINDOWS, 2)
            if "\n> on (" in expr and written[window] in expr
            and abs(_WINDOWS.index(window) - _WINDOWS.index(other)) == 1]

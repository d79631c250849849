"""Small changes of generated rules, each of which their generated tests have to notice."""

from __future__ import annotations

import copy
import itertools
import json
import re
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from alertd.config import units
from alertd.model import MINUTE
from alertd.rulegen import differences, promql
from alertd.rulegen.differences import SLOT

Rules = dict[str, Any]
_LIMIT = re.compile(r"(?<=[<>] )(0\.\d+)$", re.MULTILINE)
_WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")


def mutants(text: str, alerts_only: bool = False) -> Iterator[tuple[str, str]]:
    """What was changed, and the rule file with it, for the rule file `text`."""
    rules = yaml.safe_load(text)
    for at, group in enumerate(rules["groups"]):
        for number, rule in enumerate(group["rules"]):
            if alerts_only and "record" in rule:
                continue
            for what, changed in _changed(rule):
                mutant = copy.deepcopy(rules)
                mutant["groups"][at]["rules"][number] = changed
                labels = [rule.get("labels", {}).get(name, "") for name in ("slo", "tier", "left", "severity")]
                title = " ".join(filter(None, [rule.get("alert", rule.get("record")), *labels]))
                yield f"{title}: {what}", json.dumps(mutant)


def _changed(rule: Rules) -> Iterator[tuple[str, Rules]]:
    for what, expr in _expressions(rule["expr"]):
        if expr != rule["expr"]:
            yield what, {**rule, "expr": expr}
    if "record" in rule:
        return
    for key in ("for", "keep_firing_for"):
        if key in rule:
            without = {name: value for name, value in rule.items() if name != key}
            yield f"no {key}", without
            longer = promql.duration(units.duration(rule[key]) + 5 * MINUTE)
            yield f"{key} longer", {**rule, key: longer}
    for part in ("labels", "annotations"):
        for name in rule[part]:
            yield f"{part} {name}", {**rule, part: {**rule[part], name: "other"}}


def _expressions(expr: str) -> Iterator[tuple[str, str]]:
    for factor in ("1.1", "0.9", "0.5"):
        for found in _LIMIT.finditer(expr):
            limit = promql.number(Decimal(found[1]) * Decimal(factor))
            yield f"limit {found.start()} times {factor}", expr[:found.start()] + limit + expr[found.end():]
    for before, after in (("and on (", "or on ("), (">= 3", ">= 2"), (">= 3", ">= 4"), ("floor(", "("),
                          (" unless resets(", " unless 0 * resets("), ("== 1 or ", "== 1 and "),
                          ("\nor\nabsent(", "\nand\nabsent(")):
        for found in re.finditer(re.escape(before), expr):
            yield f"{before!r} {found.start()} is {after!r}", expr[:found.start()] + after + expr[found.end():]
    yield from _other_windows(expr)


def _other_windows(expr: str) -> Iterator[tuple[str, str]]:
    """Every window of a pair as the next longer and the next shorter one; and the two swapped."""
    offsets = [window for window in re.findall(r"offset (\w+), ", expr) if window in _WINDOWS]
    pair = list(dict.fromkeys(offsets))
    for window in pair:
        for other in {_WINDOWS[max(_WINDOWS.index(window) - 1, 0)], _WINDOWS[min(_WINDOWS.index(window) + 1, 6)]}:
            yield f"offset {window} is {other}", expr.replace(f"offset {window}, ", f"offset {other}, ")
    settled = _settled(expr)
    yield from ((f"{before} is {after}", expr.replace(before, after)) for before, after in settled)
    if len(pair) == 2 or settled:
        long, short = expr.rsplit("\nand on (", 1)
        on, ratio = short.split("\n", 1)
        limit = ratio.rsplit("\n", 1)[1]
        guarded = long.rsplit("\n", 1)[0]
        yield "windows swapped", (f"{ratio.rsplit(chr(10), 1)[0].replace('  )', '  )', 1)}\n{limit}\n"
                                  f"and on ({on}\n{guarded}\n{limit}")
        yield "long window alone", long
        yield "short window alone", ratio


def _settled(expr: str) -> list[tuple[str, str]]:
    """The windows of an alert that is told from the rows, each with the next shorter and the next longer one."""
    if not re.search(r":closed\w+\{.*\n> ", expr):
        return []
    written = {window: differences.since(SLOT, False, units.duration(window)) for window in _WINDOWS}
    closed = {window: f":closed{window}{{" for window in ("6h", "1d", "3d")}
    return [(of[window], of[other]) for of in (closed, written) for window, other in itertools.permutations(of, 2)
            if of[window] in expr and abs(list(of).index(window) - list(of).index(other)) == 1]


def each_test(folder: Path, name: str) -> list[tuple[str, Path]]:
    """The tests of the service `name` in `folder`, each with its name and in a file of its own."""
    found = []
    for tests in sorted(folder.glob(f"{name}.*test.yaml")):
        whole = yaml.load(tests.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        for number, test in enumerate(whole["tests"]):
            path = folder / f"{tests.stem}.{number}.json"
            path.write_text(json.dumps({**whole, "tests": [test]}), encoding="utf-8")
            found.append((test["name"], path))
    return found


def survives(tests: list[tuple[str, Path]], title: str, rules: Path, mutant: str) -> bool:
    """Whether all `tests` pass with the rules `mutant`. First come those of the alert it is of, and of them the ones
    that told the last mutants, which are moved to the front."""
    rules.write_text(mutant, encoding="utf-8")
    words = title.split(":", maxsplit=1)[0].split()
    for one in sorted(tests, key=lambda test: -sum(word in test[0] for word in words)):
        run = subprocess.run(["promtool", "test", "rules", one[1]], capture_output=True, text=True, check=False)
        if run.returncode:
            tests.remove(one)
            tests.insert(0, one)
            return False
    return True

"""Small changes of generated rules, each of which their generated tests have to notice."""

from __future__ import annotations

import dataclasses
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


# Changes of the records of an objective that its generated tests cannot tell, by title, and why.
ELSEWHERE = (
    # Without it a row follows the last mark, whether that has a row or not. promtool evaluates every rule at every
    # step, so that no mark lacks its row; test_rows_add_up_to_what_happened leaves out every second one.
    re.compile(r"slo:\w+:increase5m .*'and on \(' \d+ is 'or on \('"),
    # A restart after which a counter outgrows its old value within five minutes:
    # test_a_restart_is_seen_though_the_counter_outgrew_its_old_value. All rows are of one text.
    re.compile(r"slo:\w+:increase5m .*' unless resets\("),
    # A target that joins with a history: test_what_was_counted_before_the_first_scrape_is_not_new.
    re.compile(r"slo:\w+:open .*'and on \(' \d+ is 'or on \('"),
)


def elsewhere(title: str) -> bool:
    """Whether a survivor is one of those."""
    return any(known.match(title) for known in ELSEWHERE)


@dataclasses.dataclass(frozen=True, slots=True)
class Mutant:
    """What was changed, and the rule file with it. It holds the groups only that have to do with the change: `alerts`
    is of what they alert, and the other tests of the service would say nothing new."""

    title: str
    text: str
    alerts: frozenset[str]


def mutants(text: str, alerts_only: bool = False) -> Iterator[Mutant]:
    """Of the rule file `text`."""
    groups = yaml.load(text, Loader=yaml.CSafeLoader)["groups"]
    for group in groups:
        kept = [other for other in groups if other is group or (_objectives(group) and _objectives(other))]
        alerts = frozenset(rule["alert"] for its in kept for rule in its["rules"] if "alert" in rule)
        for number, rule in enumerate(group["rules"]):
            if alerts_only and "record" in rule:
                continue
            for what, changed in _changed(rule):
                mutant = {**group, "rules": [*group["rules"][:number], changed, *group["rules"][number + 1:]]}
                labels = [rule.get("labels", {}).get(name, "") for name in ("slo", "tier", "left", "severity", "over")]
                title = " ".join(filter(None, [rule.get("alert", rule.get("record")), *labels]))
                whole = json.dumps({"groups": [mutant if other is group else other for other in kept]})
                yield Mutant(f"{title}: {what}", whole, alerts)


def _objectives(group: Rules) -> bool:
    return any("slo" in rule["labels"] for rule in group["rules"])


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


def survives(tests: list[tuple[str, Path]], rules: Path, mutant: Mutant) -> bool:
    """Whether all `tests` that have to do with it pass with the rules of `mutant`. First come those of the alert it is
    of, and of them the ones that told the last mutants, which are moved to the front."""
    rules.write_text(mutant.text, encoding="utf-8")
    words = mutant.title.split(":", maxsplit=1)[0].split()
    its = [test for test in tests if _of(test[0], mutant.alerts)]
    for one in sorted(its, key=lambda test: -sum(word in test[0] for word in words)):
        run = subprocess.run(["promtool", "test", "rules", one[1]], capture_output=True, text=True, check=False)
        if run.returncode:
            tests.remove(one)
            tests.insert(0, one)
            return False
    return True


def _of(test: str, alerts: frozenset[str]) -> bool:
    """Whether the test of this name is about one of the alerts; those of an objective's window are about no alert."""
    word = re.split(r"[,: ]", test, maxsplit=1)[0]
    return word in alerts or ("days and nights" in test and "ErrorBudgetLow" in alerts)

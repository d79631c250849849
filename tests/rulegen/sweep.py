"""Every mutant of a service's rules against the tests that were generated with them."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from pathlib import Path
from typing import Any, Self

import yaml

from alertd.config import units
from tests.rulegen.mutants import Kind, Mutant, Part, mutants
from tests.rulegen.rules_made import generated

# Digest of a mutant -> of the test that it fails, which holds whatever other tests there are; where it fails none, of
# all that were tried.
Known = MutableMapping[str, str]
# How much more likely a test is to fail that asks for the record itself, that failed for another mutant of the rule, or
# whose like failed for one of such a record.
_ASKS, _FOUND, _ALIKE = 10, 20, 5
_ONE_CORE = {**os.environ, "GOMAXPROCS": "1", "GOGC": "400"}


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """How many were tried of each kind, and what the survivors changed."""

    tried: Counter[Kind]
    alive: tuple[Mutant, ...]

    def __str__(self) -> str:
        left = Counter(mutant.kind for mutant in self.alive)
        return ", ".join(f"{kind} {count - left[kind]}/{count}" for kind, count in sorted(self.tried.items()))


@dataclasses.dataclass(frozen=True)
class Seen:
    """A test as far as it is about a part of the rules: `text` for promtool, which records it asks for by their names,
    and how many `steps` it takes."""

    name: str
    text: str
    asks: frozenset[str]
    steps: int

    @functools.cached_property
    def digest(self) -> str:
        return _digest(self.text)

    def under(self, names: Iterable[str]) -> str:
        """The same for several alerts, each of which has to do what the one has to."""
        whole = json.loads(self.text)
        test, = whole["tests"]
        checks = [{**check, "alertname": name} for check in test["alert_rule_test"] for name in names]
        return json.dumps({**whole, "tests": [{**test, "alert_rule_test": checks}]})


@dataclasses.dataclass(slots=True)
class Sweep:
    """The rules of the service `name`, and its generated tests one by one."""

    folder: Path
    name: str
    tests: list[dict[str, Any]]
    mutants: list[Mutant]
    seen: dict[Part, list[Seen]] = dataclasses.field(default_factory=dict)
    found: Counter[tuple[str, str]] = dataclasses.field(default_factory=Counter)  # rule, test -> mutants of it told
    alike: Counter[tuple[str, str]] = dataclasses.field(default_factory=Counter)  # the same, see _alike
    stands: set[tuple[Part, str]] = dataclasses.field(default_factory=set)  # digests of tests that pass as they should

    @classmethod
    def of(cls, folder: Path, text: str, name: str) -> Self:
        """Of what is generated from this declaration."""
        files = generated(folder, text)
        its = [test for file in sorted(files) if file.startswith(f"{name}.") and file.endswith("test.yaml")
               for test in _each(files[file])]
        return cls(folder / "generated", name, its, list(mutants(files[f"{name}.rules.yaml"])))

    @property
    def rules(self) -> list[list[Mutant]]:
        """The mutants of each rule."""
        return [list(its) for _, its in itertools.groupby(self.mutants, key=lambda mutant: (mutant.part, mutant.rule))]

    def score(self, chosen: Iterable[Mutant], known: Known | None = None) -> Score:
        """Of `chosen`; what is in `known` is not tried again, and what is tried is written there."""
        verdicts: Known = {} if known is None else known
        tried, alive = Counter[Kind](), []
        for part, its in itertools.groupby(chosen, key=lambda mutant: mutant.part):
            mutants = list(its)
            tried.update(mutant.kind for mutant in mutants)
            for some in [[one] for one in mutants] if part.records else [mutants]:
                alive += self._alive(some, verdicts)
        return Score(tried, tuple(alive))

    def _alive(self, mutants: Sequence[Mutant], known: Known) -> Iterator[Mutant]:
        """Those of one rule that no test fails with that does not fail with the rules as they were. Several are of an
        alert, which nothing else depends on."""
        its = self._seen(mutants[0].part)
        digests, every = {test.digest for test in its}, _digest(*(test.digest for test in its))
        left = [mutant for mutant in mutants if known.get(_digest(mutant.text)) not in {every, *digests}]
        for test in sorted(its, key=functools.partial(self._promise, mutants[0]), reverse=True):
            if left and (told := self._told(test, left)):
                self._assert_stands(test, mutants[0])
                self.found[mutants[0].rule, test.name] += len(told)
                self.alike[_alike(mutants[0], test)] += len(told)
                known.update((_digest(mutant.text), test.digest) for mutant in told)
                left = [mutant for mutant in left if mutant not in told]
        known.update((_digest(mutant.text), every) for mutant in left)
        return (mutant for mutant in mutants if known[_digest(mutant.text)] == every)

    def _told(self, test: Seen, mutants: Sequence[Mutant]) -> list[Mutant]:
        """Those that the test fails with: one, or several of an alert under names of their own at once. An error of one
        of them ends the test, and the others are tried again."""
        if len(mutants) == 1:
            return [*mutants] if self._failed(test.text, mutants[0].text) else []
        names = {f"Mutant{at}": mutant for at, mutant in enumerate(mutants)}
        text = mutants[0].part.text(mutants[0].before, *({**mutant.changed, "alert": name}
                                                         for name, mutant in names.items()))
        failed = self._failed(test.under(names), text)
        told = [names[name] for name in dict.fromkeys(re.findall(r"(?:alertname|rule): (Mutant\d+),", failed))]
        if failed and not told:
            raise AssertionError(f"{test.name} fails, but for none of the mutants: {failed}")
        if "err: " in failed and len(told) < len(mutants):
            told += self._told(test, [mutant for mutant in mutants if mutant not in told])
        return told

    def _assert_stands(self, test: Seen, mutant: Mutant) -> None:
        """That the test passes with the rules as they were."""
        as_they_were = mutant.part, test.digest
        if as_they_were not in self.stands and self._failed(test.text, mutant.part.text()):
            raise AssertionError(f"{test.name} fails of itself where it is about {mutant.rule} only")
        self.stands.add(as_they_were)

    def _promise(self, mutant: Mutant, test: Seen) -> float:
        """How likely it is to tell this one, for what it costs."""
        words = mutant.rule.split()
        likely = (1 + sum(word in test.name for word in words) + _ASKS * (words[0] in test.asks)
                  + _FOUND * self.found[mutant.rule, test.name] + _ALIKE * self.alike[_alike(mutant, test)])
        return likely / (30 + test.steps)

    def _seen(self, part: Part) -> list[Seen]:
        if part not in self.seen:
            self.seen[part] = [one for test in self.tests if (one := _seen_by(part, self.name, test))]
        return self.seen[part]

    def _failed(self, test: str, rules: str) -> str:
        """What promtool says of a test that fails; empty where it does not."""
        (self.folder / f"{self.name}.rules.yaml").write_text(rules, encoding="utf-8")
        path = self.folder / "one.test.json"
        path.write_text(test, encoding="utf-8")
        run = subprocess.run(["promtool", "test", "rules", path], capture_output=True, check=False, env=_ONE_CORE)
        return (run.stdout + run.stderr).decode() if run.returncode else ""


def _each(text: str) -> Iterator[dict[str, Any]]:
    """The tests of a file, each as a file of its own."""
    whole = yaml.load(text, Loader=yaml.CSafeLoader)
    return ({**whole, "tests": [test]} for test in whole["tests"])


def _seen_by(part: Part, name: str, whole: dict[str, Any]) -> Seen | None:
    """The test with what it expects of this part's rules; nothing where it expects nothing of them. What the others do
    does not depend on a change here: a test that fails so, fails as a whole."""
    test, = whole["tests"]
    alerts = [rule for rule in part.rules if "alert" in rule]
    checks = [{**check, "exp_alerts": [fired for fired in check.get("exp_alerts", []) if _fires(alerts, check, fired)]}
              for check in test.get("alert_rule_test", []) if check["alertname"] in {one["alert"] for one in alerts}]
    records = {rule["record"] for rule in part.rules if part.records and "record" in rule}
    slos = {rule["labels"].get("slo") for rule in part.rules}
    samples = [sample for sample in test.get("promql_expr_test", [])
               if records & set(re.findall(r"[\w:]+", sample["expr"]))
               and slos >= set(re.findall(r'slo="([^"]*)"', sample["expr"]))]
    if not checks and not samples:
        return None
    text = json.dumps({**whole, "rule_files": [f"{name}.rules.yaml"],
                       "tests": [{**test, "alert_rule_test": checks, "promql_expr_test": samples}]})
    asks = frozenset(word for sample in samples for word in re.findall(r"[\w:]+", sample["expr"]))
    end = max(units.duration(one["eval_time"]) for one in (*checks, *samples))
    return Seen(test["name"], text, asks, end // units.duration(whole["evaluation_interval"]))


def _alike(mutant: Mutant, test: Seen) -> tuple[str, str]:
    """The same for the bad events and for all, and for every objective."""
    record, *words = mutant.rule.split()
    return record.replace(":bad:", ":events:"), " ".join(word for word in test.name.split()
                                                         if word.strip(",:") not in words)


def _fires(alerts: Iterable[dict[str, Any]], check: dict[str, Any], fired: dict[str, Any]) -> bool:
    return any(rule["alert"] == check["alertname"] and rule["labels"].items() <= fired["exp_labels"].items()
               for rule in alerts)


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()

"""Every mutant of a service's rules against the tests that were generated with them."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, MutableMapping
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


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """A test as far as it is about a part of the rules: `text` for promtool, which records it asks for by their names,
    and how many `steps` it takes."""

    name: str
    text: str
    asks: frozenset[str]
    steps: int

    @property
    def digest(self) -> str:
        return _digest(self.text)


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

    def score(self, chosen: Iterable[Mutant], known: Known | None = None) -> Score:
        """Of `chosen`; what is in `known` is not tried again, and what is tried is written there."""
        verdicts: Known = {} if known is None else known
        tried, alive = Counter[Kind](), []
        for mutant in chosen:
            tried[mutant.kind] += 1
            if not self._killed(mutant, verdicts):
                alive.append(mutant)
        return Score(tried, tuple(alive))

    def _killed(self, mutant: Mutant, known: Known) -> bool:
        """Whether a test fails with its rules that does not fail with them as they were."""
        its = self._seen(mutant.part)
        key, every = _digest(mutant.text), _digest(*(test.digest for test in its))
        if known.get(key) in {every, *(test.digest for test in its)}:
            return known[key] != every
        for test in sorted(its, key=functools.partial(self._promise, mutant), reverse=True):
            if self._fails(test, mutant.text):
                self._assert_stands(test, mutant)
                self.found[mutant.rule, test.name] += 1
                self.alike[_alike(mutant, test)] += 1
                known[key] = test.digest
                return True
        known[key] = every
        return False

    def _assert_stands(self, test: Seen, mutant: Mutant) -> None:
        """That the test passes with the rules as they were."""
        as_they_were = mutant.part, test.digest
        if as_they_were not in self.stands and self._fails(test, mutant.part.text()):
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

    def _fails(self, test: Seen, rules: str) -> bool:
        (self.folder / f"{self.name}.rules.yaml").write_text(rules, encoding="utf-8")
        path = self.folder / "one.test.json"
        path.write_text(test.text, encoding="utf-8")
        run = subprocess.run(["promtool", "test", "rules", path], capture_output=True, check=False, env=_ONE_CORE)
        return run.returncode != 0


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

"""Every mutant of a service's rules against the tests that were generated with them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, MutableMapping
from pathlib import Path
from typing import Self

import yaml

from tests.rulegen.mutants import Kind, Mutant, mutants
from tests.rulegen.rules_made import generated

Known = MutableMapping[str, bool]  # digest of a mutant and of the tests -> whether it was killed


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """How many were tried of each kind, and what the survivors changed."""

    tried: Counter[Kind]
    alive: tuple[Mutant, ...]

    def __str__(self) -> str:
        left = Counter(mutant.kind for mutant in self.alive)
        return ", ".join(f"{kind} {count - left[kind]}/{count}" for kind, count in sorted(self.tried.items()))


@dataclasses.dataclass(slots=True)
class Sweep:
    """The rules of the service `name`, and its generated tests one by one."""

    rules: Path
    tests: list[tuple[str, Path]]
    made: str
    digest: str

    @classmethod
    def of(cls, folder: Path, text: str, name: str) -> Self:
        """Of what is generated from this declaration."""
        files = generated(folder, text)
        made = {file: content for file, content in files.items() if file.startswith(f"{name}.")}
        digest = hashlib.sha256(json.dumps(sorted(made.items())).encode()).hexdigest()
        tests = _each_test(folder / "generated", name)
        return cls(folder / "generated" / f"{name}.rules.yaml", tests, made[f"{name}.rules.yaml"], digest)

    def score(self, chosen: Iterable[Mutant], known: Known | None = None) -> Score:
        """Of `chosen`; what is in `known` is not tried again, and what is tried is written there."""
        verdicts: Known = {} if known is None else known
        tried, alive = Counter[Kind](), []
        for mutant in chosen:
            key = hashlib.sha256((self.digest + mutant.text).encode()).hexdigest()
            if key not in verdicts:
                verdicts[key] = self._killed(mutant)
            tried[mutant.kind] += 1
            if not verdicts[key]:
                alive.append(mutant)
        return Score(tried, tuple(alive))

    def mutants(self) -> Iterable[Mutant]:
        return mutants(self.made)

    def _killed(self, mutant: Mutant) -> bool:
        """Whether one of the tests that have to do with it fails with its rules. First come those of the alert it is
        of, and of them the ones that told the last mutants, which are moved to the front."""
        self.rules.write_text(mutant.text, encoding="utf-8")
        words = mutant.title.split(":", maxsplit=1)[0].split()
        its = [test for test in self.tests if _of(test[0], mutant.alerts)]
        for one in sorted(its, key=lambda test: -sum(word in test[0] for word in words)):
            run = subprocess.run(["promtool", "test", "rules", one[1]], capture_output=True, text=True, check=False)
            if run.returncode:
                self.tests.remove(one)
                self.tests.insert(0, one)
                return True
        return False


def _each_test(folder: Path, name: str) -> list[tuple[str, Path]]:
    """The tests of the service `name` in `folder`, each with its name and in a file of its own."""
    found = []
    for tests in sorted(folder.glob(f"{name}.*test.yaml")):
        whole = yaml.load(tests.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        for number, test in enumerate(whole["tests"]):
            path = folder / f"{tests.stem}.{number}.json"
            path.write_text(json.dumps({**whole, "tests": [test]}), encoding="utf-8")
            found.append((test["name"], path))
    return found


def _of(test: str, alerts: frozenset[str]) -> bool:
    """Whether the test of this name is about one of the alerts; those of records are about an objective's alerts."""
    word = re.split(r"[,: ]", test, maxsplit=1)[0]
    about_records = word == "Records" or "days and nights" in test or "both ends" in test
    return word in alerts or (about_records and "ErrorBudgetLow" in alerts)

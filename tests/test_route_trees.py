"""Matchers within whole route trees: the receivers that Alertmanager's own amtool names."""

from __future__ import annotations

import concurrent.futures
import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from alertd.matchers import Matcher, parse
from tests.test_matchers import PIECES, VALUES, told_by_amtool

TREES, LABEL_SETS = 30, 10
NAMES = ("a", "b", "c")
Tree = dict[str, Any]


def matcher(chance: random.Random) -> str:
    """A matcher as somebody writes it: quoted, or bare where that says the same."""
    while True:
        op = chance.choice(("=", "=", "!=", "=~", "=~", "!~"))
        value = chance.choice(VALUES) if not op.endswith("~") else "|".join(
            "".join(chance.choices(PIECES, k=chance.randint(0, 3))) for _ in range(chance.randint(1, 3)))
        try:
            whole = Matcher(chance.choice(NAMES), op, value)
        except ValueError:  # such as "^*", which RE2 would not take either
            continue
        bare = f" {whole.label} {op} {value} "
        return bare if value.isalnum() and value.isascii() and chance.random() < 0.4 else str(whole)


def tree(chance: random.Random, numbers: list[str], depth: int = 0) -> Tree:
    """A route with a receiver of its own; about half of them let their sisters be asked as well."""
    numbers.append(f"r{len(numbers)}")
    below = chance.randint(1, 4) if depth == 0 else chance.choice((0, 0, 1, 3)) if depth < 3 else 0
    route: Tree = {"receiver": numbers[-1]}
    if depth:
        route |= {"matchers": [matcher(chance) for _ in range(chance.choice((0, 1, 1, 1, 2)))],
                  "continue": chance.random() < 0.5}
    return route | {"routes": [tree(chance, numbers, depth + 1) for _ in range(below)]}


def walk(route: Tree, labels: Mapping[str, str]) -> list[str]:
    """The receivers for these labels, in the order of the file: the deepest routes that match, of sisters the first
    and those it lets be asked. https://prometheus.io/docs/alerting/latest/configuration/#route"""
    if not all(parse(text).matches(labels) for text in route.get("matchers", ())):
        return []
    found: list[str] = []
    for below in route["routes"]:
        there = walk(below, labels)
        found += there
        if there and not below["continue"]:
            break
    return found or [route["receiver"]]


@pytest.mark.timeout(120)
def test_same_routes_as_amtool(tmp_path: Path) -> None:
    """30 random trees of routes choose for 10 random label sets each the receivers that Alertmanager's tool names."""
    chance = random.Random(20261124)
    asked: list[tuple[Path, Tree, dict[str, str]]] = []
    for number in range(TREES):
        receivers: list[str] = []
        root = tree(chance, receivers)
        config = tmp_path / f"{number}.json"  # JSON is YAML
        config.write_text(json.dumps({"route": root, "receivers": [{"name": name} for name in receivers]}))
        asked += [(config, root, {name: value for name in NAMES if (value := chance.choice(VALUES))})
                  for _ in range(LABEL_SETS)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda one: told_by_amtool(one[0], one[2]), asked))
    below = 0
    for (config, root, labels), theirs in zip(asked, answers, strict=True):
        ours = set(walk(root, labels))
        assert ours == theirs, (labels, config.read_text())
        below += ours != {root["receiver"]}
    assert below > TREES * LABEL_SETS / 3  # trees in which nothing matched would prove nothing

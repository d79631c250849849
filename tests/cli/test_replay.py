"""What a backtest asks a Prometheus for."""

from __future__ import annotations

import collections
import datetime
from pathlib import Path
from typing import Any

from alertd.backtest.report import Span
from alertd.backtest.telling import Grouping
from alertd.cli._replay import Replay
from alertd.cli.rules_backtest import _side
from alertd.model import DAY, MINUTE
from alertd.prometheus import History

SERVICES, DAYS = 50, 30
ROUTING = "receivers: {team: {log: {}}}\nroutes: {critical: team, warning: team, info: team}\n"


class Counting:
    """A Prometheus that knows nothing, and counts what it is asked."""

    def __init__(self) -> None:
        self.asked: collections.Counter[tuple[str, int]] = collections.Counter()

    def range(self, query: str, start: int, end: int, step: int) -> History:
        self.asked[query, start] += 1
        return History((), ())


def test_a_month_of_a_hundred_rules_is_read_once(tmp_path: Path) -> None:
    """Each expression once in each of the four pieces that a server gives, though two rule sets have it."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/a.yaml").write_text("thresholds: {error_rate: 5%, response_time: 1s}\nservices:\n" + "".join(
        f"  s{number}: {{metrics: prometheus-http, selector: 'job=\"s{number}\"'}}\n" for number in range(SERVICES)))
    (tmp_path / "routing.yaml").write_text(ROUTING)
    source: Any = Counting()
    end = 1_800_000_000_000 // MINUTE * MINUTE
    span = Span(end - DAYS * DAY, end, MINUTE, datetime.UTC)
    sides = [_side(name, tmp_path / "rules", tmp_path / "routing.yaml") for name in ("new", "old")]
    with Replay(source, frozenset(), span, sides) as replay:
        for side in sides:
            assert not replay.of(side, Grouping(("alertname",), 0, MINUTE)).left
    assert set(source.asked.values()) == {1}
    queries = collections.Counter(query for query, _ in source.asked)
    assert len(queries) >= 100
    assert set(queries.values()) == {4}

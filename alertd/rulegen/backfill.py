"""The past of budgets that are new: rules from which promtool makes the rows of a time in which nobody recorded any.
https://prometheus.io/docs/prometheus/latest/storage/#backfilling-for-recording-rules"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from alertd.model import DAY, HOUR, SECOND, Millis
from alertd.rulegen import emit, promql, rows
from alertd.rulegen.differences import SLOT
from alertd.rulegen.rows import Tracked
from alertd.rulegen.rules import RuleFile
from alertd.rulegen.version import OLDEST, PrometheusVersion

# Blocks that end later may reach into what Prometheus still holds in memory, which it then takes for stored, and drops.
HEAD: Millis = 3 * HOUR
_BLOCK: Millis = 54 * HOUR  # Prometheus' own size for a retention of 30 days, in place of one block a rule and 2h
_SMALL: Millis = 18 * HOUR  # and for one of 8 days


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """One call of promtool: the rules of objectives with the same window whose rows began at the same time. It may run
    from `ready` on."""

    file: str
    text: str
    start: Millis
    end: Millis
    objectives: tuple[str, ...]
    block: Millis

    @property
    def ready(self) -> Millis:
        return self.end + HEAD

    def command(self, url: str, folder: PurePath) -> str:
        """For a shell; the blocks are written into `folder`/data."""
        return " ".join((
            "promtool tsdb create-blocks-from", f"--max-block-duration={promql.duration(self.block)}", "rules",
            f"--url={url}", f"--start={_written(self.start)}", f"--end={_written(self.end)}",
            f"--eval-interval={promql.duration(SLOT)}", f"--output-dir={folder / 'data'}", str(folder / self.file)))


def plans(began: Iterable[tuple[Tracked, Millis]], now: Millis, version: PrometheusVersion = OLDEST) -> list[Plan]:
    """What to do for these objectives, given when the first row of each was made, as far as their windows at `now`
    reach behind that."""
    together: dict[tuple[Millis, Millis], list[Tracked]] = {}
    for tracked, first in began:
        if first > now - tracked.window + HOUR:
            together.setdefault((tracked.window, first // SLOT * SLOT), []).append(tracked)
    return [_plan(window, first, its, now, version) for (window, first), its in sorted(together.items())]


def _plan(window: Millis, first: Millis, its: Sequence[Tracked], now: Millis, version: PrometheusVersion) -> Plan:
    end = first - SECOND  # the slot of the first row is its own
    name = f"{promql.duration(window)}-until-{_moment(first):%Y%m%dT%H%MZ}.yaml"
    groups = tuple(rows.backfill(tracked, version=version) for tracked in its)
    start = (now - window) // HOUR * HOUR - HOUR  # the window's first hour may be read an hour from now
    objectives = tuple(f"{tracked.service} {tracked.slo}" for tracked in its)
    return Plan(name, emit.rules(RuleFile(name, groups)), start, end, objectives,
                _BLOCK if window >= 30 * DAY else _SMALL)


def _written(at: Millis) -> str:
    return f"{_moment(at):%Y-%m-%dT%H:%M:%SZ}"


def _moment(at: Millis) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at // SECOND, datetime.UTC)

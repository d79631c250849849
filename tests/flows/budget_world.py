"""Five weeks of two services in a real Prometheus, and what is true of them: every event is counted here as it happens.

The rules of rules/generated/ were loaded a few hours before the end: rows exist from then on, the weeks before are
there as raw counters only. `rows=True`: they were there all along.
"""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Iterator
from pathlib import Path

from alertd.config import rules_file
from alertd.model import DAY, HOUR, MINUTE, Millis
from alertd.rulegen import objectives, rows
from alertd.rulegen.declared import Declared
from alertd.rulegen.rules import RecordingRule
from bench.slo.server import Prometheus, load, prometheus

RULES = """
services:
  checkout:
    metrics: prometheus-http
    selector: job="checkout"
    slos:
      availability: {objective: 99.9%, window: 30d}
      weekly: {objective: 99%, window: 7d}
      latency: {objective: 99%, window: 7d, under: 500ms}
      steady: {objective: 99%, window: 7d, method: timeslices, slice_target: 95%}
  tenants:
    metrics: prometheus-http
    selector: job="tenants"
    slos:
      each: {objective: 99.5%, window: 28d, by: [tenant]}
"""
DAYS = 35
END: Millis = 1_774_958_400_000  # 2026-03-31 12:00 UTC: the clocks of Berlin changed two days before
START: Millis = END - DAYS * DAY
STEP: Millis = MINUTE  # of a scrape
RECORDED = 6 * HOUR  # before the end the rules were loaded
PHASE: Millis = 37_000  # after a mark at which a group has its turn
OUTAGES = {  # of checkout: its beginning before the end, its length, the share of requests that fail
    3 * DAY + 2 * HOUR + 17 * MINUTE: (25 * MINUTE, 1.0), 12 * DAY + 40 * MINUTE: (2 * HOUR, 0.05),
    29 * DAY + 6 * HOUR: (7 * MINUTE, 1.0), 9 * HOUR: (10 * MINUTE, 0.3), 90 * MINUTE: (30 * MINUTE, 0.02)}


@dataclasses.dataclass(slots=True)
class Truth:
    """Events and bad ones of one series of counters, by the minute they happened in."""

    events: list[int]
    bad: list[int]

    def count(self, since: Millis, until: Millis) -> tuple[int, int]:
        first, last = (max(0, (at - START) // STEP) for at in (since, until))
        return sum(self.events[first:last]), sum(self.bad[first:last])

    def left(self, objective: float, since: Millis, until: Millis, but: tuple[Millis, Millis] | None = None) -> float:
        """What is left of the budget of this time, without what happened in `but`."""
        events, bad = self.count(since, until)
        if but:
            out = self.count(*but)
            events, bad = events - out[0], bad - out[1]
        return 1 - bad / (events * (1 - objective))


@dataclasses.dataclass(slots=True)
class World:
    server: Prometheus
    declared: Declared
    truth: dict[str, Truth]


def _minutes(rng: random.Random, scale: float, outages: dict[Millis, tuple[Millis, float]]) -> Truth:
    truth = Truth([], [])
    for at in range(START, END, STEP):
        hour = at / HOUR % 24
        events = max(0, round(scale * (1.05 + math.sin((hour - 9) / 24 * 2 * math.pi)) + rng.uniform(-3, 3)))
        share = max([0.0003, *(its for ago, (length, its) in outages.items() if END - ago <= at < END - ago + length)])
        truth.events.append(events)
        truth.bad.append(min(events, round(events * share + rng.random() - 0.5)))
    return truth


def _counters(job: str, labels: str, truth: Truth, reset: Millis) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """Good and failed requests as counters, scraped just after each minute; both begin anew at `reset`. The failed ones
    are born with the first failure."""
    good, bad = [], []
    ok = failed = 0
    for index, (events, wrong) in enumerate(zip(truth.events, truth.bad, strict=True)):
        if START + index * STEP == reset:
            ok = failed = 0
        ok, failed = ok + events - wrong, failed + wrong
        at = (START + (index + 1) * STEP) / 1000
        good.append((at, float(ok)))
        if failed or bad:
            bad.append((at, float(failed)))
    yield f'http_requests_total{{job="{job}",instance="a",{labels}code="200"}}', good
    yield f'http_requests_total{{job="{job}",instance="a",{labels}code="500"}}', bad


def _durations(truth: Truth) -> dict[str, list[tuple[float, float]]]:
    """What failed was slow too."""
    every, fast = [], []
    count = bucket = 0
    for index, (events, wrong) in enumerate(zip(truth.events, truth.bad, strict=True)):
        count, bucket = count + events, bucket + events - wrong
        at = (START + (index + 1) * STEP) / 1000
        every.append((at, float(count)))
        fast.append((at, float(bucket)))
    name = 'http_request_duration_seconds_{}{{job="checkout",instance="a"{}}}'
    return {name.format("count", ""): every, name.format("bucket", ',le="0.5"'): fast}


def _up(job: str) -> tuple[str, list[tuple[float, float]]]:
    return f'up{{job="{job}",instance="a"}}', [(at / 1000, 1.0) for at in range(START, END + STEP, STEP)]


def filled(folder: Path, seed: int = 7, *, recorded: Millis = RECORDED) -> tuple[Path, Declared, dict[str, Truth]]:
    """The data of a Prometheus, what rules/ declares, and the truth."""
    rng = random.Random(seed)
    truth = {"checkout": _minutes(rng, 400, OUTAGES), "tenants a": _minutes(rng, 60, {2 * DAY: (40 * MINUTE, 0.5)}),
             "tenants b": _minutes(rng, 5, {})}
    points = dict([_up("checkout"), _up("tenants")])
    points |= dict(_counters("checkout", "", truth["checkout"], END - 20 * DAY))
    points |= _durations(truth["checkout"])
    truth["checkout steady"] = Truth([int(events > 0) for events in truth["checkout"].events], [
        int(bad * 20 > events) for events, bad in zip(truth["checkout"].events, truth["checkout"].bad, strict=True)])
    for tenant in ("a", "b"):
        points |= dict(_counters("tenants", f'tenant="{tenant}",', truth[f"tenants {tenant}"], END - 11 * DAY))
    data = folder / "data"
    load(data, points)
    (folder / "rules").mkdir()
    (folder / "rules" / "slos.yaml").write_text(RULES)
    declared = rules_file.load(folder / "rules").declared
    if recorded:
        events = _recorded(folder, data, declared, recorded, "events")
        load(data, events)  # good ones are taken from the record of all
        bad = _recorded(folder, data, declared, recorded, "bad")
        load(data, {series: [(at, dict(bad.get(series, ())).get(at, 0.0)) for at, _ in points] for series, points in (
            (name.replace("slo:events", "slo:bad"), points) for name, points in events.items()
            if 'part="among"' not in name)})
    return data, declared, truth


def _recorded(folder: Path, data: Path, declared: Declared, span: Millis, what: str
              ) -> dict[str, list[tuple[float, float]]]:
    """The rows and what is open, as the rules would have made them since they were loaded."""
    found: dict[str, list[tuple[float, float]]] = {}
    first, last = (END - span) // 1000 + PHASE // 1000, END // 1000
    with prometheus(folder, data) as server:
        for watch in (one for service in declared.services for one in objectives.watches(service)):
            rules = {(rule.record, rule.labels.get("part")): rule for group in rows.groups(watch.tracked)
                     for rule in group.rules if isinstance(rule, RecordingRule)}
            found |= _asked(server, rules[f"slo:{what}:increase5m", None], first, last, 300)
            if opened := rules.get((f"slo:{what}:open", watch.tracked.live)):  # bad ones may be among all
                found |= _asked(server, opened, last - 600, last, 30)
    return found


def _asked(server: Prometheus, rule: RecordingRule, first: float, last: float, step: float
           ) -> dict[str, list[tuple[float, float]]]:
    answer = server._ask("query_range", query=rule.expr, start=first, end=last, step=step)["result"]
    found = {}
    for series in answer:
        labels = {**{name: value for name, value in series["metric"].items() if name != "__name__"}, **rule.labels}
        name = rule.record + "{" + ",".join(f'{label}="{value}"' for label, value in labels.items()) + "}"
        found[name] = [(float(at), float(value)) for at, value in series["values"]]
    return found

"""The records as a Prometheus that was there all along would have made them.

Every rule is evaluated at the moments of its group, by range queries over what it reads. A rule that reads its own
past (the row's last mark, the total) is evaluated in the order of its past.
"""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from alertd.rulegen.rules import RecordingRule
from bench.slo import shapes, world
from bench.slo.server import Labels, Points, load, prometheus
from bench.slo.world import History, Service

SLOW = 137  # seconds after a full five minutes at which the group of rows has its turn
HOURLY = 671  # and after a full half hour, for the sums of hours
FAST = 19  # seconds after a full half minute for the budget's
ASKED = 6 * world.DAY  # the last days, of which every moment is asked
END = world.START + world.DAYS * world.DAY - 600
_SLOT, _HOURS, _SCRAPE, _WINDOW = 300, 1800, world.SCRAPE, 30 * world.DAY
Recorded = dict[str, list[tuple[float, float]]]


def raw(services: Mapping[Service, History]) -> Points:
    points: dict[str, Sequence[tuple[float, float]]] = {}
    for service, history in services.items():
        for instance, target in zip("abc", history.targets, strict=False):
            its = f'job="{service.name}",instance="{instance}"'
            points |= {f'http_requests_total{{{its},code="{code}"}}': samples
                       for code, samples in target.samples.items()}
            points[f"up{{{its}}}"] = target.up
    return points


def record(folder: Path, data: Path, services: Mapping[Service, History], missed: float = 0) -> None:
    """Fill `data` with the raw series, our records and Sloth's; of our evaluations the share `missed` did not happen.
    """
    def load_kept(into: Path, recorded: Recorded) -> None:
        load(into, {name: [point for point in points if _kept(name, point[0], missed)]
                    for name, points in recorded.items()})

    load(data, raw(services))
    first = data.with_name(f"{data.name}-first")  # apart, for Prometheus compacts what overlaps
    shutil.copytree(data, first)
    load_kept(first, _rows(folder, first, list(services)))  # as if there had been no row before any
    again = {name: [point for point in points if _kept(name, point[0], missed)]
             for name, points in _rows(folder, first, list(services)).items()}
    shutil.rmtree(first)
    load(data, again)
    load(data, _sloth(folder, data, list(services)))
    load_kept(data, _pass(folder, data, list(services), (*_both("increase1h"), "slo:events:open")) | _totals(again))
    for names in (_both("hours30d", "since_hour"), (*_both("since_hour_30d_ago"), "slo:events:open ago"),
                  _both("closed30d"), ("slo:events:increase30d",), ("slo:bad:increase30d",)):
        load_kept(data, _pass(folder, data, list(services), names))


def _kept(name: str, second: float, missed: float) -> bool:
    """Whether this record was made at this second. A group misses all its records at once; each service has groups of
    its own."""
    return ":increase30d" in name or happened(name.partition('service="')[2].partition('"')[0], second, missed)


def happened(service: str, second: float, missed: float) -> bool:
    """Whether the evaluation of this second did, of which the share `missed` does not. People are shown the one before
    it then, which is as old as it is, whatever it said."""
    return not missed or random.Random(f"{service} {second}").random() >= missed


def _both(*names: str) -> tuple[str, ...]:
    return tuple(f"slo:{what}:{name}" for what in ("events", "bad") for name in names)


def named(service: Service, record: str, found: Labels = ()) -> str:
    """A series of one of our records, of an expression that gives these labels."""
    rule = _rule(service, record)
    labels = {name: value for name, value in found if name != "__name__"} | dict(rule.labels)
    return rule.record + "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def _rule(service: Service, name: str) -> RecordingRule:
    """The first of a record, or that of a part: `slo:events:open ago`."""
    record, _, part = name.partition(" ")
    return next(rule for group in shapes.ours(service) for rule in group.rules
                if isinstance(rule, RecordingRule) and rule.record == record and part in rule.labels.get("part", part))


def _rows(folder: Path, data: Path, services: list[Service]) -> Recorded:
    found: Recorded = {}
    with prometheus(folder, data) as server:
        for service in services:
            rows = {what: dict(server.values(_rule(service, f"slo:{what}:increase5m").expr,
                                             world.START + SLOW, END, _SLOT)) for what in ("events", "bad")}
            # where no failure is counted the rule falls back to 0 times the row before it in the group
            rows["bad"] = {second: rows["bad"].get(second, 0.0) for second in rows["events"]}
            for what, its in rows.items():
                found[named(service, f"slo:{what}:increase5m")] = sorted(its.items())
    return found


def _totals(rows: Recorded) -> Recorded:
    """The rule in Python's words: the row and what it was within two hours."""
    found: Recorded = {}
    for name, points in rows.items():
        its: list[tuple[float, float]] = []
        total, last = 0.0, float("-inf")
        for second, value in points:
            total = value + (total if second - last <= 7200 else 0)
            its.append((second, total))
            last = second
        found[name.replace(":increase5m", ":total")] = its
    return found


def _pass(folder: Path, data: Path, services: list[Service], names: tuple[str, ...]) -> Recorded:
    """These records, which read none of each other."""
    spans: dict[str, list[tuple[float, float, float]]] = {
        "since_hour": [(slow(END - ASKED - _WINDOW - 7200), END, _SLOT)],
        "hours30d": [(slow(END - ASKED - 5 * 3600) - SLOW + HOURLY, END, _HOURS)],
        "increase1h": [(world.START + SLOW, END, _SLOT)],
        "open": [(fast(END - ASKED - _WINDOW - 3600), fast(END - _WINDOW), _SCRAPE),
                 (fast(END - ASKED - 25_000), END, _SCRAPE)],
        "open ago": [(fast(END - ASKED), END, _SCRAPE)],
        "increase30d": [(fast(END - ASKED), END, _SCRAPE)]}
    found: Recorded = {}
    with prometheus(folder, data) as server:
        for service, name in itertools.product(services, names):
            expr = _rule(service, name).expr
            for span in spans.get(name.split(":")[-1], [(slow(END - ASKED - 3600), END, _SLOT)]):
                for labels, points in server.series(expr, *span).items():
                    found.setdefault(named(service, name, labels), []).extend(points)
    return found


def _sloth(folder: Path, data: Path, services: list[Service]) -> Recorded:
    with prometheus(folder, data) as server:
        return {shapes.sloth_record(service, "5m"): server.values(
            shapes.sloth_ratio(service, "5m"), fast(world.START), END, _SCRAPE) for service in services}


def slow(second: float) -> float:
    return second // _SLOT * _SLOT + SLOW


def fast(second: float) -> float:
    return second // _SCRAPE * _SCRAPE + FAST

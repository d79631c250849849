import dataclasses
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from alertd.matchers import Matcher
from alertd.model import DAY, HOUR, MINUTE
from alertd.rulegen import differences, emit, rows
from alertd.rulegen.indicator import Indicator, pattern
from alertd.rulegen.rows import Tracked
from alertd.rulegen.rules import RuleFile
from tests.rulegen.rules_made import promtool

ALL, FAILED = 'requests_total{job="shop"}', 'requests_total{job="shop",code=~"5.."}'
COUNTED = Indicator((ALL,), (FAILED,), scraped='up{job="shop"}')
MARKED = dataclasses.replace(COUNTED, marks=(Matcher("code", "=~", "5.."),))
SHOP = Tracked("shop", "up", Decimal("0.999"), 2 * HOUR, MARKED)
EVENTS, BAD, LEFT = "slo:events:increase2h", "slo:bad:increase2h", rows.remaining(SHOP)
TARGET = {'up{job="shop",instance="a"}': "1x600"}


def requests(code: int = 200, **labels: str) -> str:
    every = {"job": "shop", "instance": "a", "code": str(code), **labels}
    return "requests_total{" + ",".join(f'{name}="{value}"' for name, value in every.items()) + "}"


def prove(folder: Path, series: dict[str, str], samples: dict[str, list[tuple[int, float | None]]], *,
          tracked: Tracked | Sequence[Tracked] = SHOP, every: str = "1m", only: str = "") -> None:
    """Given `series` at a step of a minute, and rules evaluated at that of `every`: expression -> (minute, value). The
    value is the sum of what the expression has, None where it must have nothing. `only`: of the groups of this name."""
    groups = [group for one in ([tracked] if isinstance(tracked, Tracked) else tracked) for group in rows.groups(one)
              if group.name.endswith(only)]
    (folder / "made.rules.yaml").write_text(emit.rules(RuleFile("made", tuple(groups))))
    tests = [{"interval": "1m",
              "input_series": [{"series": name, "values": values} for name, values in series.items()],
              "promql_expr_test": [
                  {"expr": f"sum({expr})", "eval_time": f"{minute}m",
                   "exp_samples": [] if value is None else [{"labels": "{}", "value": value}]}
                  for expr, wanted in samples.items() for minute, value in wanted]}]
    path = folder / "made.test.yaml"
    path.write_text(json.dumps({"rule_files": ["made.rules.yaml"], "evaluation_interval": every, "tests": tests}))
    promtool("test", "rules", path)


@pytest.mark.parametrize("every", ["30s", "1m", "5m", "10m"])
def test_rows_add_up_to_what_happened(tmp_path: Path, every: str) -> None:
    """Uneven traffic is counted to the last request, however often the rules are evaluated; also where every second
    row is missing."""
    series = {requests(): "0+7x90 1000+3x100 2000+90x410", **TARGET}
    # at minute 90 it is 630, at 91 1000; at 191 1300, at 192 2000
    prove(tmp_path, series, {EVENTS: [(200, 2720 - 560), (300, 11720 - 1267)], BAD: [(200, 0)]}, every=every)


def test_both_ends_of_the_window_move_with_the_clock(tmp_path: Path) -> None:
    """An outage is in the count a minute after it began, and out of it to the minute a window later."""
    failures = "0x200 100+100x9 1000x390"
    series = {requests(): "0+1000x600", requests(500): failures, **TARGET}
    prove(tmp_path, series, {BAD: [(200, 0), (201, 100), (203, 300), (210, 1000), (320, 1000), (321, 900), (325, 500),
                                   (330, 0)],
                             rows.bad_count(SHOP, HOUR): [(210, 1000), (265, 500), (270, 0)],
                             rows.bad_count(SHOP, 5 * MINUTE): [(203, 300), (208, 500), (213, 200), (215, 0)],
                             rows.bad_count(SHOP, 6 * HOUR): [(560, 1000), (566, 400)]})


def test_a_birth_counts_from_zero(tmp_path: Path) -> None:
    """The first failure of a target that was scraped before is counted at once, and once."""
    series = {requests(): "0+10x300", requests(500): "_x200 4x100", **TARGET}
    prove(tmp_path, series, {BAD: [(199, 0), (200, 4), (206, 4), (250, 4)]})


def test_bad_events_are_the_same_found_among_all_or_counted_themselves(tmp_path: Path) -> None:
    """Births, a restart, and a series that is marked in two ways."""
    two, marks = (*COUNTED.bad, FAILED.replace("code", "status")), (*MARKED.marks, Matcher("status", "=~", "5.."))
    both = [dataclasses.replace(SHOP, slo=slo, indicator=dataclasses.replace(COUNTED, bad=two, marks=its))
            for slo, its in (("counted", ()), ("marked", marks))]
    series = {requests(): "0+10x300", requests(500, status="503"): "_x200 4+1x40 0+2x60",
              requests(200, status="500"): "0+1x300", **TARGET}
    counted, marked = (f'{BAD}{{slo="{one.slo}"}}' for one in both)
    minutes = [1, 100, 199, 200, 203, 240, 241, 242, 246, 250, 260, 300]
    prove(tmp_path, series, {f"sum({counted}) - sum({marked})": [(minute, 0) for minute in minutes],
                             marked: [(100, 100), (200, 124)]}, tracked=both)


def test_a_label_that_is_there_at_all_marks_a_failure(tmp_path: Path) -> None:
    """OpenTelemetry's error_type, which has any value. Where none failed there are none, from the first event on."""
    mark = Matcher("error_type", "!=", "")
    tracked = dataclasses.replace(SHOP, indicator=dataclasses.replace(
        MARKED, bad=(COUNTED.events[0].replace("}", ',error_type!=""}'),), marks=(mark,)))
    series = {requests(): "0+10x300", requests(200, error_type="timeout"): "_x200 4+2x100", **TARGET}
    prove(tmp_path, series, {BAD: [(1, 0), (199, 0), (200, 4), (203, 10), (250, 104)]}, tracked=[tracked])


@pytest.mark.parametrize(("mark", "told"), [
    (Matcher("code", "=~", "5.."), "5.."), (Matcher("code", "=", "5.."), "5\\.\\."), (Matcher("code", "!=", ""), ".+"),
    (Matcher("code", "!=", "200"), None), (Matcher("code", "!~", "2.."), None)])
def test_what_a_mark_matches_as_a_regular_expression(mark: Matcher, told: str | None) -> None:
    """Or nothing, where bad events must be read on their own."""
    assert pattern(mark) == told


def test_what_was_counted_before_the_first_scrape_is_not_new(tmp_path: Path) -> None:
    """A target that joins with a history brings none of it into the count."""
    late = {'up{job="shop",instance="b"}': "_x200 1x100", requests(500, instance="b"): "_x200 5000 5000+1x99"}
    series = {requests(): "0+10x300", **TARGET, **late}
    prove(tmp_path, series, {BAD: [(200, 0), (210, 9), (250, 49)]})


def test_a_restart_loses_no_more_than_a_slot_estimated(tmp_path: Path) -> None:
    """Counters that begin anew count on; only the slot of the restart is an estimate, within a tenth of it."""
    series = {requests(): "0+60x200 0+60x100", **TARGET}
    prove(tmp_path, series, {f"abs({EVENTS} - 7140) < bool 30": [(202, 1), (210, 1), (260, 1)],
                             f"abs({rows.event_count(SHOP, HOUR)} - 3540) < bool 30": [(202, 1), (260, 1)]})


def test_a_restart_is_seen_though_the_counter_outgrew_its_old_value(tmp_path: Path) -> None:
    """Within one slot, so that the counter at its end stands above that at its begin; the slot is an estimate."""
    series = {requests(): "0+1x200 0+200x100", **TARGET}
    prove(tmp_path, series, {f"abs({EVENTS} - {count}) < bool 100": [(minute, 1)]
                             for minute, count in ((225, 95 + 4800), (260, 60 + 11800))})


def test_a_gap_is_in_the_row_after_it(tmp_path: Path) -> None:
    """What targets counted while they were not scraped is there once they are again: nothing lost, nothing twice."""
    gap = {requests(): "0+10x150 _x80 2310+10x200", 'up{job="shop",instance="a"}': "1x150 _x80 1x200"}
    prove(tmp_path, gap, {"slo:events:total": [(155, 1500), (300, 2990)], EVENTS: [(155, 1150), (245, 2450 - 1250)]})


def test_a_missed_evaluation_of_the_rows_hides_its_slot_until_the_next(tmp_path: Path) -> None:
    """Everything fails from minute 201 on, 100 a minute, and the row of the mark at 210 was not made. It should have
    settled half a minute after the mark at 215; from then on until as long after the next mark, its five minutes are
    not in the budget. Then they are."""
    made = {mark + 2: max(mark - 1 - 200, 0) * 100 for mark in range(0, 300, 5) if mark != 210}
    closed = " ".join(str(made.get(minute, "_")) for minute in range(300))
    labels = '{service="shop",slo="up"}'
    series = {requests(500): "0x200 100+100x99", **TARGET, f"slo:bad:closed2h{labels}": closed}
    prove(tmp_path, series, {BAD: [(minute, (minute - 200 - late) * 100) for minute, late in (
        (214, 0), (215, 0), (216, 5), (220, 5), (221, 0), (230, 0))]}, tracked=SHOP, only="budget")


def test_a_pod_that_ended_is_counted_to_its_last_sample(tmp_path: Path) -> None:
    """Rolling deployments take no requests out of the count."""
    series = {requests(): "0+10x203 stale", requests(instance="b"): "0+10x400", **TARGET}
    prove(tmp_path, series, {EVENTS: [(203, 2400), (206, 1200 + 1170), (220, 1200 + 1030)]})


def test_no_traffic_is_no_ratio(tmp_path: Path) -> None:
    """Without events there is neither a ratio nor a budget, and never NaN; what was counted stays 0."""
    windows = [5 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, DAY, 3 * DAY]
    nothing = {rows.ratio(SHOP, window): [(300, None)] for window in windows}
    prove(tmp_path, {requests(): "5x400", **TARGET},
          {**nothing, LEFT: [(300, None)], EVENTS: [(300, 0)], BAD: [(300, 0)], rows.coverage(SHOP): [(300, 1)]})


def test_few_failures_give_no_ratio_when_asked(tmp_path: Path) -> None:
    """`least` keeps a single failure at night from being a share."""
    series = {requests(): "0+1x400", requests(500): "0x290 2x110", **TARGET}
    prove(tmp_path, series, {rows.ratio(SHOP, HOUR, 2): [(300, 2 / 62)], rows.ratio(SHOP, HOUR, 3): [(300, None)]})


def test_nights_weigh_what_they_carry(tmp_path: Path) -> None:
    """A total outage in a quiet hour takes its requests from the budget, not its minutes."""
    series = {requests(): "0+1000x239 239000x360", requests(500): "0x240 1+1x59 60x300", **TARGET}
    prove(tmp_path, series, {f"round({LEFT}, 0.0001)": [(300, round(1 - 60 / (59060 / 1000), 4))]})


def test_groups_are_kept_apart(tmp_path: Path) -> None:
    """Every record, ratio and count carries the labels of `by`, and none is mixed with another's."""
    tracked = dataclasses.replace(SHOP, by=("route",))
    series = {requests(route="a"): "0+10x400", requests(500, route="a"): "0+10x400",
              requests(route="b"): "0+30x400", **TARGET}
    wanted = {f'({rows.ratio(tracked, window)}) == {value} and on (route) up_{route}': None
              for window in (5 * MINUTE, 2 * HOUR) for route, value in (("a", 0.5), ("b", 0))}
    series |= {f'up_{route}{{route="{route}"}}': "1x400" for route in "ab"}
    prove(tmp_path, series, {expr: [(300, float(expr.split(" == ")[1].split(" ")[0]))] for expr in wanted}
          | {f'{BAD}{{route="a"}}': [(300, 1200)], f'{BAD}{{route="b"}}': [(300, 0)],
             f'{EVENTS}{{service="shop",slo="up",route="b"}}': [(300, 3600)]}, tracked=tracked)


def test_good_events_leave_the_bad(tmp_path: Path) -> None:
    """Where the good ones are counted, the bad are the rest: all, where no good one was ever seen."""
    tracked = dataclasses.replace(SHOP, indicator=Indicator((ALL,), good=('requests_total{job="shop",code="200"}',)))
    prove(tmp_path, {requests(): "0+90x400", requests(404): "0+10x400"}, {BAD: [(300, 1200)]}, tracked=tracked)
    prove(tmp_path, {requests(404): "0+10x400"}, {BAD: [(300, 1200)]}, tracked=tracked)


def test_selectors_add_up(tmp_path: Path) -> None:
    """A series that two selectors of one metric hold counts once; two metrics with the same labels both count."""
    indicator = Indicator((ALL, 'other_total{job="shop"}'), (FAILED, 'requests_total{job="shop",instance="a"}'))
    series = {requests(500): "0+10x400", requests(500).replace("requests", "other"): "0+1x400"}
    prove(tmp_path, series, {EVENTS: [(300, 1320)], BAD: [(300, 1200)]},
          tracked=dataclasses.replace(SHOP, indicator=indicator))


def test_coverage_counts_hours_with_rows(tmp_path: Path) -> None:
    """A cold start says how much of its window it knows."""
    tracked = dataclasses.replace(SHOP, window=7 * DAY)
    prove(tmp_path, {requests(): "0+1x2000"}, {rows.coverage(tracked): [(60 * 30 + 30, 30 / 168)]},
          tracked=tracked, every="5m")


def test_a_year_is_within_promtools_limit(tmp_path: Path) -> None:
    """366 days, the longest window, are summed with fewer than 10,000 samples, each hour once."""
    tracked = dataclasses.replace(SHOP, window=366 * DAY)
    year = 366 * 24 * 12 + 36
    series = {'slo:events:increase1h{service="shop",slo="up"}': f"12x{year}"}
    (tmp_path / "made.rules.yaml").write_text(emit.rules(RuleFile("made", rows.groups(tracked))))
    tests = [{"interval": "5m", "input_series": [{"series": name, "values": each} for name, each in series.items()],
              "promql_expr_test": [{"expr": "sum(slo:events:hours366d)", "eval_time": "8784h",
                                    "exp_samples": [{"labels": "{}", "value": 12 * 8784}]}]}]
    (tmp_path / "made.test.yaml").write_text(json.dumps(
        {"rule_files": ["made.rules.yaml"], "evaluation_interval": "12h", "tests": tests}))
    promtool("test", "rules", tmp_path / "made.test.yaml")


def test_each_group_says_how_often() -> None:
    """Hours twice an hour, rows every five minutes, the budget with every scrape."""
    made = yaml.safe_load(emit.rules(RuleFile("made", rows.groups(SHOP, interval=15_000))))
    assert [(group["name"], group["interval"]) for group in made["groups"]] == [
        ("shop up hours", "30m"), ("shop up rows", "5m"), ("shop up budget", "15s")]


@pytest.mark.parametrize("raw", [3, 30])
def test_the_reported_cost_grows_with_the_raw_series_and_the_window(raw: int) -> None:
    """More series, a longer window or a shorter interval read more; ten times the series less than ten times. So do bad
    events that are not found among all."""
    cost = rows.samples_per_second(SHOP, raw, 1)
    assert cost < rows.samples_per_second(SHOP, raw * 10, 10) < 10 * cost
    assert cost < rows.samples_per_second(dataclasses.replace(SHOP, window=30 * DAY), raw, 1)
    assert cost < rows.samples_per_second(SHOP, raw, 1, interval=15_000)
    assert cost < rows.samples_per_second(dataclasses.replace(SHOP, indicator=COUNTED), raw, 1)


@pytest.mark.parametrize(("days", "name"), [(7, "7d"), (28, "28d"), (30, "30d"), (90, "90d"), (366, "366d")])
def test_records_are_named_by_their_window(days: int, name: str) -> None:
    """The window is part of the names of its records."""
    records = {rule.record for group in rows.groups(dataclasses.replace(SHOP, window=days * DAY))
               for rule in group.rules}
    assert {f"slo:events:increase{name}", f"slo:bad:increase{name}", "slo:error_budget_remaining:ratio",
            "slo:events:increase5m", "slo:bad:increase1h"} <= records


def test_prometheus_3_counts_a_range_without_its_left_edge() -> None:
    """Its subqueries are a millisecond longer, since the same hours lie in them."""
    assert differences.since(HOUR, False, DAY) == "[23h59m59s999ms:1h]"
    assert differences.since(HOUR, True, DAY) == "[1d:1h]"


@given(st.integers(2, 366 * 24))
def test_every_record_is_written_once_and_is_the_objectives_own(hours: int) -> None:
    """No window makes two rules of one name and part, and every rule reads records of its own service and slo only."""
    tracked = dataclasses.replace(SHOP, window=hours * HOUR)
    rules = [rule for group in rows.groups(tracked) for rule in group.rules]
    assert len({(rule.record, rule.labels.get("part")) for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.expr.count("slo:") == rule.expr.count('{service="shop",slo="up"')


@pytest.mark.parametrize("window", [0, -HOUR, HOUR, 150 * MINUTE])
def test_only_whole_hours_are_a_window(window: int) -> None:
    """Anything else is refused."""
    with pytest.raises(ValueError, match="whole hours"):
        rows.groups(dataclasses.replace(SHOP, window=window))

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.config.rules_model import Slo
from alertd.model import HOUR, MINUTE
from alertd.rulegen import emit, rows, slice_world
from alertd.rulegen.declared import Condition, Fresh
from alertd.rulegen.indicator import Indicator, Sliced
from alertd.rulegen.rows import Tracked
from alertd.rulegen.rules import RuleFile
from alertd.rulegen.slice_world import Values
from tests.rulegen.rules_made import promtool

UP = 'up{job="shop"}'
SLOT = 5 * MINUTE


def condition(text: str) -> Condition:
    found = Slo(objective="99%", method="timeslices", condition=text).condition
    assert found is not None
    return found


def prove(folder: Path, sliced: Sliced, series: dict[str, str], events: dict[int, float | None],
          bad: dict[int, float | None], *, window: int = HOUR, every: str = "1m", step: str = "30s") -> None:
    """Given `series` at a step of 30 s, how many slices (and bad ones) the window that ends at each minute holds."""
    tracked = Tracked("shop", "up", Decimal("0.99"), 2 * HOUR, sliced)
    (folder / "made.rules.yaml").write_text(emit.rules(RuleFile("made", rows.groups(tracked))))
    wanted = [(rows.event_count(tracked, window), events), (rows.bad_count(tracked, window), bad)]
    tests = [{"interval": step, "input_series": [{"series": name, "values": text} for name, text in series.items()],
              "promql_expr_test": [
                  {"expr": f"sum({expr})", "eval_time": f"{minute}m",
                   "exp_samples": [] if value is None else [{"labels": "{}", "value": value}]}
                  for expr, values in wanted for minute, value in values.items()]}]
    path = folder / "made.test.yaml"
    path.write_text(json.dumps({"rule_files": ["made.rules.yaml"], "evaluation_interval": every, "tests": tests}))
    promtool("test", "rules", path)


@pytest.mark.parametrize("every", ["30s", "1m", "5m"])
def test_each_minute_is_one_slice(tmp_path: Path, every: str) -> None:
    """Scraped twice a minute, an hour has sixty slices at every moment, and a bad one is in it with its end."""
    sliced = Sliced(MINUTE, condition("depth < 10"))
    series = {"depth": "9x200 9 10 10 9 9 9x400"}  # from 100m30s to 101m: the slices that end at 101 and 102
    moments = [95, 100, 105, 110, 150, 160, 165]
    prove(tmp_path, sliced, series, dict.fromkeys(moments, 60.0),
          {minute: 2.0 if 105 <= minute <= 160 else 0.0 for minute in moments}, every=every)


def test_a_bad_slice_is_counted_when_it_ends(tmp_path: Path) -> None:
    """At the evaluation of its last second, and it leaves the window to the minute."""
    sliced = Sliced(MINUTE, condition("depth < 10"))
    series = {"depth": "9x200 10 9x400"}  # 100m30s
    prove(tmp_path, sliced, series, {101: 60, 106: 60}, {100: 0, 101: 1, 102: 1, 107: 1, 160: 1, 161: 0})


def test_a_missing_scrape_loses_no_slice(tmp_path: Path) -> None:
    """A slice with one of its two samples is judged by that; one with none is no event, good or bad."""
    sliced = Sliced(MINUTE, condition("depth < 10"))
    prove(tmp_path, sliced, {"depth": "9x180 _ 9 _ 9 9x300"}, {105: 60}, {105: 0})
    prove(tmp_path, sliced, {"depth": "9x180 _x20 10x300"}, {100: 50, 105: 50, 110: 50}, {100: 0, 105: 5, 110: 10})


def test_an_absent_gauge_is_unknown(tmp_path: Path) -> None:
    """Without samples no slices are added, and the window forgets those it had; NaN is as good as nothing."""
    sliced = Sliced(MINUTE, condition("depth < 10"))
    for gone in ("_x300", "NaN " * 300):
        prove(tmp_path, sliced, {"depth": f"9x180 {gone}"}, {90: 60, 120: 30}, {90: 0, 120: 0})
        prove(tmp_path, sliced, {"depth": f"10x180 {gone}"}, {93: 2, 110: None}, {93: 2, 110: None}, window=SLOT)


def test_every_series_must_meet_it(tmp_path: Path) -> None:
    """One queue over its bound makes the slice bad; a slice of several series is still one."""
    series = {'depth{q="a"}': "9x300", 'depth{q="b"}': "9x180 10x10 9x110"}
    prove(tmp_path, Sliced(MINUTE, condition("depth < 10")), series, {120: 60}, {120: 6})


@pytest.mark.parametrize(("text", "good", "bad"), [
    ("x < 10", "9.999", "10"), ("x <= 10", "10", "10.001"), ("x > -1.5", "-1.4", "-1.5"), ("x >= 0.5", "0.5", "0.499"),
    ("x == 1", "1", "0"), ("x == 1", "1", "2")])
def test_each_comparison(tmp_path: Path, text: str, good: str, bad: str) -> None:
    """Good to its bound, bad from there on."""
    series = {"x": f"{good}x180 {bad} {good}x120"}
    prove(tmp_path, Sliced(MINUTE, condition(text)), series, {120: 60}, {120: 1})


def test_five_minutes_are_one_slice(tmp_path: Path) -> None:
    """Twelve in an hour, one for every mark; one bad sample makes one of them bad."""
    sliced = Sliced(SLOT, condition("depth < 10"))
    prove(tmp_path, sliced, {"depth": "9x203 10 9x300"}, {100: 12, 104: 12, 105: 12, 120: 12},
          {100: 0, 105: 1, 120: 1, 164: 1, 165: 0})


def test_a_time_stamp_grows_old(tmp_path: Path) -> None:
    """A minute at whose end the newest success is over ten minutes old is bad."""
    fresh = Slo(objective="99%", method="timeslices", fresh={"metric": "last_ts", "within": "10m"}).fresh
    assert fresh is not None
    sliced = Sliced(MINUTE, Fresh(fresh.metric, fresh.within))
    # a success at minute 90, the next at 115
    prove(tmp_path, sliced, {"last_ts": "0+30x180 5400x48 6900+30x100"}, {120: 60}, {100: 0, 101: 1, 110: 10, 120: 14})


def test_slices_of_counters(tmp_path: Path) -> None:
    """A minute with over 5 % of its events bad is one bad slice however many they are; one without events is none."""
    sliced = Sliced(MINUTE, Indicator(("all_total",), ("bad_total",), scraped=UP), Decimal("0.05"))
    series = {"all_total": "0+50x190 9500x10 9500+50x200", "bad_total": "0x180 3+3x5 18x300", "up": "1x400"}
    prove(tmp_path, sliced, series, {90: 60, 120: 54}, {90: 0, 95: 3, 120: 3})


def test_a_restart_and_a_birth_in_a_slice(tmp_path: Path) -> None:
    """After a reset a counter has risen by what it shows; one born on a target that was scraped by all of it."""
    sliced = Sliced(MINUTE, Indicator(('all_total{instance="a"}',), ('bad_total{instance="a"}',), scraped="up"),
                    Decimal("0.5"))
    labels = '{instance="a"}'
    series = {f"all_total{labels}": "0+50x190 0+50x200", f"bad_total{labels}": "_x180 100 100x300",
              f"up{labels}": "1x400"}
    prove(tmp_path, sliced, series, {120: 60}, {95: 1, 120: 1})


@given(st.lists(st.sampled_from([None, 0, 1]), min_size=1, max_size=40), st.sampled_from([MINUTE, SLOT]))
def test_the_truth_counts_every_slice_once(values: list[int | None], length: int) -> None:
    """In the worlds of generated tests known slices are those with a sample, bad ones those with one over the bound."""
    shown = Values(tuple(None if value is None else Decimal(value) for value in values))
    known, bad = slice_world.tallies(slice_world.judged(condition("x < 1"), [shown], length))
    spans = [values[max(end - length // MINUTE + 1, 0):end + 1] for end in slice_world.ends(length, len(values) - 1)]
    assert known.at(len(values)) == sum(any(value is not None for value in span) for span in spans)
    assert bad.at(len(values)) == sum(1 in span for span in spans)

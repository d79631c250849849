from pathlib import Path

import pytest

from tests.rulegen.rules_made import PRODUCTION, generated, prove

FAILURES = "sum(service:failures:increase10m)"
REQUESTS = "sum(service:requests:increase10m)"
OK = 'http_requests_total{job="shop",instance="a",code="200"}'
BAD = 'http_requests_total{job="shop",instance="a",code="500"}'
UP = 'up{job="shop",instance="a"}'


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    generated(tmp_path, PRODUCTION)
    return tmp_path


def test_differences_are_exact(rules: Path) -> None:
    """Thirty-one failures in ten minutes are counted as thirty-one, wherever scrapes are missing between."""
    prove(rules, {OK: "0+100x40", BAD: "7x20 8 _ _ 12 _ 30 38x20"}, samples={FAILURES: [("30m", 31.0)]})


def test_a_missing_failure_series_is_zero(rules: Path) -> None:
    """Where there is traffic and no failed series, the failures are 0 and not absent."""
    prove(rules, {OK: "0+100x40"}, samples={FAILURES: [("30m", 0.0)], REQUESTS: [("30m", 1000.0)]})


@pytest.mark.parametrize("evidence", [{UP: "1x40"}, {OK: "5x40"}])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_birth_counts_from_zero(rules: Path, evidence: dict[str, str], count: int) -> None:
    """A series born while its target was scraped counts with its first value."""
    prove(rules, {**evidence, BAD: f"_x25 {count}x15"}, samples={FAILURES: [("28m", count)]})


def test_an_old_counter_new_to_prometheus_is_not_an_outage(rules: Path) -> None:
    """What a target counted before Prometheus first saw it is not counted now."""
    prove(rules, {OK: "_x25 90000x15", BAD: "_x25 5000x15"}, samples={FAILURES: [("28m", 0.0)]})


def test_a_target_that_was_away_is_not_an_outage(rules: Path) -> None:
    """After a network fault of eight minutes the one failure of that time is counted, and none before it again."""
    prove(rules, {OK: "100x20 _x8 100x20", BAD: "50x20 _x8 51x20", UP: "1x20 0x7 1x20"},
          samples={FAILURES: [("32m", 1.0), ("36m", 0.0)]})


def test_a_restart_counts_what_was_seen(rules: Path) -> None:
    """Around a restart the failures before it and after it are added up."""
    prove(rules, {OK: "0x40", BAD: "50x24 51 0 0 4x12"}, samples={FAILURES: [("30m", 5.0)]})


def test_a_series_with_both_labels_counts_once(rules: Path) -> None:
    """A failure marked by `code` and by `status` is one failure."""
    both = 'http_requests_total{job="shop",instance="a",code="500",status="500"}'
    prove(rules, {OK: "0+10x40", both: "0+1x40"}, samples={FAILURES: [("30m", 10.0)]})


def test_no_traffic_gives_no_share(rules: Path) -> None:
    """Without traffic nothing fires and nothing divides by zero."""
    prove(rules, {OK: "9x40", BAD: "3x40"}, samples={REQUESTS: [("30m", 0.0)]},
          alerts={"30m": ("HighErrorRate", False)})


@pytest.mark.parametrize(("count", "fires"), [(2, False), (3, True)])
def test_two_failures_are_silent_and_three_fire(rules: Path, count: int, fires: bool) -> None:
    """On a quiet service two failures that happened once are never told; three are, after five minutes."""
    series = {OK: "1x60", UP: "1x60", BAD: f"_x25 {count}x35"}
    prove(rules, series, alerts={"29m": ("HighErrorRate", False), "30m": ("HighErrorRate", fires)})


def test_failures_in_several_processes_add_up(rules: Path) -> None:
    """One failure in each of three processes is three failures of the service."""
    born = {f'http_requests_total{{job="shop",instance="{at}",code="500"}}': "_x25 1x35" for at in "abc"}
    ups = {f'up{{job="shop",instance="{at}"}}': "1x60" for at in "abc"}
    prove(rules, born | ups, samples={FAILURES: [("27m", 3.0)]}, alerts={"30m": ("HighErrorRate", True)})


def test_keeps_firing_for_five_minutes(rules: Path) -> None:
    """An alert outlives its cause by five minutes, so that a value at its limit is one alert."""
    prove(rules, {OK: "0+100x60", BAD: "0x20 10+10x10 110x40"},
          alerts={"44m": ("HighErrorRate", True), "46m": ("HighErrorRate", False)})

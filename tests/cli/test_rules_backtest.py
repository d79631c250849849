"""`alertd rules backtest` and `alertd check --prometheus` on the history of a real Prometheus."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from alertd.cli.group import group
from alertd.demo.processes import free_port

PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
NOW = int(time.time()) // 60 * 60
HOURS = 12
ROUTING = """\
receivers: {on-call: {log: {}}, team: {log: {}}}
routes: {critical: on-call + team, warning: team, info: team}
"""
RULES = """\
thresholds: {memory_utilization: 75%, error_rate: 5%}
services: {shop: {metrics: prometheus-http, selector: 'job="shop"'}}
"""
SLOS = """\
services:
  shop:
    metrics: prometheus-http
    selector: job="shop"
    slos: {month: {objective: 99.9%}, half: {objective: 99%, window: 12h}, gone: {objective: 99%, events: a, bad: b}}
"""


def history() -> str:
    """A sample a minute. Memory: 80 % for the 60 minutes from hour 4 on, and for 10 from hour 6 on (too short for its
    `for`). Requests: 60 a minute, of which 30 fail for the 20 minutes from hour 8 on."""
    minutes = [(number, NOW - 60 * (HOURS * 60 - number)) for number in range(HOURS * 60)]
    busy = [240 <= number < 300 or 360 <= number < 370 for number, _ in minutes]
    lines = ["# TYPE node_memory_MemTotal_bytes gauge"]
    lines += [f'node_memory_MemTotal_bytes{{instance="a",job="node"}} 100 {at}' for _, at in minutes]
    lines.append("# TYPE node_memory_MemAvailable_bytes gauge")
    lines += [f'node_memory_MemAvailable_bytes{{instance="a",job="node"}} {20 if full else 60} {at}'
              for full, (_, at) in zip(busy, minutes, strict=True)]
    lines.append("# TYPE http_requests counter")
    for code, failed in (("200", False), ("500", True)):
        count = 0
        for number, at in minutes:
            bad = 30 if 480 <= number < 500 else 0
            count += bad if failed else 60 - bad
            lines.append(f'http_requests_total{{code="{code}",instance="a",job="shop"}} {count} {at}')
    lines.append("# TYPE http_request_duration_seconds histogram")
    lines += [f'http_request_duration_seconds_bucket{{instance="a",job="shop",le="{le}"}} 1 {NOW - 60}'
              for le in ("0.1", "1.2", "+Inf")]
    return "\n".join(lines) + "\n# EOF\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("prometheus"), history()) as url:
        yield url


@contextlib.contextmanager
def serving(folder: Path, samples: str, config: str = "") -> Iterator[str]:
    """A Prometheus with these samples, in OpenMetrics."""
    if not PROMETHEUS or not PROMTOOL:
        pytest.skip("needs prometheus and promtool")
    (folder / "history").write_text(samples)
    subprocess.run([PROMTOOL, "tsdb", "create-blocks-from", "openmetrics", folder / "history", folder / "data"],
                   check=True, capture_output=True)
    (folder / "prometheus.yml").write_text(f"global: {{scrape_interval: 4m}}\n{config}")
    port = free_port()
    process = subprocess.Popen([PROMETHEUS, f"--config.file={folder / 'prometheus.yml'}", "--log.level=error",
                                f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}",
                                "--storage.tsdb.retention.time=10d"])
    try:
        yield ready(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait()


def ready(url: str) -> str:
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=1):
                return url
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError("Prometheus is not ready")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text(RULES)
    (tmp_path / "routing.yaml").write_text(ROUTING)
    return tmp_path


def alertd(*words: str) -> Result:
    return CliRunner().invoke(group, words)


def test_thresholds_are_replayed_to_the_minute(server: str, folder: Path) -> None:
    """Each alert for as long as its `for` and `keep_firing_for` say, and whoever its severity tells."""
    result = alertd("rules", "backtest", "--prometheus", server, "--since", f"{HOURS}h", "--format", "json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["new"]
    assert found["not_replayed"] == {}
    memory = found["alerts"]["HighMemoryUtilization"]
    assert (memory["fired"], memory["minutes"]) == (1, 60 - 15 + 5)  # its for is 15 minutes, kept for 5
    errors = found["alerts"]["HighErrorRate"]
    assert errors["fired"] == 1
    assert 20 <= errors["minutes"] <= 28  # 20 and the window of 5 minutes on top, its for of 5 less, 5 kept
    assert found["receivers"]["on-call"] == {"starts": 1, "at_night": errors["at_night"], "messages": {"log": 2},
                                             "alerts": {"HighErrorRate": 1}}
    assert found["receivers"]["team"]["alerts"] == {"HighErrorRate": 1, "HighMemoryUtilization": 1}


def test_objectives_are_replayed_on_raw_counters(server: str, folder: Path) -> None:
    """Without records: every tier of a burn, a budget that is gone, and who is told. Half of the requests fail for
    20 minutes."""
    (folder / "rules" / "a.yaml").write_text(SLOS)
    result = alertd("rules", "backtest", "--prometheus", server, "--since", f"{HOURS}h", "--format", "json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["new"]
    assert found["not_replayed"] == {}
    assert found["alerts"]["ErrorBudgetBurn"]["fired"] == 6  # four tiers of one, the two a window of 12h has
    assert found["alerts"]["ErrorBudgetLow"]["fired"] == 4  # every level of the short window, none of the long
    assert found["alerts"]["IndicatorAbsent"]["fired"] == 1  # of what was never there
    assert found["receivers"]["on-call"]["alerts"]["ErrorBudgetBurn"] >= 1
    assert any("shop month less than its window" in remark for remark in found["remarks"])


def records() -> str:
    """A sample every five minutes: rows in which nothing failed, and a budget that was nearly spent for an hour."""
    times = [(number, NOW - 60 * (HOURS * 60 - number)) for number in range(0, HOURS * 60, 5)]
    values = {"slo:events:increase5m": lambda number: 300, "slo:coverage:ratio": lambda number: 1,
              "slo:error_budget_remaining:ratio": lambda number: 0.2 if 480 <= number < 540 else 1,
              "slo:bad:increase2h": lambda number: 50}
    return "\n".join(f"# TYPE {name} gauge\n" + "\n".join(f'{name}{{service="shop",slo="up"}} {value(number)} {at}'
                                                        for number, at in times) for name, value in values.items())


def test_records_serve_where_the_server_makes_them_by_the_same_rule(folder: Path) -> None:
    """Its own expressions are asked then, which read the records; by another rule, the raw counters count."""
    rules = SLOS[:SLOS.index("{month")] + "{up: {objective: 99%, window: 2h, by: []}}\n"
    (folder / "rules" / "a.yaml").write_text(rules)
    assert alertd("rules", "build").exit_code == 0
    samples = history().replace("# EOF\n", records() + "\n# EOF\n")
    with serving(folder, samples, "rule_files: [rules/generated/*.rules.yaml]\n") as url:
        words = ("rules", "backtest", "--prometheus", url, "--since", "8h", "--format", "json")
        found = json.loads(alertd(*words).stdout)["new"]["alerts"]
        assert (found["ErrorBudgetLow"]["fired"], found["ErrorBudgetLow"]["flapped"]) == (2, 0)  # 50 % and 25 %
        (folder / "rules" / "a.yaml").write_text(rules.replace("window: 2h", 'window: 2h, events: http_requests_total, '
                                                               'bad: \'http_requests_total{code="500"}\''))
        found = json.loads(alertd(*words).stdout)["new"]["alerts"]
        assert found["ErrorBudgetLow"]["fired"] == 4  # half of the requests failed for 20 minutes


def test_two_rule_sets_beside_each_other(server: str, folder: Path) -> None:
    """Against a revision, each figure that changed reads before → after, in Markdown for a pull request."""
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", *words], check=True)
    (folder / "rules" / "a.yaml").write_text(RULES.replace("75%", "85%"))
    result = alertd("rules", "backtest", "--prometheus", server, "--since", f"{HOURS}h", "--against", "HEAD",
                    "--format", "markdown")
    assert "| HighMemoryUtilization | 1 → 0 | 50 → 0 | 50 → 0 |" in result.stdout
    assert "| team | 2 → 1 |" in result.stdout
    assert "### Backtest" in result.stdout


def test_what_the_server_refuses_is_listed(server: str, folder: Path) -> None:
    """A query that fails costs its own alert, and the reason is said."""
    (folder / "rules" / "presets").mkdir()
    (folder / "rules" / "presets" / "node_exporter.yaml").write_text(
        "utilization:\n  memory_utilization:\n"
        "    expression: node_memory_MemAvailable_bytes / on (job) group_left () (node_memory_MemTotal_bytes or "
        "label_replace(node_memory_MemTotal_bytes, \"instance\", \"b\", \"\", \"\"))\n    window: 0s\n"
        "    cases: {one: [{metric: x, free: 1}]}\n")
    result = alertd("rules", "backtest", "--prometheus", server, "--since", f"{HOURS}h")
    assert "HighMemoryUtilization (warning) was not replayed" in result.stdout
    assert "many-to-many" in result.stdout or "duplicate series" in result.stdout
    assert "HighErrorRate" in result.stdout


def test_nobody_there_is_3(folder: Path) -> None:
    """No history, no report."""
    assert alertd("rules", "backtest", "--prometheus", "http://127.0.0.1:9").exit_code == 3


@pytest.mark.parametrize("words", [("--since", "0s"), ("--since", "x"), ("--timezone", "Mars/Base")])
def test_usage_is_2(folder: Path, words: tuple[str, str]) -> None:
    """What is no value is told before anything is asked."""
    assert alertd("rules", "backtest", "--prometheus", "http://127.0.0.1:9", *words).exit_code == 2


def test_check_asks_the_server(server: str, folder: Path) -> None:
    """Its metrics, its buckets, its retention and its scrape interval, for rules written by hand."""
    (folder / "by-hand.yaml").write_text("""\
groups:
  - name: g
    rules:
      - {record: 'a:b', expr: 'misspelt_total'}
      - {record: 'a:c', expr: 'http_request_duration_seconds_bucket{le="0.5"} offset 11d'}
      - {record: 'a:d', expr: 'rate(http_requests_total[5m])'}
      - {record: 'a:e', expr: 'http_request_duration_seconds_bucket{le="1.2"}'}
""")
    (folder / "rules" / "a.yaml").unlink()
    (folder / "rules").rmdir()
    result = alertd("check", "--prometheus-rules", "by-hand.yaml", "--prometheus", server, "--format", "json")
    found = [(each["line"], each["id"]) for each in json.loads(result.stdout)["findings"] if "hand" in each["file"]]
    assert found == [(4, "absent-metric"), (5, "range-over-retention"), (5, "missing-bucket"),
                     (6, "range-under-scrapes")]

"""`alertd rules backfill` on a real Prometheus: raw counters of a day, records of its last hours."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from alertd.cli.group import group
from alertd.demo.processes import free_port
from alertd.prometheus import Prometheus
from tests.cli.test_rules_backtest import ready

HOUR = 3600
LAST = int(time.time()) // HOUR * HOUR + 2 * HOUR  # a full hour, by which what is filled now is in every record
BEGAN = LAST - 5 * HOUR  # when the rules were loaded
RULES = """\
services: {shop: {metrics: prometheus-http, selector: 'job="shop"', slos: {up: {objective: 99%, window: 24h}}}}
"""
# So many hours ago, from minute 20 to 29, all together; the first are out of the window by half an hour.
BAD = {25: 600, 20: 300, 13: 450, 8: 60}
LOST = sum(count for ago, count in BAD.items() if ago <= 24)


def history() -> str:
    """100 requests a minute for 27 hours. The rows and the sums of hours since BEGAN, as the rules would have made
    them: of the hours since then none had failures."""
    lines, good, bad = [], 0, 0
    counters: dict[str, list[str]] = {"200": [], "500": []}
    for at in range(LAST - 27 * HOUR, LAST + 1, 60):
        ago, minute = -(-(LAST - at) // HOUR), at % HOUR // 60
        failed = BAD.get(ago, 0) // 10 if 20 <= minute < 30 else 0
        good, bad = good + 100 - failed, bad + failed
        for code, count in (("200", good), ("500", bad)):
            counters[code].append(f'http_requests_total{{code="{code}",instance="a",job="shop"}} {count} {at}')
    lines += ["# TYPE http_requests counter", *counters["200"], *counters["500"], "# TYPE up gauge"]
    lines += [f'up{{instance="a",job="shop"}} 1 {at}' for at in range(LAST - 27 * HOUR, LAST + 1, 60)]
    for what, row, hour in (("events", 500, 6000), ("bad", 0, 0)):
        for record, value, more in (("increase5m", row, 0), ("increase1h", hour, 0), ("total", row, row)):
            lines.append(f"# TYPE slo:{what}:{record} gauge")
            lines += [f'slo:{what}:{record}{{service="shop",slo="up"}} {value + number * more} {at}'
                      for number, at in enumerate(range(BEGAN + 7, LAST + 1, 300))]
    return "\n".join(lines) + "\n# EOF\n"


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A server of what lies in `folder`/data."""
    (folder / "prometheus.yml").write_text("")
    port = free_port()
    process = subprocess.Popen(["prometheus", f"--config.file={folder / 'prometheus.yml'}", "--log.level=error",
                                f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}"])
    try:
        yield ready(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait()


@pytest.mark.skipif(not shutil.which("prometheus") or not shutil.which("promtool"), reason="needs Prometheus")
def test_a_new_budget_gets_its_past(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The printed commands make what the rules read: every request and failure of the window, and full coverage. The
    budget is the truth but for up to 17 minutes more at its old end: the newest minutes of a day ago, which nobody
    recorded, and the turn that promtool has within five."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text(RULES)
    built = CliRunner().invoke(group, ["rules", "build"])
    assert "new budgets know nothing of the time before their rules are loaded (shop up)" in built.stderr
    (tmp_path / "history").write_text(history())
    subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", "history", "data"], check=True,
                   capture_output=True)
    with serving(tmp_path) as url:
        assert sums(url) == {"events": 5 * 6000, "bad": 0, "coverage": 5 / 24}
        printed = CliRunner().invoke(group, ["rules", "backfill", "--prometheus", url])
        assert printed.exit_code == 0, printed.stderr
        subprocess.run(["sh", "-ec", printed.stdout], check=True, capture_output=True)
    with serving(tmp_path) as url:  # which takes the blocks up at once
        assert sums(url) == {"events": 24 * 6000, "bad": LOST, "coverage": 1}
    assert abs(remaining(tmp_path) - (1 - LOST / (24 * 6000) / 0.01)) < 17 / (24 * 60) * LOST / 1440


def sums(url: str) -> dict[str, float]:
    """What the generated rules for the window's full hours give at the last hour."""
    groups = yaml.safe_load(Path("rules/generated/shop.rules.yaml").read_text())["groups"]
    server, found = Prometheus(url), {}
    for rule in groups[0]["rules"]:
        series, = server.range(rule["expr"], LAST * 1000, LAST * 1000, 60_000).series
        found[rule["record"].split(":")[1]] = series.values[0]
    return found


def remaining(folder: Path) -> float:
    """What the rules say is left of the budget at LAST, each record made of those before it."""
    groups = yaml.safe_load(Path("rules/generated/shop.rules.yaml").read_text())["groups"]
    rules = {rule["record"]: rule for group in groups for rule in reversed(group["rules"]) if "record" in rule}
    row = LAST - 600 + 7  # which has settled at LAST

    def both(name: str, at: int) -> dict[str, int]:
        return {f"slo:{what}:{name}": at for what in ("events", "bad")}

    for made in (both("hours1d", LAST - 4800) | both("since_hour", row) | both("since_hour_1d_ago", row)
                 | {"slo:events:open": LAST}, both("closed1d", row), {"slo:events:increase1d": LAST},
                 {"slo:bad:increase1d": LAST}):
        lines = []
        with serving(folder) as url:
            for record, at in made.items():
                lines.append(f"# TYPE {record} gauge\n")
                for series in Prometheus(url).range(rules[record]["expr"], at * 1000, at * 1000, 60_000).series:
                    labels = {**series.labels, **rules[record]["labels"]}
                    text = ",".join(f'{name}="{value}"' for name, value in labels.items() if name != "__name__")
                    lines.append(f"{record}{{{text}}} {series.values[0]} {at}\n")
        (folder / "made").write_text("".join(lines) + "# EOF\n")
        subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", folder / "made", folder / "data"],
                       check=True, capture_output=True)
    with serving(folder) as url:
        series, = Prometheus(url).range(rules["slo:error_budget_remaining:ratio"]["expr"], LAST * 1000, LAST * 1000,
                                        60_000).series
    return series.values[0]


def test_nobody_there_is_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known of the past, and nothing written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text(RULES)
    assert CliRunner().invoke(group, ["rules", "backfill", "--prometheus", "http://127.0.0.1:9"]).exit_code == 3
    assert not (tmp_path / "backfill").exists()

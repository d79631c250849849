"""Rules of given YAML, and promtool."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from alertd import rulegen
from alertd.config import rules_file
from alertd.rulegen.version import OLDEST, PrometheusVersion

SHOP = """
  shop: {metrics: prometheus-http, selector: 'job="shop"'}
"""
PRODUCTION = f"""
thresholds: {{cpu_utilization: 70%, memory_utilization: 75%,
  error_rate: 0.5%, response_time: 1s, response_time_p95: 500ms}}
services:{SHOP}"""


def declared(folder: Path, text: str) -> rules_file.Rules:
    """What one file of this text declares."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "made.yaml").write_text(text, encoding="utf-8")
    return rules_file.load(folder)


def generated(folder: Path, text: str, version: PrometheusVersion = OLDEST) -> dict[str, str]:
    """The files generated from it, also written below `folder`."""
    files = rulegen.files(declared(folder, text).declared, version)
    for name, content in files.items():
        path = folder / "generated" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return files


def promtool(*words: str | Path) -> str:
    """What promtool prints; it must be installed and find no fault."""
    found = shutil.which("promtool")
    assert found, "promtool is not on PATH; it comes with Prometheus: apt install prometheus"
    run = subprocess.run([found, *words], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def prove(folder: Path, series: dict[str, str], *, samples: dict[str, list[tuple[str, float]]] | None = None,
          alerts: dict[str, tuple[str, bool]] | None = None) -> None:
    """The rules of shop, given `series` at a step of a minute. `samples`: expression -> (minute, value) it has;
    `alerts`: minute -> (alert, whether it fires)."""
    tests = [{"interval": "1m",
              "input_series": [{"series": name, "values": values} for name, values in series.items()],
              "promql_expr_test": [
                  {"expr": expr, "eval_time": minute, "exp_samples": [{"labels": "{}", "value": value}]}
                  for expr, wanted in (samples or {}).items() for minute, value in wanted] + [
                  {"expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or on () vector(0)',
                   "eval_time": minute, "exp_samples": [{"labels": "{}", "value": int(fires)}]}
                  for minute, (alert, fires) in (alerts or {}).items()]}]
    path = folder / "generated" / "made.test.yaml"
    path.write_text(json.dumps({"rule_files": ["shop.rules.yaml"], "evaluation_interval": "1m", "tests": tests}))
    promtool("test", "rules", path)

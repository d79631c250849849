"""How long `alertd rules build` takes for many services, beside how long promtool takes to check what it wrote."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from bench.figures import Figure

SERVICES = 1000
DECLARED = """\
  service-{number:04}:
    metrics: prometheus-http
    selector: job="service-{number:04}"
    slos:
      availability: {{objective: 99.9%}}
      weeks: {{objective: 99.5%, window: 28d}}
      half: {{objective: 99%, under: 500ms}}
      second: {{objective: 99.9%, under: 1s}}
"""
THRESHOLDS = "thresholds: {error_rate: 0.5%, response_time: 1s, response_time_p95: 500ms}\nservices:\n"


def build(folder: Path, rounds: int) -> list[Figure]:
    """Rules, their tests and runbooks of 1,000 services with four objectives each, from nothing, on disk; against
    `promtool check rules` of these rules. Both are processes that begin cold."""
    taken, checked = [], []
    for number in range(rounds):
        rules = folder / f"build-{number}"
        rules.mkdir()
        services = "".join(DECLARED.format(number=service) for service in range(SERVICES))
        (rules / "production.yaml").write_text(THRESHOLDS + services)
        taken.append(_seconds(sys.executable, "-m", "alertd", "rules", "build", "--rules", str(rules)))
        written = sorted(map(str, (rules / "generated").glob("*.rules.yaml")))
        if len(written) <= SERVICES:
            raise RuntimeError(f"only {len(written)} rule files for {SERVICES} services")
        checked.append(_seconds("promtool", "check", "rules", *written))
        shutil.rmtree(rules)  # hundreds of megabytes
    return [Figure("R build of 1,000 services with 4 SLOs each, against promtool's check", "s", tuple(taken),
                   tuple(checked), 2, False)]


def _seconds(*command: str) -> float:
    start = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.monotonic() - start

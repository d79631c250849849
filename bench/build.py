"""How long `alertd rules build` takes for many services, beside how long promtool takes to check what it wrote."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from bench.figures import Figure

SERVICES, MANY = 1000, 2500
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
    `promtool check rules` of these rules. Both are processes that begin cold. Then with one service changed; and 2,500
    services, which are 10,000 objectives."""
    taken, checked, again, large, held = [], [], [], [], []
    for number in range(rounds):
        rules = folder / f"build-{number}"
        rules.mkdir()
        _declare(rules, SERVICES)
        taken.append(_build(rules)[0])
        written = sorted(map(str, (rules / "generated").glob("*.rules.yaml")))
        if len(written) <= SERVICES:
            raise RuntimeError(f"only {len(written)} rule files for {SERVICES} services")
        checked.append(_run("promtool", "check", "rules", *written)[0])
        _change(rules)
        again.append(_build(rules)[0])
        _declare(rules, MANY)
        seconds, megabytes = _build(rules)
        large.append(seconds)
        held.append(megabytes)
        shutil.rmtree(rules)  # a gigabyte
    return [Figure("R build of 1,000 services with 4 SLOs each, against promtool's check", "s", tuple(taken),
                   tuple(checked), 2, False),
            Figure("R build again with one of them changed, against promtool's check", "s", tuple(again),
                   tuple(checked), 1, False),
            Figure("R build of 10,000 SLOs", "s", tuple(large), (), 60, False),
            Figure("R memory of that build", "MB", tuple(held), (), 200, False)]


def _declare(rules: Path, services: int) -> None:
    declared = "".join(DECLARED.format(number=service) for service in range(services))
    (rules / "production.yaml").write_text(THRESHOLDS + declared)


def _change(rules: Path) -> None:
    """One service's objective; of the files of all others none may be touched."""
    before = {path: path.stat().st_ino for path in (rules / "generated").glob("*.yaml")}
    file = rules / "production.yaml"
    file.write_text(file.read_text().replace("99.9%", "99.8%", 1))
    _build(rules)
    touched = {path.name.split(".")[0] for path, inode in before.items() if path.stat().st_ino != inode}
    if touched != {"service-0000"}:
        raise RuntimeError(f"files of {', '.join(sorted(touched)) or 'no service'} were touched")
    file.write_text(file.read_text().replace("99.8%", "99.9%", 1))


def _build(rules: Path) -> tuple[float, float]:
    return _run(sys.executable, "-m", "alertd", "rules", "build", "--rules", str(rules))


def _run(*command: str) -> tuple[float, float]:
    """Seconds by the clock, and the most memory it held, in megabytes."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if status:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return time.monotonic() - start, used.ru_maxrss / 1024

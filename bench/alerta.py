"""Alerta beside alertd: the same webhooks by the same sender, in turn within a round.

Alerta, its server and its driver are installed from the package index into an environment of their own beside the
results, once; nothing of alertd sees it. It stores in a PostgreSQL that is started for it and is served by four
processes, one request at a time each, as it is usually run.

What Alerta does with a webhook: for each alert it looks whether it has one of that environment, resource and event,
runs its plug-ins, and writes the alert with its history, in commits of its own; its answer comes after the last, so
that what it acknowledged is on disk too. What it does not do here: tell anybody (no plug-in that sends is configured),
while alertd decides, stores and sends to PagerDuty, Slack and by mail meanwhile. It tells alerts apart by `instance`:
each has one of its own, for alertd as well. Alerta has two connections for each of its processes, since with more each
would only wait longer.

The goal is for webhooks of ten. Of one alert each it is shown beside it: there alertd opens and tells an incident for
every alert.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

from bench import processes
from bench.figures import Figure, Skipped
from bench.load import WEBHOOK, Plan
from bench.processes import Running
from tests import postgres

PACKAGES = ("alerta-server==9.1.0", "gunicorn==27.0.1", "psycopg2-binary==2.9.13")
PLACE = Path(__file__).parent / "results" / "alerta-9.1.0"
PROCESSES = 4
SECONDS = 5.0
WARM = 1.0  # each of its processes has answered by then
CONNECTIONS = {"alerta": 2 * PROCESSES, "alertd": 32}
GOALS = {10: 50, 1: None}  # by the alerts of a webhook
NOTE = (
    "Alerta takes 440 to 470 alerts a second on two cores, so this goal is near what alertd's own intake takes; what "
    "would raise that stands with the rows of the intake")


def alerta(folder: Path, rounds: int) -> list[Figure]:
    """Alerts a second that are on disk when they are acknowledged, all of them new."""
    if postgres.missing():
        raise Skipped("no PostgreSQL is installed (Debian has it as postgresql)")
    python, got = installed(), dict[str, list[float]]()
    with postgres.serving() as server:
        for turn in range(rounds):
            name = f"alerta_{turn}"
            server.ask(f"CREATE DATABASE {name}")
            with serving(folder, python, server.url(name)) as theirs:
                for size in GOALS:
                    got.setdefault(f"alerta {size}", []).append(_taken("alerta", theirs.port, size))
            for size in GOALS:
                with processes.sink("limit-pagerduty") as sink, processes.alertd(folder, sink.said[0]) as ours:
                    got.setdefault(f"alertd {size}", []).append(_taken("alertd", ours.port, size))
    return [Figure(f"P durable alerts acknowledged, webhooks of {size}, against Alerta", "alerts/s",
                   tuple(got[f"alertd {size}"]), tuple(got[f"alerta {size}"]), goal, True, NOTE)
            for size, goal in GOALS.items()]


def _taken(name: str, port: int, size: int) -> float:
    path = {"alerta": "/webhooks/prometheus", "alertd": WEBHOOK}[name]

    def plan(seconds: float, first: int) -> Plan:
        return Plan(port, seconds, size, CONNECTIONS[name], first=first + size * 1_000_000, path=path, instances=True)

    processes.load(plan(WARM, 0))
    report = processes.load(plan(SECONDS, 500_000))
    if report.refused:
        raise RuntimeError(f"{name}: {report.refused} of {report.answered + report.refused} webhooks were refused")
    return report.answered * size / report.seconds


@contextlib.contextmanager
def serving(folder: Path, python: Path, database: str) -> Iterator[Running]:
    """Alerta over an empty database."""
    port, settings = processes.free_port(), folder / "alerta.conf"
    settings.write_text(f"DATABASE_URL = {database!r}\nSECRET_KEY = 'bench'\nAUTH_REQUIRED = False\n")
    environment = {"ALERTA_SVR_CONF_FILE": str(settings)}
    # loaded once for all its processes: each makes and alters the tables as it begins, and two that do it at once, or
    # one beside a webhook, wait for each other until PostgreSQL ends one of them, which ends the server
    with processes.program(str(python), "-m", "gunicorn", "--preload", "--workers", str(PROCESSES),
                           "--bind", f"127.0.0.1:{port}", "--log-level", "error", "alerta.app:create_app()",
                           port=port, log=folder / "alerta.log", ready="/_", environment=environment) as server:
        yield server


def installed() -> Path:
    """The interpreter that has Alerta; it is installed where it is not yet."""
    python, complete = PLACE / "bin" / "python", PLACE / "complete"
    if complete.is_file() and complete.read_text() == repr(PACKAGES):
        return python
    print(f"installing {', '.join(PACKAGES)} from the package index into {PLACE}, once; delete that folder to be rid "
          "of them", file=sys.stderr, flush=True)
    shutil.rmtree(PLACE, ignore_errors=True)
    venv.create(PLACE, with_pip=True)
    done = subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(PLACE, ignore_errors=True)
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise Skipped(f"Alerta could not be installed: {said[-1] if said else 'pip failed without a word'}")
    complete.write_text(repr(PACKAGES))
    return python

"""Starting what is measured, each in a process of its own on a free loopback port, and stopping it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.load import Plan, Report

PATIENCE = 30.0  # seconds for a start or an end

ROUTING = """\
defaults:
  pagerduty: {{url: "{pagerduty}"}}
  slack: {{api_url: "{slack}/api/", token: xoxb-bench{rate}}}
  email: {{smarthost: "{smtp}", from: alertd@example.com}}
receivers:
  on-call: {{pagerduty: {{routing_key: "00000000000000000000000000000000"}}}}
  management: {{style: management, email: {{to: [management@example.com]}}, slack: {{channel: "#leadership"}}}}
  slack: {{slack: {{channel: "#alerts"}}}}
  ledger: {{webhook: {{url: "{webhook}/"}}}}
  partner: {{webhook: {{url: "{partner}/"}}}}
routes:
  critical: {critical}
  warning: slack
  info: slack
"""
DIGEST = """\
  daily: {digest: {at: "08:00", email: {to: [all@example.com]}}}
routes:
"""


@dataclasses.dataclass(slots=True)
class Running:
    """A process and where it listens; `said` are the lines of JSON it printed, whole once it has ended."""

    process: subprocess.Popen[str]
    port: int = 0
    said: list[Any] = dataclasses.field(default_factory=list)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def running(*command: str, port: int = 0, log: Path | None = None) -> contextlib.AbstractContextManager[Running]:
    """`python -m command…`, answering on `port` (0: does not listen there) inside the block."""
    return program(sys.executable, "-m", *command, port=port, log=log)


@contextlib.contextmanager
def program(*command: str, port: int = 0, log: Path | None = None, ready: str = "/-/ready",
            environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """The same of any program, which answers at `ready` once it is."""
    with contextlib.ExitStack() as stack:
        errors = stack.enter_context(log.open("a")) if log else None
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True,
                                   env={**os.environ, **(environment or {})})
        server = Running(process, port)
        try:
            if port:
                _await_ready(server, ready)
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                out, _ = process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            server.said += [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def _await_ready(server: Running, path: str) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if server.process.poll() is not None:
            raise RuntimeError(f"{server.process.args!r} ended with status {server.process.returncode}")
        with contextlib.suppress(OSError, urllib.error.URLError), \
                urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"{server.process.args!r} did not get ready")


@contextlib.contextmanager
def bare(kind: str, folder: Path) -> Iterator[Running]:
    port = free_port()
    with running("bench.bare", kind, str(port), str(folder / f"bare-{port}.db"), port=port) as server:
        yield server


def idle_watch() -> contextlib.AbstractContextManager[Running]:
    """A loop that does nothing; at its end it says how long it was kept from that."""
    return _watch("bench.lagged")


def disk_watch(folder: Path) -> contextlib.AbstractContextManager[Running]:
    """A page that is synced there again and again; at its end it says how long that took at most."""
    return _watch("bench.disk", str(folder / "watched"))


@contextlib.contextmanager
def _watch(*command: str) -> Iterator[Running]:
    """One that says a line once it has begun."""
    with running(*command) as watch:
        assert watch.process.stdout
        watch.process.stdout.readline()
        yield watch


@contextlib.contextmanager
def sink(*faults: str) -> Iterator[Running]:
    with running("bench.sink", *faults) as server:
        assert server.process.stdout
        server.said.append(json.loads(server.process.stdout.readline()))
        yield server


@contextlib.contextmanager
def alertd(folder: Path, addresses: dict[str, str], critical: str = "on-call + management + slack", *,
           watched: bool = False, slack_rate: str = "", store: Path | str | None = None,
           storms: bool = True, digest: bool = False) -> Iterator[Running]:
    """A daemon over a new store, routed to a sink's addresses; `store` is another one's file or address. Without
    `storms` every start is told by itself, however many there are; with `digest` there is a daily summary."""
    port = free_port()
    routing = folder / f"routing-{port}.yaml"
    rate = f", rate: {slack_rate}" if slack_rate else ""
    text = ROUTING.format(**addresses, critical=critical, rate=rate) + ("" if storms else "storm: off\n")
    routing.write_text(text.replace("routes:\n", DIGEST).replace("info: slack", "info: daily") if digest else text)
    url = store if isinstance(store, str) else f"sqlite:///{store or folder / f'alertd-{port}.db'}"
    command = ("bench.lagged", str(routing), url, str(port)) if watched else (
        "alertd", "serve", "--config", str(routing), "--store", url, "--web.listen-address", f"127.0.0.1:{port}")
    with running(*command, port=port, log=folder / "alertd.log") as server:
        yield server


def start_load(plan: Plan) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "bench.load", json.dumps(dataclasses.asdict(plan))],
                            stdout=subprocess.PIPE, text=True)


def finish_load(process: subprocess.Popen[str]) -> Report:
    out, _ = process.communicate(timeout=PATIENCE + 60)
    if process.returncode:
        raise RuntimeError("the sender failed")
    return Report(**json.loads(out))


def load(plan: Plan) -> Report:
    return finish_load(start_load(plan))

"""A whole alertd for a test: the daemon in a process of its own, its vendors as stand-ins in the test's."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from alertd.demo import processes
from alertd.demo.processes import Process
from alertd.demo.standins.pagerduty import PagerDuty
from alertd.demo.standins.slack import Slack
from alertd.demo.standins.smtp import Smtp

PATIENCE = 40.0  # seconds a condition may take on a slow machine; met at once on a quick one
KILLED = Path(__file__).with_name("killed.py")
HASTY = Path(__file__).with_name("hasty.py")
STEPPED = Path(__file__).with_name("stepped.py")
EVERYONE = "on-call + management + slack"


class Told(AssertionError):
    """A condition that was not met in time."""


async def until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """The first true answer of `condition`, which may be a coroutine function; asked every 20 ms."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Told(f"not within {seconds:.0f} s: {what}")
        await asyncio.sleep(0.02)


def webhook(name: str, status: str = "firing", *, severity: str = "critical", alerts: int = 1,
            labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    """What Alertmanager posts about the group of one alertname; its alerts differ by instance."""
    ended = "2026-11-23T22:10:00Z" if status == "resolved" else "0001-01-01T00:00:00Z"
    return {
        "version": "4", "groupKey": f'{{}}:{{alertname="{name}"}}', "status": status, "receiver": "alertd",
        "groupLabels": {"alertname": name}, "commonLabels": {"alertname": name}, "commonAnnotations": {},
        "externalURL": "http://alertmanager.example.com", "truncatedAlerts": 0,
        "alerts": [{
            "status": status, "labels": {"alertname": name, "severity": severity, "instance": f"i{number}",
                                         **(labels or {})},
            "annotations": annotations or {"summary": f"{name} on i{number}"},
            "startsAt": "2026-11-23T22:00:00.123Z", "endsAt": ended, "generatorURL": "http://prometheus.example.com",
            "fingerprint": f"{name}{number}".encode().hex()[-16:].rjust(16, "0"),
        } for number in range(alerts)],
    }


class House:
    """One alertd on one port with one store, which outlives its processes. Use as `async with`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = processes.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.pagerduty, self.slack, self.smtp = PagerDuty(), Slack(), Smtp()
        self.more: tuple[str, ...] = ()  # further words of `serve`
        self.store = f"sqlite:///{folder / 'alertd.db'}"
        self.hasty = False  # claims last five seconds and not sixty
        self.build: Path | None = None  # where another version of alertd lies
        self.daemon: Process | None = None
        self.session: aiohttp.ClientSession = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20))
        self._others: list[Process] = []
        self._replicas: list[House] = []

    async def __aenter__(self) -> House:
        for standin in (self.pagerduty, self.slack, self.smtp):
            await standin.start()
        self.route(EVERYONE)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()
        for process in (*reversed(self._others), *[one.daemon for one in (self, *self._replicas) if one.daemon]):
            await asyncio.to_thread(process.kill)
        for standin in (self.pagerduty, self.slack, self.smtp):
            await standin.stop()

    def route(self, critical: str, broken: bool = False) -> None:
        """Write routing.yaml, with these receivers for critical alerts."""
        text = f"""
defaults:
  pagerduty: {{url: {self.pagerduty.url}, routing_key: {"k" * 32}}}
  slack: {{api_url: {self.slack.api_url}, token: xoxb-test, rate: none}}
  email: {{smarthost: "{self.smtp.url}", from: alertd@example.com, require_tls: false, rate: none}}
receivers:
  on-call: {{pagerduty: {{}}}}
  management: {{style: management, email: {{to: [boss@example.com]}}}}
  slack: {{slack: {{channel: "#alerts"}}}}
  platform-team: {{slack: {{channel: "#platform"}}}}
routes: {{critical: {critical}, warning: on-call + platform-team, info: platform-team}}
"""
        (self.folder / "routing.yaml").write_text(text + ("routes: [" if broken else ""))

    def beside(self) -> House:
        """Another alertd on the same store, with the same file and vendors, on a port of its own."""
        other = copy.copy(self)
        other.port = processes.free_port()
        other.url = f"http://127.0.0.1:{other.port}"
        other.daemon = None
        self._replicas.append(other)
        return other

    def words(self) -> list[str]:
        """The words of `serve` for this house."""
        return ["serve", "--config", str(self.folder / "routing.yaml"), "--store", self.store,
                "--web.listen-address", f"127.0.0.1:{self.port}", "--web.external-url", self.url, *self.more]

    async def start(self, before: tuple[str, ...] = ()) -> Process:
        """The daemon, ready; `before` is a command line that runs it (strace)."""
        program = [sys.executable, str(HASTY)] if self.hasty else [str(word) for word in processes.alertd()]
        if self.build:
            before = ("env", "PYTHONSAFEPATH=1", f"PYTHONPATH={self.build}", *before)
        return await self._launch([*before, *program, *self.words()])

    async def start_killed(self, point: str, channel: str = "") -> Process:
        """A daemon that kills itself the first time it comes to `point` (of this channel); see killed.py."""
        return await self._launch([sys.executable, str(KILLED), point, channel, *self.words()])

    async def start_stepped(self) -> Process:
        """A daemon whose clock is set by signals; see stepped.py."""
        return await self._launch([sys.executable, str(STEPPED), *self.words()])

    async def _launch(self, command: list[str]) -> Process:
        self.daemon = Process("alertd", command, self.folder / f"alertd-{self.port}.log")
        await self.daemon.answers(f"{self.url}/-/ready")
        return self.daemon

    def keep(self, process: Process) -> Process:
        """Another process of this test, stopped with it."""
        self._others.append(process)
        return process

    async def post(self, body: dict[str, Any]) -> int:
        """The status of the answer; 0 when none came."""
        try:
            async with self.session.post(f"{self.url}/webhook/alertmanager", json=body) as response:
                return response.status
        except (aiohttp.ClientError, OSError, TimeoutError):
            return 0

    async def tell(self, body: dict[str, Any], seconds: float = PATIENCE) -> None:
        """Post it as Alertmanager does: again until it is taken."""
        async def taken() -> bool:
            return await self.post(body) == 200

        await until(taken, "a webhook is taken", seconds)

    async def text(self, path: str) -> str:
        async with self.session.get(self.url + path) as response:
            return await response.text()

    async def status(self, path: str) -> int:
        async with self.session.get(self.url + path) as response:
            return response.status

    async def json(self, path: str) -> Any:
        return json.loads(await self.text(path))

    async def items(self, path: str) -> list[dict[str, Any]]:
        """Every item of a list of the API, page by page."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            mark = "&" if "?" in path else "?"
            page = json.loads(await self.text(f"/api/v1/{path}{mark}limit=1000{cursor}"))
            found += page["items"]
            if not page["next"]:
                return found
            cursor = f"&cursor={page['next']}"

    async def settled(self, seconds: float = PATIENCE) -> list[dict[str, Any]]:
        """Every notification, once none is on its way."""
        async def rows() -> list[dict[str, Any]]:
            found = await self.items("notifications")
            return [] if any(row["state"] in ("queued", "claimed") for row in found) else found

        found: list[dict[str, Any]] = await until(rows, "every notification has ended", seconds)
        return found

    def roots(self, channel: str = "alerts") -> list[dict[str, Any]]:
        """The Slack messages that are no replies."""
        return [message for message in self.slack.posted(channel) if "thread_ts" not in message]

    def message_ids(self) -> list[str]:
        return [str(mail.message["Message-ID"]) for mail in self.smtp.mails]

"""The demo: starts everything, breaks three things, mends them, and shows who was told.

It believes only the stand-ins: a message counts when it arrived there.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from alertd.demo import processes, scene, seen
from alertd.demo.exporter import Exporter
from alertd.demo.processes import Failed, Process
from alertd.demo.replay import Recording
from alertd.demo.screen import GOOD, Screen
from alertd.demo.standins.pagerduty import PagerDuty
from alertd.demo.standins.slack import Slack
from alertd.demo.standins.smtp import Smtp
from alertd.model import Kind, Severity

WAIT = 22.0  # seconds for one start, or for all ends, to be told everywhere; four such waits stay below 90
LOOK = 0.1  # seconds between looks at what arrived


@dataclasses.dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that breaks: what the exporter then says, and the alert that must follow."""

    alert: str
    severity: Severity
    breaks: str
    mends: str
    broken: dict[str, float]
    sound: dict[str, float]


TROUBLES = (
    Trouble("HighErrorRate", Severity.CRITICAL, "8 % of checkout's requests begin to fail (declared limit 0.5 %)",
            "checkout's requests succeed again", {"failing": 0.08}, {"failing": 0.0}),
    Trouble("HighMemoryUtilization", Severity.WARNING, "its machine uses 91 % of its memory (declared limit 75 %)",
            "the memory is free again", {"memory_used": 0.91}, {"memory_used": 0.4}),
    Trouble("HighCPUUtilization", Severity.INFO, "its machine uses 88 % of its CPU (declared limit 70 %)",
            "the CPU is idle again", {"cpu_used": 0.88}, {"cpu_used": 0.2}),
)


def run(*, once: bool, keep: Path | None) -> int:
    """The exit status: 0 when every expected message arrived, 1 when not. Without `once` it then stays up until
    Ctrl-C. Everything it wrote lies in `keep`, or is gone at its end."""
    try:
        return asyncio.run(_run(once, keep.resolve() if keep else None))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except asyncio.CancelledError:
        return 128 + signal.SIGTERM
    except (Failed, OSError) as error:
        sys.stderr.write(f"the demo could not run: {error}\n")
        return 1


async def _run(once: bool, keep: Path | None) -> int:
    task = asyncio.current_task()
    assert task is not None
    # As Ctrl-C does: leave by way of every `finally`, so that nothing stays behind.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with _stage(keep) as stage:
        gaps = await stage.play()
        if once:
            return 1 if gaps else 0
        stage.screen.line(f"\nThe page stays at {stage.page} until Ctrl-C.")
        await asyncio.Event().wait()
    return 0


@contextlib.asynccontextmanager
async def _stage(keep: Path | None) -> AsyncIterator[Stage]:
    """Everything that takes part, running inside the block."""
    async with contextlib.AsyncExitStack() as stack:
        if keep is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alertd-demo-")))
        else:
            folder = keep
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)))
        stage = Stage(folder, session)
        for standin in (stage.pagerduty, stage.slack, stage.smtp, stage.exporter):
            await standin.start()
            stack.push_async_callback(standin.stop)
        async for process in stage.processes():
            stack.push_async_callback(asyncio.to_thread, process.stop)
        yield stage


class Stage:
    """Who takes part, and the play."""

    def __init__(self, folder: Path, session: aiohttp.ClientSession) -> None:
        self.screen = Screen()
        self.pagerduty, self.slack, self.smtp, self.exporter = PagerDuty(), Slack(), Smtp(), Exporter()
        self.page = ""
        self._folder = folder
        self._session = session
        self._recording: Recording | None = None
        self._times: list[int] = []  # milliseconds, of each message that was no edit
        self._shown = 0
        self._named: set[tuple[str, Kind]] = set()
        self._created: dict[tuple[str, str, str], int] = {}

    async def processes(self) -> AsyncIterator[Process]:
        """Starts one after the other; each is given out at once, so that it is stopped even if it never answers."""
        daemon, self.page = self._daemon()
        yield daemon
        await daemon.answers(f"{self.page}/-/ready")
        prometheus, alertmanager = processes.find_prometheus(), processes.find_alertmanager()
        if not prometheus or not alertmanager:
            self._recording = Recording(self._session, f"{self.page}/webhook/alertmanager")
            return
        await self._rules()
        at, its = processes.free_port(), processes.free_port()
        self._write("alertmanager.yml", scene.alertmanager(f"{self.page}/webhook/alertmanager"))
        self._write("prometheus.yml", scene.prometheus(target=self.exporter.port, alertmanager=at))
        for process, port in ((processes.alertmanager(alertmanager, self._folder, at), at),
                              (processes.prometheus(prometheus, self._folder, its), its)):
            yield process
            await process.answers(f"http://127.0.0.1:{port}/-/ready")

    def _daemon(self) -> tuple[Process, str]:
        port = processes.free_port()
        page = f"http://127.0.0.1:{port}"
        self._write("routing.yaml", scene.routing(pagerduty=self.pagerduty.url, slack=self.slack.api_url,
                                                  smtp=self.smtp.url))
        command = processes.alertd("serve", "--config", self._folder / "routing.yaml",
                                   "--store", f"sqlite:///{self._folder}/alertd.db",
                                   "--web.listen-address", f"127.0.0.1:{port}", "--web.external-url", page)
        return Process("alertd", command, self._folder / "alertd.log"), page

    async def _rules(self) -> None:
        rules = self._folder / "rules"
        await asyncio.to_thread(rules.mkdir, exist_ok=True)
        self._write("rules/production.yaml", scene.RULES)
        build = Process("alertd rules build", processes.alertd("rules", "build", "--rules", rules),
                        self._folder / "build.log")
        with processes.running(build):
            if await build.ended():
                raise Failed(f"{build.name}: {build.tail()}")
        scene.hurry(rules / "generated")

    def _write(self, name: str, text: str) -> None:
        (self._folder / name).write_text(text, encoding="utf-8")

    async def play(self) -> list[str]:
        """Breaks and mends; returns what did not arrive, in words."""
        self._introduce()
        for trouble in TROUBLES:
            self.screen.happens(trouble.breaks)
            await self._make(trouble, Kind.FIRING)
            await self._until_told((trouble,), Kind.FIRING)
        for trouble in TROUBLES:
            self.screen.happens(trouble.mends)
            await self._make(trouble, Kind.RESOLVED)
        await self._until_told(TROUBLES, Kind.RESOLVED)
        await asyncio.sleep(LOOK)
        self._show_new(await self._look())
        return self._conclude(await self._gaps(TROUBLES, Kind.FIRING) + await self._gaps(TROUBLES, Kind.RESOLVED))

    def _introduce(self) -> None:
        screen = self.screen
        screen.line("alertd on this machine alone; PagerDuty, Slack and the mail server are local stand-ins.")
        screen.fact("page", self.page)
        screen.fact("files", str(self._folder))
        if self._recording:
            screen.fact("alerts", "Prometheus and Alertmanager are not on PATH: recorded webhooks are replayed, "
                                  "their times set to now")
        else:
            screen.fact("alerts", "real Prometheus and Alertmanager; the first look at a target takes them 5 s")
            screen.fact("rules", "written by `alertd rules build`, then hurried: here each of their minutes lasts a "
                                 "second")
        screen.fact("times", "from alertd taking the webhook to the message's arrival")

    async def _make(self, trouble: Trouble, kind: Kind) -> None:
        if self._recording:
            await self._recording.send(trouble.alert, kind)
        else:
            self.exporter.set(**(trouble.broken if kind is Kind.FIRING else trouble.sound))

    async def _until_told(self, troubles: tuple[Trouble, ...], kind: Kind) -> None:
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            self._show_new(await self._look())
            if not await self._gaps(troubles, kind):
                self._show_new(await self._look())
                if kind is Kind.FIRING and troubles[0].severity is Severity.INFO:
                    self.screen.held()
                return
            await asyncio.sleep(LOOK)

    async def _look(self) -> dict[str, dict[str, Any]]:
        """The incidents by id; notes when each intended message was made."""
        incidents = {one["id"]: one for one in await self._get("incidents")}
        for row in await self._get("notifications"):
            where = {"pagerduty": seen.PAGER}.get(row["channel"], row["target"])
            self._created[row["incident"], where, row["kind"]] = _millis(row["created_at"])
        return incidents

    def _show_new(self, incidents: dict[str, dict[str, Any]]) -> None:
        told = seen.everything(self.pagerduty, self.slack, self.smtp)
        for one in told[self._shown:]:
            incident = incidents.get(one.incident)
            if incident is None:
                return  # it came since the incidents were asked for: the next look has both
            self._shown += 1
            self._name(incident, one.kind)
            took = self._took(one)
            if took is not None and not one.edit:
                self._times.append(took)
            self.screen.told(one, took)

    def _name(self, incident: dict[str, Any], kind: Kind) -> None:
        """Says once of each start and each end that Alertmanager told of it."""
        if (incident["id"], kind) in self._named:
            return
        self._named.add((incident["id"], kind))
        what = "fires" if kind is Kind.FIRING else "is resolved"
        self.screen.alert(Severity(incident["severity"]),
                          f"{incident['labels'].get('alertname')} {what}: incident {incident['id']}")

    def _took(self, one: seen.Told) -> int | None:
        """Milliseconds from the webhook's decision to the stand-in."""
        made = self._created.get((one.incident, one.place, one.kind))
        skew = time.time_ns() // 1_000_000 - time.monotonic_ns() // 1_000_000
        return max(0, one.at + skew - made) if made is not None else None

    async def _gaps(self, troubles: tuple[Trouble, ...], kind: Kind) -> list[str]:
        incidents = {one["labels"].get("alertname"): one["id"] for one in await self._get("incidents")}
        held = {row["incident"] for row in await self._get("notifications") if row["state"] == "held"}
        told = seen.everything(self.pagerduty, self.slack, self.smtp)
        gaps = []
        for trouble in troubles:
            id = incidents.get(trouble.alert, "")
            places = seen.missing(trouble.severity, kind, id, told)
            if trouble.severity is Severity.INFO and kind is Kind.FIRING and id not in held:
                places.append(seen.DIGEST)
            gaps += [f"{trouble.alert}, {kind}: {place}" for place in places]
        return gaps

    def _conclude(self, gaps: list[str]) -> list[str]:
        if not gaps:
            self.screen.line(f"\n{self.screen.paint('Every expected message arrived,', GOOD)} the start and the end "
                             "of each alert, at each place.")
            self.screen.line("From the webhook to the message: "
                             f"{statistics.median(self._times):.0f} ms at the median of {len(self._times)} messages, "
                             f"{max(self._times)} ms at most.")
            return gaps
        self.screen.line("\nDid not arrive in time:")
        for gap in gaps:
            self.screen.line(f"  {gap}")
        return gaps

    async def _get(self, what: str) -> list[dict[str, Any]]:
        async with self._session.get(f"{self.page}/api/v1/{what}", params={"limit": "1000"}) as response:
            answer = await response.json()
        items: list[dict[str, Any]] = answer["items"]
        return items


def _millis(text: str) -> int:
    return int(datetime.datetime.fromisoformat(text).timestamp() * 1000)

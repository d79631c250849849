"""Clicks in Slack where no public address exists: alertd calls Slack, and clicks come down that line (Socket Mode).

https://docs.slack.dev/apis/events-api/using-socket-mode. Authentic is what comes by a line opened with the app's token.
The vendor's own client is not used: after a connection that failed it tries the same address for ever, which Slack
takes only once, and it keeps what comes in an unbounded queue that nobody awaits.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError

from alertd.channels.slack import Client
from alertd.engine import clicks
from alertd.engine.acts import Acts
from alertd.engine.metrics import Metrics
from alertd.engine.setting import Current
from alertd.errors import StoreUnavailable

SOONEST = 1.0  # seconds before the next line; apps.connections.open may be asked a few times a minute for long
LATEST = 60.0
HEARTBEAT = 10.0  # seconds between pings; a line without an answer for half of it more is dead
LARGEST = 1 << 20  # bytes of an envelope; a click carries the message it was on, at most 50 blocks
ORDERLY = ("warning", "refresh_requested")  # Slack hangs up every few hours and says so

log = structlog.get_logger()

Line = tuple[str, str]  # the API's address, and the app's token


class _HungUp(Exception):
    """Slack ended the line, and not because it was time."""


class Sockets:
    """One line for each app token of the file in force."""

    def __init__(self, acts: Acts, current: Current, metrics: Metrics, http: aiohttp.ClientSession) -> None:
        self._acts = acts
        self._current = current
        self._metrics = metrics
        self._http = http
        self._tasks: dict[Line, asyncio.Task[None]] = {}

    def refresh(self) -> None:
        """Call for what is new in the file, hang up what has left it."""
        wanted = dict.fromkeys(_lines(self._current))
        for line in [line for line in self._tasks if line not in wanted]:
            self._tasks.pop(line).cancel()
        for line in wanted:
            if line not in self._tasks:
                self._tasks[line] = asyncio.create_task(self._keep(*line))
        self._metrics.sockets.labels("wanted").set(len(wanted))

    async def stop(self) -> None:
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, api: str, token: str) -> None:
        """Call again whenever the line is gone, later each time that none came about."""
        failures = 0
        while True:
            try:
                await self._talk(api, token)
                failures = 0
            except (SlackApiError, aiohttp.ClientError, OSError, _HungUp) as error:
                failures += 1
                log.warning("slack_socket_lost", reason=_reason(error, token), failures=failures)
            except Exception:  # a fault of ours must not leave a team without its button until a restart
                failures += 1
                log.exception("slack_socket_fault")
            latest = min(LATEST, SOONEST * 2 ** min(failures, 10))  # SOONEST itself where all was well
            jitter = random.random()  # noqa: S311  spreads the calls, guards nothing
            await asyncio.sleep(SOONEST + jitter * (latest - SOONEST))

    async def _talk(self, api: str, token: str) -> None:
        answer: Any = await Client(token, api, self._http).apps_connections_open(app_token=token)
        address = str(answer.get("url") or "")
        if not address.startswith("wss://") and not (api.startswith("http://") and address.startswith("ws://")):
            raise _HungUp("Slack named no wss address")
        async with self._http.ws_connect(address, heartbeat=HEARTBEAT, max_msg_size=LARGEST) as socket:
            up = self._metrics.sockets.labels("connected")
            up.inc()
            try:
                async with asyncio.TaskGroup() as answers:  # a slow commit must not keep pings from being answered
                    problem = await self._hear(socket, answers)
            finally:
                up.dec()
        if problem:
            raise _HungUp(problem)

    async def _hear(self, socket: aiohttp.ClientWebSocketResponse, answers: asyncio.TaskGroup) -> str | None:
        """Until the line ends: why, or None where it was time."""
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            try:
                envelope = json.loads(message.data)
            except ValueError:
                envelope = None
            if not isinstance(envelope, dict):
                return "what came down it is no envelope"
            if envelope.get("type") == "hello":
                log.info("slack_socket_open")
            elif envelope.get("type") == "disconnect":
                reason = str(envelope.get("reason"))[:80]
                return None if reason in ORDERLY else f"Slack hung up: {reason}"
            elif isinstance(id := envelope.get("envelope_id"), str):
                answers.create_task(self._answer(socket, id, envelope))
        return "it broke"

    async def _answer(self, socket: aiohttp.ClientWebSocketResponse, id: str, envelope: dict[str, Any]) -> None:
        """The envelope is acknowledged once what it asks for is on disk; until then Slack counts it as not arrived,
        and says so to whoever clicked."""
        if envelope.get("type") == "interactive":
            try:
                await clicks.act(self._acts, clicks.read(envelope.get("payload")))
            except StoreUnavailable as error:
                log.warning("click_not_kept", reason=str(error))
                return
            except ValueError:
                log.info("envelope_without_a_click")
        try:
            await socket.send_str(json.dumps({"envelope_id": id}))
        except (ConnectionError, aiohttp.ClientError):
            log.info("envelope_not_acknowledged", reason="the line is gone; Slack sends it again")


def _lines(current: Current) -> Iterator[Line]:
    for (_, channel), settings in current.file.settings.items():
        token: Any = getattr(settings, "app_token", None) if channel == "slack" else None
        if token is not None:
            yield str(getattr(settings, "api_url", "")), token.reveal()


def _reason(error: BaseException, token: str) -> str:
    """One line, without the token or the ticket in an address."""
    if isinstance(error, SlackApiError):
        data = getattr(error.response, "data", None)
        return f"Slack answered {str(data.get('error'))[:80]}" if isinstance(data, dict) else "not an answer of Slack"
    said = str(error) if isinstance(error, _HungUp) else ""
    return f"{type(error).__name__}: {said}".replace(token, "…") if said else type(error).__name__

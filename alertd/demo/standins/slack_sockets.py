"""Slack's Socket Mode: an address that is good for one connection, and clicks that come down the line.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from typing import Any

import aiohttp
from aiohttp import web

PATH = "/link"


class Sockets:
    """`acknowledged` are the ids of envelopes that were answered, `opened` counts connections; a client that says
    anything else than an envelope's id is a fault of the client, and cut off."""

    def __init__(self) -> None:
        self.acknowledged: list[str] = []
        self.opened = 0
        self.strangers = 0
        self._tickets: set[str] = set()
        self._sent: set[str] = set()
        self._lines: list[web.WebSocketResponse] = []
        self._numbers = itertools.count(1)
        self._news = asyncio.Condition()

    @property
    def lines(self) -> int:
        """How many are open now."""
        return len(self._lines)

    def ticket(self, url: str) -> str:
        """What apps.connections.open answers."""
        word = secrets.token_hex(8)
        self._tickets.add(word)
        return f"{url.replace('http', 'ws', 1)}{PATH}?ticket={word}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, from hello to its end."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            self.strangers += 1
            return web.Response(status=404)
        self._tickets.remove(ticket)
        line = web.WebSocketResponse()
        await line.prepare(request)
        await line.send_json({"type": "hello", "num_connections": len(self._lines) + 1,
                              "connection_info": {"app_id": "A1"}})
        self._lines.append(line)
        self.opened += 1
        await self._tell()
        try:
            async for message in line:
                if message.type is not aiohttp.WSMsgType.TEXT or not await self._answered(message.json()):
                    await line.close(code=1008)
        finally:
            self._lines.remove(line)
            await self._tell()
        return line

    async def send(self, payload: dict[str, Any], *, kind: str = "interactive", id: str = "") -> str:
        """An envelope down the newest line; its id, which may be that of one sent before."""
        id = id or f"e-{next(self._numbers)}"
        self._sent.add(id)
        await self._lines[-1].send_json({"type": kind, "envelope_id": id, "payload": payload,
                                         "accepts_response_payload": False})
        return id

    async def refresh(self, reason: str = "refresh_requested") -> None:
        """Ask every client to come anew, and hang up."""
        for line in list(self._lines):
            await line.send_json({"type": "disconnect", "reason": reason})
            await line.close()

    async def until(self, condition: Any) -> None:
        """Wait until something that is seen here is so."""
        async with asyncio.timeout(10), self._news:
            await self._news.wait_for(condition)

    async def _answered(self, answer: Any) -> bool:
        if not isinstance(answer, dict) or answer.get("envelope_id") not in self._sent:
            return False
        self.acknowledged.append(answer["envelope_id"])
        await self._tell()
        return True

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

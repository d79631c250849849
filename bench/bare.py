"""What alertd is compared with: aiohttp servers that do the least of the same thing.

`python -m bench.bare KIND PORT FILE`.

`decode` decodes the webhook and says yes. `store` also writes the body (deflated, as alertd does) and one row per
alert, many webhooks to a commit, and says yes after it. Neither routes, groups, remembers what fires, nor tells
anybody.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import sys
import threading
from typing import Any

import msgspec
from aiohttp import web
from isal import isal_zlib


class _Alert(msgspec.Struct, rename="camel"):
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str
    ends_at: str
    fingerprint: str


class _Message(msgspec.Struct, rename="camel"):
    version: str
    group_key: str
    alerts: list[_Alert]


_decode = msgspec.json.Decoder(_Message).decode
_encode = msgspec.json.Encoder().encode


async def decode(request: web.Request) -> web.Response:
    _decode(await request.read())
    return web.Response(text="ok\n")


_Waiting = tuple[bytes, list[tuple[Any, ...]], "asyncio.Future[None]"]


class Store:
    """Group commit in a thread: what gathers while one commit is under way is the next."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._waiting: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, daemon=True).start()

    async def __call__(self, request: web.Request) -> web.Response:
        body = await request.read()
        message = _decode(body)
        rows = [(message.group_key, alert.fingerprint, alert.status, alert.starts_at, alert.ends_at,
                 _encode(alert.labels), _encode(alert.annotations)) for alert in message.alerts]
        answer: asyncio.Future[None] = self._loop.create_future()
        self._waiting.put((isal_zlib.compress(body, 0), rows, answer))
        await answer
        return web.Response(text="ok\n")

    def _run(self) -> None:
        db = sqlite3.connect(self._path, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE alerts (seq INTEGER PRIMARY KEY, group_key TEXT, fingerprint TEXT, status TEXT, "
                   "starts_at TEXT, ends_at TEXT, labels TEXT, annotations TEXT)")
        db.execute("CREATE TABLE webhooks (seq INTEGER PRIMARY KEY, raw BLOB)")
        while True:
            batch = [self._waiting.get()]
            while not self._waiting.empty() and len(batch) < 128:
                batch.append(self._waiting.get())
            db.execute("BEGIN")
            db.executemany("INSERT INTO webhooks VALUES (NULL, ?)", [(raw,) for raw, _, _ in batch])
            db.executemany("INSERT INTO alerts VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)",
                           [row for _, rows, _ in batch for row in rows])
            db.execute("COMMIT")
            self._loop.call_soon_threadsafe(self._answer, [answer for _, _, answer in batch])

    @staticmethod
    def _answer(answers: list[asyncio.Future[None]]) -> None:
        for answer in answers:
            if not answer.done():
                answer.set_result(None)


async def build(kind: str, path: str) -> web.Application:
    app = web.Application(client_max_size=4 * 1024 * 1024)
    app.router.add_post("/webhook/alertmanager", decode if kind == "decode" else Store(path).__call__)
    app.router.add_get("/-/ready", lambda _: asyncio.sleep(0, web.Response(text="ready\n")))
    return app


if __name__ == "__main__":
    web.run_app(build(sys.argv[1], sys.argv[3]), host="127.0.0.1", port=int(sys.argv[2]), access_log=None,
                print=lambda *_: None)

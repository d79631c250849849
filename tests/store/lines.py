"""A line to a server that stays open after the server has hung up, as its last words may be read before its end."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def held_open(url: str) -> AsyncIterator[str]:
    """The address of the same store by such a line."""
    port = int(re.findall(r":(\d+)/", url)[0])
    pumps: set[asyncio.Task[None]] = set()

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while words := await source.read(65_536):
                target.write(words)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection("127.0.0.1", port)
        for way in (pump(reader, ours), pump(theirs, writer)):
            pumps.add(asyncio.create_task(way))

    server = await asyncio.start_server(answer, "127.0.0.1")
    try:
        yield url.replace(f":{port}/", f":{server.sockets[0].getsockname()[1]}/")
    finally:
        server.close()
        for task in pumps:
            task.cancel()

"""The sender."""

from __future__ import annotations

import asyncio
import gc

from bench.load import WEBHOOK, Plan, Report, _Sender


async def _sent(answer: bytes) -> tuple[Report, int]:
    """What came of half a second of webhooks to a server that gives this answer and hangs up, and how often it was
    connected to."""
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.rpartition(b"Content-Length: ")[2].split(b"\r\n")[0]))
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        report = await asyncio.wait_for(_Sender(Plan(port, 0.2, 1, 2, path=WEBHOOK)).run(), 10)
    gc.enable()  # the sender does without, in a process of its own
    return report, connections


async def test_a_server_that_hangs_up_after_each_answer_is_sent_to_all_the_same() -> None:
    """A connection for every webhook, and one more for each of the two that may be open at the end."""
    report, connections = await _sent(b"HTTP/1.1 201 CREATED\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
    assert report.answered > 2
    assert report.answered <= connections <= report.answered + 2
    assert not report.refused


async def test_a_server_that_hangs_up_without_an_answer_has_refused() -> None:
    """What was asked of it is counted, and not waited for."""
    report, _ = await _sent(b"")
    assert (report.answered, report.refused > 0) == (0, True)


async def test_a_server_that_is_gone_has_refused_the_rest() -> None:
    """What is due after that is counted as well, and nothing is waited for."""
    open_ones: list[asyncio.StreamWriter] = []

    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.append(writer)
        await reader.read(1)
        server.close()
        for one in open_ones:
            one.close()

    server = await asyncio.start_server(leave, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    report = await asyncio.wait_for(_Sender(Plan(port, 0.3, 1, rate=200, path=WEBHOOK)).run(), 10)
    gc.enable()
    assert (report.answered, report.refused) == (0, 60)

"""A daemon with rotas: who is on call gets the mail, a calendar says who stands in, shifts are served as one."""

from __future__ import annotations

import asyncio
import contextlib
import datetime

import aiohttp
import pytest
from aiohttp import web
from aiosmtpd.controller import UnthreadedController

from alertd.daemon import Options, serving
from alertd.engine.clock import SystemClock
from tests.bodies import body

ROUTING = """\
defaults: {{email: {{smarthost: "127.0.0.1:{smtp}", from: alertd@example.com, rate: none}}}}
people:
  alice: {{email: alice@example.com}}
  bob: {{email: bob@example.com}}
rotas:
  primary: {{people: [alice], handover: "09:00", ical: {{url: "http://127.0.0.1:{calendar}/oncall.ics"}}}}
receivers:
  on-call: {{rota: primary}}
  team: {{log: {{}}}}
routes: {{critical: on-call, warning: on-call, info: team}}
"""


class World:
    """A mail server and a server of calendars; `stands_in` and `status` are what the calendar answers."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str]] = []
        self.stands_in: str | None = None
        self.status = 200

    async def handle_DATA(self, _server, _session, envelope) -> str:
        self.mails.append((envelope.rcpt_tos[0], envelope.content.decode()))
        return "250 taken"

    async def calendar(self, _request: web.Request) -> web.Response:
        now = datetime.datetime.now(datetime.UTC)
        event = ["BEGIN:VEVENT", "UID:1", f"SUMMARY:{self.stands_in} stands in",
                 f"DTSTART:{now - datetime.timedelta(hours=1):%Y%m%dT%H%M%SZ}",
                 f"DTEND:{now + datetime.timedelta(hours=1):%Y%m%dT%H%M%SZ}", "END:VEVENT"] if self.stands_in else []
        text = "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//EN", *event, "END:VCALENDAR", ""])
        return web.Response(status=self.status, text=text)

    async def until(self, number: int) -> None:
        async with asyncio.timeout(15):
            while True:
                if len(self.mails) >= number:
                    return
                await asyncio.sleep(0.01)


@pytest.fixture
async def world():
    return World()


@contextlib.asynccontextmanager
async def daemon_of(world: World, folder):
    """A whole daemon whose on-call receiver is a rota with a calendar."""
    app = web.Application()
    app.router.add_get("/oncall.ics", world.calendar)
    async with contextlib.AsyncExitStack() as stack:
        runner = web.AppRunner(app)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        mail = UnthreadedController(world, "127.0.0.1", 0, loop=asyncio.get_running_loop())
        mail.server = await asyncio.get_running_loop().create_server(mail._factory_invoker, "127.0.0.1", 0)
        stack.callback(mail.server.close)
        ports = {"smtp": mail.server.sockets[0].getsockname()[1], "calendar": runner.addresses[0][1]}
        (folder / "routing.yaml").write_text(ROUTING.format(**ports))
        options = Options(folder / "routing.yaml", folder / "rules", f"sqlite:///{folder}/a.db", "127.0.0.1", 0)
        daemon = await stack.enter_async_context(serving(options, SystemClock()))
        http = await stack.enter_async_context(aiohttp.ClientSession(daemon.address))
        yield daemon, http


async def test_a_handover_between_start_and_end(world, tmp_path):
    """Alice is called, then Bob takes over by the calendar: Alice still hears of the end, and new trouble is Bob's.
    A calendar that breaks then changes nothing."""
    async with daemon_of(world, tmp_path) as (daemon, http):
        await http.post("/webhook/alertmanager", data=body("a"))
        await world.until(1)
        world.stands_in = "Bob"
        await daemon._oncall.read()
        world.status = 500
        await daemon._oncall.read()
        await daemon.reload()
        await http.post("/webhook/alertmanager", data=body("a", status="resolved"))
        await world.until(2)
        await http.post("/webhook/alertmanager", data=body("b"))
        await world.until(3)
    assert [to for to, _ in world.mails] == ["alice@example.com", "alice@example.com", "bob@example.com"]


async def test_shifts_are_served_as_a_calendar(world, tmp_path):
    """For one rota or all, with who stands in; and the metrics say that somebody is on call."""
    world.stands_in = "bob"
    async with daemon_of(world, tmp_path) as (_, http):
        answer = await http.get("/api/v1/oncall.ics?rota=primary")
        text = await answer.text()
        assert (answer.status, answer.content_type) == (200, "text/calendar")
        assert "SUMMARY:alice on call (primary)" in text
        assert "SUMMARY:bob on call (primary)" in text
        assert (await http.get("/api/v1/oncall.ics?rota=none")).status == 404
        metrics = await (await http.get("/metrics")).text()
    assert 'alertd_rota_covered{rota="primary"} 1.0' in metrics
    assert 'alertd_calendar_age_seconds{rota="primary"}' in metrics

"""All stand-ins in one process: prints one line of JSON with their addresses, then serves until it is stopped.

`GET <control>/_received` shows what each got; `POST <control>/_fault` with {"standin": "slack", "mode": "429",
"times": 2, "retry_after": 1} steers them. They take free ports, or those they are given; all but the control listen on
the loopback address alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys

from aiohttp import web

from alertd.demo.standins.pagerduty import PagerDuty
from alertd.demo.standins.server import Faults
from alertd.demo.standins.slack import Slack
from alertd.demo.standins.smtp import Smtp
from alertd.demo.standins.webhook import Webhook


async def serve(where: argparse.Namespace) -> None:
    """Runs until SIGINT or SIGTERM."""
    pagerduty, slack, smtp, webhook = PagerDuty(), Slack(), Smtp(), Webhook()
    await pagerduty.start(where.pagerduty)
    await slack.start(where.slack)
    await smtp.start(where.smtp)
    await webhook.start(where.webhook)
    runner, control = await _control({"pagerduty": pagerduty, "slack": slack, "smtp": smtp, "webhook": webhook},
                                     where.control_address, where.control)
    urls = {"pagerduty": pagerduty.url, "slack": slack.api_url, "smtp": smtp.url, "webhook": webhook.url,
            "control": control}
    sys.stdout.write(json.dumps(urls) + "\n")
    sys.stdout.flush()
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await stop.wait()
    for standin in (pagerduty, slack, smtp, webhook):
        await standin.stop()
    await runner.cleanup()


async def _control(standins: dict[str, Faults], host: str, port: int) -> tuple[web.AppRunner, str]:
    async def received(request: web.Request) -> web.Response:
        return web.json_response({name: standin.report() for name, standin in standins.items()})

    async def fault(request: web.Request) -> web.Response:
        plan = await request.json()
        try:
            standins[plan.pop("standin")].answer(**plan)
        except (KeyError, TypeError, ValueError) as error:
            return web.Response(status=400, text=f"cannot plan this: {error}")
        return web.json_response({"ok": True})

    app = web.Application()
    app.router.add_get("/_received", received)
    app.router.add_post("/_fault", fault)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


def _where() -> argparse.Namespace:
    words = argparse.ArgumentParser("python -m alertd.demo.standins", description="Stand-ins of the vendors.")
    for name in ("pagerduty", "slack", "smtp", "webhook", "control"):
        words.add_argument(f"--{name}", type=int, default=0, metavar="PORT")
    words.add_argument("--control-address", default="127.0.0.1", metavar="HOST")
    return words.parse_args()


if __name__ == "__main__":
    asyncio.run(serve(_where()))

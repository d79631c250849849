"""A canary in the place of every secret: it is seen nowhere, whatever goes wrong, although the vendors repeat it."""

from __future__ import annotations

import signal

import pytest
from aiohttp import web

from tests.flows.processes import House, until, webhook

CANARY = "canary4711canary4711canary471133"  # as long as a routing key has to be
PATHS = ("/", "/incidents", "/notifications", "/metrics", "/audit", "/api/v1/status", "/api/v1/notifications",
         "/api/v1/incidents", "/api/v1/digest/preview", "/api/v1/openapi.json", "/nothing")


async def echoing(request: web.Request) -> web.Response:
    """A vendor at its worst: it refuses, and repeats all that it was told."""
    said = f"{request.url} {dict(request.headers)} {await request.text()}"
    return web.json_response({"ok": False, "error": said, "message": said, "errors": [said]}, status=400)


@pytest.fixture
async def vendor():
    """Its address."""
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", echoing)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def routing(vendor: str, smtp: str) -> str:
    return f"""
defaults:
  pagerduty: {{url: "{vendor}", routing_key: {CANARY}, webhook_secret: {CANARY}}}
  slack: {{api_url: "{vendor}/api/", token: xoxb-{CANARY}, signing_secret: {CANARY}}}
  email: {{smarthost: "{smtp}", from: a@example.com, username: alertd, password: {CANARY}, require_tls: false}}
receivers:
  everybody:
    pagerduty: {{}}
    slack: {{channel: "#alerts"}}
    email: {{to: [boss@example.com]}}
    webhook:
      url: "{vendor}/{CANARY}"
      hmac_secret: {CANARY}
      http_config: {{authorization: {{credentials: {CANARY}}}}}
routes: {{critical: everybody, warning: everybody, info: everybody}}
"""


async def test_no_secret_is_seen(house: House, vendor: str) -> None:
    """In no page, list, metric, log or reason; also after a bad reload, and in what a command prints."""
    text = routing(vendor, house.smtp.url)
    (house.folder / "routing.yaml").write_text(text)
    daemon = await house.start()
    await house.tell(webhook("Broken"))
    await until(lambda: _settled(house), "every message is refused")
    (house.folder / "routing.yaml").write_text(text.replace("routes:", "ruotes:").replace("credentials", "credential"))
    daemon.signal(signal.SIGHUP)
    await until(lambda: "reload_refused" in daemon.log.read_text(), "the bad file is refused")
    seen = {path: await house.text(path) for path in PATHS}
    for row in await house.items("notifications"):
        seen[row["id"]] = await house.text(f"/api/v1/notifications/{row['id']}")
    seen["log"] = daemon.log.read_text()
    seen["store"] = (house.folder / "alertd.db").read_bytes().decode(errors="replace")
    assert [place for place, said in seen.items() if CANARY in said] == []


async def _settled(house: House) -> bool:
    rows = await house.items("notifications")
    return len(rows) == 4 and all(row["attempts"] for row in rows)

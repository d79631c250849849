import contextlib
import dataclasses
from pathlib import Path

import aiohttp
import pytest
import structlog

from alertd.daemon import Options, serving
from alertd.engine.clock import SystemClock
from alertd.engine.process import set_up_logs

ROUTING = """
receivers:
  on-call: {log: {}}
  platform-team: {log: {}}
  daily-summary: {digest: {at: "08:00", timezone: Europe/Berlin, log: {}}}
routes:
  critical: on-call
  warning: on-call + platform-team
  info: platform-team + daily-summary
"""


@dataclasses.dataclass
class Site:
    """A running daemon and a client that speaks to it."""

    http: aiohttp.ClientSession
    url: str
    config: Path

    async def post(self, body: bytes, **headers: str) -> tuple[int, str]:
        async with self.http.post(f"{self.url}/webhook/alertmanager", data=body, headers=headers) as answer:
            return answer.status, await answer.text()

    async def get(self, path: str) -> tuple[int, str]:
        async with self.http.get(self.url + path) as answer:
            return answer.status, await answer.text()

    async def json(self, path: str) -> dict:
        async with self.http.get(self.url + path) as answer:
            return await answer.json()


@pytest.fixture
def logs():
    """Logs as the daemon has them, for this test: loggers that are kept would go on so in the tests after it."""
    set_up_logs(json_lines=False)  # commands in the same process print to stdout
    structlog.configure(cache_logger_on_first_use=False)
    yield
    structlog.reset_defaults()


@pytest.fixture
async def site(tmp_path, logs):
    """The whole daemon in this process, telling a log."""
    config = tmp_path / "routing.yaml"
    config.write_text(ROUTING)
    async with contextlib.AsyncExitStack() as stack:
        options = Options(config, tmp_path / "rules", f"sqlite:///{tmp_path}/a.db", "127.0.0.1", 0)
        daemon = await stack.enter_async_context(serving(options, SystemClock()))
        http = await stack.enter_async_context(aiohttp.ClientSession(auto_decompress=False))
        yield Site(http, daemon.address, config)

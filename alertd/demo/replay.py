"""Without Prometheus: webhooks as a real Alertmanager sent them, with their times set to now."""

from __future__ import annotations

import datetime
import importlib.resources
import json
from typing import Any

import aiohttp

from alertd.demo.processes import Failed
from alertd.model import Kind


class Recording:
    """Posts the recorded webhook of an alert to `url`."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self._began: dict[str, str] = {}

    async def send(self, alert: str, kind: Kind) -> None:
        now = datetime.datetime.now(datetime.UTC).isoformat()
        webhook = moved(_read(f"{alert}-{kind}.json"), self._began.setdefault(alert, now), now)
        async with self._session.post(self._url, json=webhook) as response:
            if response.status != 200:
                raise Failed(f"alertd answered {response.status} to a recorded webhook")


def moved(webhook: dict[str, Any], began: str, now: str) -> dict[str, Any]:
    """The webhook, begun then and, where it tells an end, ended now."""
    alerts = [{**alert, "startsAt": began, **({"endsAt": now} if alert["status"] == "resolved" else {})}
              for alert in webhook["alerts"]]
    return {**webhook, "alerts": alerts}


def _read(name: str) -> dict[str, Any]:
    text = importlib.resources.files(__package__).joinpath("recorded", name).read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content

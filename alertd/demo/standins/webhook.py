"""Somebody's own webhook: takes JSON, and with a secret only what is signed."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from aiohttp import web

from alertd.demo.standins.server import HttpStandIn


class Webhook(HttpStandIn):
    """`taken` are the bodies it accepted, each notification once."""

    def __init__(self, secret: str | None = None) -> None:
        super().__init__()
        self.secret = secret
        self.taken: dict[str, Any] = {}

    async def reply(self, path: str, headers: dict[str, str], body: bytes, query: dict[str, str]) -> web.Response:
        if self.secret is not None:
            wanted = "v1=" + hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
            if not hmac.compare_digest(headers.get("X-Alertd-Signature", "").encode(), wanted.encode()):
                return web.Response(status=401, text="wrong signature")
        try:
            content = json.loads(body)
        except ValueError:
            return web.Response(status=400, text="no JSON")
        self.taken.setdefault(headers.get("X-Alertd-Notification", ""), content)
        return web.Response(status=200, text="ok")

"""Slack's Web API, as far as a notifier uses it: auth.test, chat.postMessage, chat.update, looking back, sockets."""

from __future__ import annotations

import json
import time
import urllib.parse
from typing import Any

from aiohttp import web

from alertd.demo.standins import slack_sockets
from alertd.demo.standins.blocks import faults
from alertd.demo.standins.server import Fault, HttpStandIn, Mode

LONGEST_TEXT = 40_000
LONGEST_MESSAGE = 13_200  # over all blocks (slackapi/bolt-js#2509)
CHANNELS = ("alerts", "leadership", "platform", "daily")
SCOPES = frozenset({"chat:write", "channels:history", "channels:read"})

Arguments = dict[str, Any]


class Refused(Exception):
    """Slack's ok: false."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Slack(HttpStandIn):
    """`messages` by channel id, oldest first, replies among them. `throttle` is messages a second and channel."""

    def __init__(self, channels: tuple[str, ...] = CHANNELS, *, token: str | None = None,
                 scopes: frozenset[str] = SCOPES, throttle: float | None = None) -> None:
        super().__init__()
        self.channels = {name.removeprefix("#"): f"C{position:08X}" for position, name in enumerate(channels, 1)}
        self.messages: dict[str, list[dict[str, Any]]] = {id: [] for id in self.channels.values()}
        self.token = token
        self.scopes = scopes
        self.throttle = throttle
        self.sockets = slack_sockets.Sockets()
        self._last_ts = 0.0
        self._last_post: dict[str, float] = {}
        self._methods = {
            "auth.test": self._auth_test, "chat.postMessage": self._post, "chat.update": self._update,
            "conversations.history": self._history, "conversations.replies": self._replies,
            "conversations.list": self._list, "apps.connections.open": self._open,
        }

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    def posted(self, channel: str) -> list[dict[str, Any]]:
        """What stands in the channel of this name."""
        return self.messages[self.channels[channel.removeprefix("#")]]

    def report(self) -> dict[str, Any]:
        return {**super().report(), "messages": {name: self.posted(name) for name in self.channels}}

    def fault_answer(self, fault: Fault) -> web.Response:
        if fault.mode is Mode.THROTTLE:
            headers = {"Retry-After": f"{fault.retry_after:g}"} if fault.retry_after is not None else {}
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
        return super().fault_answer(fault)

    async def reply(self, path: str, headers: dict[str, str], body: bytes, query: dict[str, str]) -> web.Response:
        method = self._methods.get(path.removeprefix("/api/"))
        if method is None:
            return web.json_response({"ok": False, "error": "unknown_method"})
        try:
            self._authorise(headers, "xapp-" if method == self._open else "xoxb-")
            return web.json_response({"ok": True, **method(_arguments(headers, body, query))})
        except Refused as refused:
            if refused.code == "ratelimited":
                return web.json_response({"ok": False, "error": refused.code}, status=429,
                                         headers={"Retry-After": "1"})
            return web.json_response({"ok": False, "error": refused.code})

    def extend(self, app: web.Application) -> None:
        app.router.add_get(slack_sockets.PATH, self.sockets.serve)

    def _authorise(self, headers: dict[str, str], kind: str) -> None:
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if not token:
            raise Refused("not_authed")
        if scheme != "Bearer" or not token.startswith(("xoxb-", "xapp-")):
            raise Refused("invalid_auth")
        if not token.startswith(kind):
            raise Refused("not_allowed_token_type")
        if kind == "xoxb-" and self.token not in (None, token):
            raise Refused("invalid_auth")

    def _open(self, given: Arguments) -> dict[str, Any]:
        return {"url": self.sockets.ticket(self.url)}

    def _auth_test(self, given: Arguments) -> dict[str, Any]:
        return {"url": self.url, "team": "stand-in", "user": "alertd", "team_id": "T1", "user_id": "U1", "bot_id": "B1"}

    def _post(self, given: Arguments) -> dict[str, Any]:
        channel = self._channel(given, by_name=True)
        self._check(given)
        self._pace(channel)
        thread = given.get("thread_ts")
        if thread is not None and not any(message["ts"] == thread for message in self.messages[channel]):
            raise Refused("thread_not_found")
        message = {"type": "message", "bot_id": "B1", "ts": self._next_ts(), "text": given.get("text", ""),
                   "blocks": given.get("blocks", []), "metadata": given.get("metadata"),
                   **({"thread_ts": thread, "broadcast": bool(given.get("reply_broadcast"))} if thread else {})}
        self.messages[channel].append(message)
        return {"channel": channel, "ts": message["ts"], "message": message}

    def _update(self, given: Arguments) -> dict[str, Any]:
        channel = self._channel(given, by_name=False)
        self._check(given)
        message = next((known for known in self.messages[channel] if known["ts"] == given.get("ts")), None)
        if message is None:
            raise Refused("message_not_found")
        message.update(text=given.get("text", ""), blocks=given.get("blocks", []),
                       edits=message.get("edits", 0) + 1)
        return {"channel": channel, "ts": message["ts"], "text": message["text"]}

    def _history(self, given: Arguments) -> dict[str, Any]:
        """Newest first, without replies unless they were shown in the channel as well."""
        self._needs("channels:history")
        channel = self._channel(given, by_name=False)
        roots = [message for message in self.messages[channel] if "thread_ts" not in message or message["broadcast"]]
        return _page(list(reversed(roots)), given)

    def _replies(self, given: Arguments) -> dict[str, Any]:
        """Oldest first, the root before its replies."""
        self._needs("channels:history")
        channel = self._channel(given, by_name=False)
        thread = [message for message in self.messages[channel]
                  if given.get("ts") in (message["ts"], message.get("thread_ts"))]
        if not thread:
            raise Refused("thread_not_found")
        return _page(thread, given)

    def _list(self, given: Arguments) -> dict[str, Any]:
        self._needs("channels:read")
        return {"channels": [{"id": id, "name": name} for name, id in self.channels.items()]}

    def _needs(self, scope: str) -> None:
        if scope not in self.scopes:
            raise Refused("missing_scope")

    def _channel(self, given: Arguments, *, by_name: bool) -> str:
        """The channel's id. Posting takes a name as well; editing and looking back do not."""
        named = str(given.get("channel", ""))
        if named in self.messages:
            return named
        if by_name and named.removeprefix("#") in self.channels:
            return self.channels[named.removeprefix("#")]
        raise Refused("channel_not_found")

    def _check(self, given: Arguments) -> None:
        text, blocks = given.get("text") or "", given.get("blocks") or []
        if not text and not blocks:
            raise Refused("no_text")
        if len(text) > LONGEST_TEXT:
            raise Refused("msg_too_long")
        if faults(blocks):
            raise Refused("invalid_blocks")
        if len(json.dumps(blocks, ensure_ascii=False)) > LONGEST_MESSAGE:
            raise Refused("msg_blocks_too_long")
        mark = given.get("metadata")
        if mark is not None and not (isinstance(mark, dict) and mark.get("event_type")
                                     and isinstance(mark.get("event_payload"), dict)):
            raise Refused("invalid_metadata_format")

    def _pace(self, channel: str) -> None:
        now = time.monotonic()
        if self.throttle and now - self._last_post.get(channel, float("-inf")) < 1 / self.throttle:
            raise Refused("ratelimited")
        self._last_post[channel] = now

    def _next_ts(self) -> str:
        """Seconds with six decimals, different for every message: its name within the channel."""
        self._last_ts = max(time.time(), self._last_ts + 0.000_01)
        return f"{self._last_ts:.6f}"


def _arguments(headers: dict[str, str], body: bytes, query: dict[str, str]) -> Arguments:
    """From JSON, a form or the address, as Slack takes them."""
    if headers.get("Content-Type", "").startswith("application/json"):
        try:
            given = json.loads(body)
        except ValueError:
            raise Refused("invalid_json") from None
        if not isinstance(given, dict):
            raise Refused("json_not_object")
        return {**query, **given}
    form = dict(urllib.parse.parse_qsl(body.decode("utf-8", "replace")))
    given = {**query, **form}
    return {name: json.loads(value) if name in ("blocks", "metadata") else value for name, value in given.items()}


def _page(messages: list[dict[str, Any]], given: Arguments) -> dict[str, Any]:
    oldest, start = float(given.get("oldest") or 0), int(given.get("cursor") or 0)
    limit = min(int(given.get("limit") or 100), 999)
    found = [message for message in messages if float(message["ts"]) > oldest]
    following = str(start + limit) if len(found) > start + limit else ""
    hidden = () if str(given.get("include_all_metadata", "")).lower() in ("1", "true") else ("metadata",)
    return {"messages": [{name: value for name, value in message.items() if name not in hidden}
                         for message in found[start:start + limit]],
            "has_more": bool(following), "response_metadata": {"next_cursor": following}}

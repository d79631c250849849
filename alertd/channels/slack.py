"""Slack, with a bot token: one message per incident, edited as it changes, and a thread below it.

Scopes: chat:write; channels:history (groups:history for private channels) lets a message in doubt be looked up
instead of sent twice, and channels:read finds the id behind a channel's name for that.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import Awaitable, Mapping
from functools import partial
from typing import Annotated, Any, cast

import aiohttp
import pydantic
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from alertd.channels import TIMEOUT, Net, Receipt, _wire, composed
from alertd.channels import Settings as Base
from alertd.channels._blocks import payload, reply
from alertd.config.secret import Secret
from alertd.errors import Rejected, TryLater
from alertd.model import Delivery, Kind, Millis

__all__ = ["ALERTS", "Settings", "payload", "send"]

ALERTS: int | None = 250  # more lines than one message has room for
EDITS = True
PAGES = False
FOLLOWS = True
FOLDS = True

EVENT_TYPE = "alertd_notification"
LOOKS = 5  # of 200 messages: at one a second and channel, more than a quarter of an hour
PAGE = 200
CLOCKS_APART = 300  # seconds our clock may be ahead of Slack's when we say how far back to look

# https://docs.slack.dev/reference/methods/chat.postMessage#errors
SLOWER = frozenset({"ratelimited", "rate_limited"})
UNSURE = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
GONE = frozenset({"message_not_found", "thread_not_found", "cannot_reply_to_message"})
NO_EDIT = frozenset({"cant_update_message", "edit_window_closed"})

_ID = re.compile(r"[CGDUW][A-Z0-9]{6,}")  # U, W: a person, written to directly


class Settings(Base):
    api_url: Annotated[str, pydantic.AfterValidator(_wire.vendor_address)] = "https://slack.com/api/"
    token: Secret | None = None
    token_file: str | None = None
    channel: str
    rate: _wire.Rate = None
    signing_secret: Secret | None = None
    signing_secret_file: str | None = None
    app_token: Secret | None = None
    app_token_file: str | None = None

    @pydantic.model_validator(mode="after")
    def _has_token(self) -> Settings:
        if self.token is None and self.token_file is None:
            raise ValueError("slack needs token or token_file")
        return self

    def targets(self) -> tuple[str, ...]:
        return (self.channel,)

    def endpoint(self) -> str:
        return _wire.host_of(self.api_url)

    def rate_limit(self) -> float | None:
        return _wire.limit(self.rate, 1.0)  # https://docs.slack.dev/apis/web-api/rate-limits#special

    def answers_clicks(self) -> bool:
        """Whether a click on a button would reach alertd."""
        return bool(self.signing_secret or self.signing_secret_file or self.app_token or self.app_token_file)


class _Refused(Rejected):
    """{reason}"""

    # Slack's own word for no, so that the few that mean something else than "never" can be told apart.

    def __init__(self, code: str) -> None:
        super().__init__(f"Slack answered {code}")
        self.code = code


async def send(delivery: Delivery, settings: Settings, net: Net) -> Receipt:
    """One attempt; where there is a root message it is edited first, which may be done any number of times."""
    if settings.token is None:
        raise Rejected("Slack's token was not read")
    attempt = _Attempt(delivery, settings, net)
    try:
        return await attempt.tell()
    except TryLater as error:
        # A doubt about an earlier attempt is not settled by this one having failed elsewhere.
        if delivery.notification.ambiguous and not error.ambiguous:
            raise TryLater(error.reason, after=error.after, throttled=error.throttled, ambiguous=True) from error
        raise


@dataclasses.dataclass(frozen=True, slots=True)
class Sought:
    """A message that Slack may have: which field of its metadata has which value, and since when it may be there."""

    by: str
    value: str
    since: Millis


class _Attempt:
    """One attempt at one notification: what it needs in hand, and its deadline over all its calls."""

    def __init__(self, delivery: Delivery, settings: Settings, net: Net) -> None:
        self.delivery = delivery
        self.settings = settings
        self.net = net
        self.client = _client(settings, net)
        self.deadline = asyncio.get_running_loop().time() + TIMEOUT
        self.target = delivery.notification.outlet.target or settings.channel

    async def tell(self) -> Receipt:
        root, kind = self.delivery.root, self.delivery.notification.kind
        if not root or not root.get("ts"):
            root = await self.earlier_root()
        if root is None:
            return await self.post_root()
        try:
            edited = await self.edit(root)
            if kind in (Kind.UPDATE, Kind.STORM) and edited:
                return Receipt(f"edited {root['ts']}", root)
            said = await self.post(await composed(self.delivery, reply), root,
                                   broadcast=kind in (Kind.FIRING, Kind.NOTICE))
        except _Refused as refused:
            if refused.code in GONE:  # somebody deleted it: the people still have to know
                return await self.post_root()
            raise
        return Receipt(f"edited {root['ts']}, replied {said['ts']}", root)

    async def earlier_root(self) -> Mapping[str, str] | None:
        """The incident's message, where one before this may have arrived and nobody could tell: that one was given up
        when the incident moved on, and with it the doubt."""
        told, incident = self.delivery.notification, self.delivery.incident
        first = told.kind is Kind.FIRING and len(self.delivery.epochs) == 1
        if incident is None or first:
            return None
        return await self.find(None, Sought("incident", incident.id, incident.opened_at))

    async def post_root(self) -> Receipt:
        root = await self.post(await self.body())
        return Receipt(f"posted {root['ts']}", root)

    async def body(self) -> dict[str, Any]:
        """What the incident's message says."""
        clickable = self.settings.answers_clicks()
        return await composed(self.delivery, partial(payload, acknowledge=clickable))

    async def edit(self, root: Mapping[str, str]) -> bool:
        """Whether the root message now says what is so; False where Slack allows no more edits."""
        body = await self.body()
        try:
            await self.ask(self.client.chat_update(channel=root["channel"], ts=root["ts"], parse="none",
                                                   link_names=False, **body), writes=False)
        except _Refused as refused:
            if refused.code not in NO_EDIT:
                raise
            return False
        return True

    async def post(self, body: dict[str, Any], root: Mapping[str, str] | None = None, *, broadcast: bool = False
                   ) -> dict[str, str]:
        """Channel and ts of the message, posted now or found where an earlier attempt may have arrived."""
        told = self.delivery.notification
        if told.ambiguous and (found := await self.find(root, Sought("id", told.key, told.created_at))):
            return found
        mark = {"event_type": EVENT_TYPE, "event_payload": {"id": told.key, "incident": told.incident or ""}}
        thread: dict[str, Any] = {"thread_ts": root["ts"], "reply_broadcast": broadcast} if root else {}
        answer = await self.ask(self.client.chat_postMessage(
            channel=root["channel"] if root else self.target, metadata=mark, unfurl_links=False, unfurl_media=False,
            link_names=False, parse="none", **thread, **body), writes=True)
        channel, ts = answer.get("channel"), answer.get("ts")
        if not isinstance(channel, str) or not isinstance(ts, str):
            raise Rejected("Slack's answer names no channel and ts: something else answered in its place")
        self.net.clients[self.known_channel] = channel
        return {"channel": channel, "ts": ts}

    async def find(self, root: Mapping[str, str] | None, sought: Sought) -> dict[str, str] | None:
        """The message that is sought, if Slack has it. Where Slack will not let us look (no scope for
        it), None: a message in doubt is sent twice rather than not at all."""
        try:
            if root:
                return await self.search(sought, root["channel"], root["ts"])
            try:
                return await self.search(sought, await self.channel_id())
            except _Refused as refused:
                if refused.code != "channel_not_found":
                    raise
                listed = await self.listed_channel()
                return await self.search(sought, listed) if listed else None
        except Rejected:
            return None

    async def search(self, sought: Sought, channel: str, thread: str | None = None) -> dict[str, str] | None:
        oldest = f"{sought.since / 1000 - CLOCKS_APART:.6f}"
        cursor: str | None = None
        for _ in range(LOOKS):
            if thread:
                call = self.client.conversations_replies(channel=channel, ts=thread, oldest=oldest, limit=PAGE,
                                                         cursor=cursor, include_all_metadata=True)
            else:
                call = self.client.conversations_history(channel=channel, oldest=oldest, limit=PAGE, cursor=cursor,
                                                         include_all_metadata=True)
            answer = await self.ask(call, writes=False)
            for message in answer.get("messages", []):
                mark = (message.get("metadata") or {}).get("event_payload") or {}
                if mark.get(sought.by) == sought.value:
                    return {"channel": channel, "ts": str(message["ts"])}
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
        return None

    @property
    def known_channel(self) -> tuple[object, ...]:
        return ("slack channel", self.settings.api_url, self.settings.token, self.target)

    async def channel_id(self) -> str:
        """The id that reading needs (a name will not do); the configured name where none is known yet."""
        return str(self.net.clients.get(self.known_channel, self.target))

    async def listed_channel(self) -> str | None:
        """The id of the channel with our name, from the list of all."""
        if _ID.fullmatch(self.target):
            return None
        cursor: str | None = None
        for _ in range(LOOKS):
            answer = await self.ask(self.client.conversations_list(
                exclude_archived=True, limit=1000, cursor=cursor, types="public_channel,private_channel"),
                writes=False)
            for channel in answer.get("channels", []):
                if channel.get("name") == self.target.removeprefix("#"):
                    self.net.clients[self.known_channel] = channel["id"]
                    return str(channel["id"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
        return None

    async def ask(self, call: Awaitable[Any], *, writes: bool) -> dict[str, Any]:
        """The answer's data. `writes`: whether a failure leaves in doubt that there is one message more."""
        try:
            async with asyncio.timeout_at(self.deadline):
                answer = await call
        except SlackApiError as error:
            raise _meaning(error, writes) from None
        except (aiohttp.ClientError, OSError) as error:  # a timeout is an OSError
            raise _wire.no_answer("Slack", error, ambiguous=writes) from None
        return cast(dict[str, Any], answer.data)


def _meaning(error: SlackApiError, writes: bool) -> Rejected | TryLater:
    response: Any = error.response
    # Slack's own response, or aiohttp's where the body was no JSON.
    status: int = response.status_code if hasattr(response, "status_code") else response.status
    data = getattr(response, "data", None)
    code = data.get("error") if isinstance(data, dict) else None
    if status == 429 or code in SLOWER:
        return TryLater("Slack asks for fewer messages", after=_wire.retry_after(response.headers), throttled=True)
    if status == 408 or status >= 500 or code in UNSURE:
        return TryLater(f"Slack answered {code or status}", after=_wire.retry_after(response.headers),
                        ambiguous=writes)
    if code:
        return _Refused(str(code)[:_wire.REASON])
    return Rejected(f"an answer with status {status} is not Slack's: something else answered in its place")


def _client(settings: Settings, net: Net) -> Client:
    token = cast(Secret, settings.token)
    known = ("slack", settings.api_url, token)
    if known not in net.clients:
        net.clients[known] = Client(token.reveal(), settings.api_url, net.http)
    return cast(Client, net.clients[known])


class Client(AsyncWebClient):
    """The vendor's client, minus two surprises: it followed redirects, with all it had to tell; and an answer that is
    text or a list made it raise AttributeError, which hid the status (a proxy's 503 is worth another try, its 200 is
    not)."""

    def __init__(self, token: str, api: str, http: aiohttp.ClientSession) -> None:
        super().__init__(token, base_url=api, session=http, retry_handlers=[])
        if api.startswith("http://"):  # only this machine itself may be: no proxy in between
            self.proxy = None

    async def _request(self, *, http_verb: str, api_url: str, req_args: Any) -> dict[str, Any]:
        answer = await super()._request(
            http_verb=http_verb, api_url=api_url, req_args={**req_args, "allow_redirects": False})
        return answer if isinstance(answer["data"], dict) else {**answer, "data": {}}

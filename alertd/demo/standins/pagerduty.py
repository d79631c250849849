"""PagerDuty's Events API v2, as strict as its documentation, with the incidents it would open."""

from __future__ import annotations

import dataclasses
import datetime
import json
from typing import Any

from aiohttp import web

from alertd.demo.standins.server import HttpStandIn

LARGEST_EVENT = 512_000
ACTIONS = ("trigger", "acknowledge", "resolve")
SEVERITIES = ("critical", "error", "warning", "info")


@dataclasses.dataclass(slots=True)
class Page:
    """One incident of PagerDuty: opened by a trigger, told again by triggers while it is open."""

    routing_key: str
    dedup_key: str
    event: dict[str, Any]
    state: str = "triggered"  # or acknowledged, resolved
    triggers: int = 1


class PagerDuty(HttpStandIn):
    """`pages` are its incidents, oldest first. With `routing_keys` it knows those only."""

    def __init__(self, routing_keys: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.routing_keys = routing_keys
        self.pages: list[Page] = []

    def open(self, dedup_key: str | None = None) -> list[Page]:
        """The pages that are not resolved."""
        return [page for page in self.pages
                if page.state != "resolved" and dedup_key in (None, page.dedup_key)]

    def report(self) -> dict[str, Any]:
        return {**super().report(), "pages": [dataclasses.asdict(page) for page in self.pages]}

    async def reply(self, path: str, headers: dict[str, str], body: bytes, query: dict[str, str]) -> web.Response:
        if path != "/v2/enqueue":
            return web.json_response({"message": "not found"}, status=404)
        if len(body) > LARGEST_EVENT:
            return web.json_response({"status": "invalid event", "message": "too large"}, status=413)
        try:
            event = json.loads(body)
            errors = faults(event)
        except ValueError:
            event, errors = {}, ["JSON parse error"]
        if not errors and self.routing_keys and event["routing_key"] not in self.routing_keys:
            errors = ["'routing_key' is not known"]
        if errors:
            answer = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
            return web.json_response(answer, status=400)
        self._take(event)
        answer = {"status": "success", "message": "Event processed", "dedup_key": event.get("dedup_key", "")}
        return web.json_response(answer, status=202)

    def _take(self, event: dict[str, Any]) -> None:
        """After a resolve a trigger opens anew; acknowledging or resolving what is not open does nothing."""
        event.setdefault("dedup_key", f"made-up-{len(self.pages)}")
        current = next((page for page in self.open(event["dedup_key"]) if page.routing_key == event["routing_key"]),
                       None)
        if event["event_action"] == "trigger":
            if current is None:
                self.pages.append(Page(event["routing_key"], event["dedup_key"], event))
            else:
                current.triggers += 1
        elif current is not None:
            current.state = {"acknowledge": "acknowledged", "resolve": "resolved"}[event["event_action"]]


def faults(event: Any) -> list[str]:
    """What PagerDuty would find wrong with an event."""
    if not isinstance(event, dict):
        return ["the event must be an object"]
    found = []
    if not isinstance(event.get("routing_key"), str) or len(event["routing_key"]) != 32:
        found.append("'routing_key' must be a string of 32 characters")
    if event.get("event_action") not in ACTIONS:
        found.append(f"'event_action' must be one of {', '.join(ACTIONS)}")
    key = event.get("dedup_key")
    if key is None and event.get("event_action") in ("acknowledge", "resolve"):
        found.append("'dedup_key' is missing")
    if key is not None and (not isinstance(key, str) or not 0 < len(key) <= 255):
        found.append("'dedup_key' must be a string of at most 255 characters")
    if event.get("event_action") == "trigger":
        found += _payload_faults(event.get("payload"))
    for link in event.get("links", []):
        if not str(link.get("href", "")).startswith(("http://", "https://")):
            found.append("a link's 'href' must be an address")
    return found


def _payload_faults(payload: Any) -> list[str]:
    if not isinstance(payload, dict):
        return ["'payload' is missing or no object"]
    found = [f"'payload.{name}' is missing or blank" for name in ("summary", "source", "severity")
             if not isinstance(payload.get(name), str) or not payload[name].strip()]
    if len(str(payload.get("summary", ""))) > 1024:
        found.append("'payload.summary' must be at most 1024 characters")
    if payload.get("severity") not in SEVERITIES:
        found.append(f"'payload.severity' must be one of {', '.join(SEVERITIES)}")
    if "timestamp" in payload:
        try:
            datetime.datetime.fromisoformat(payload["timestamp"])
        except (TypeError, ValueError):
            found.append("'payload.timestamp' must be ISO 8601")
    if not isinstance(payload.get("custom_details", {}), dict):
        found.append("'payload.custom_details' must be an object")
    return found

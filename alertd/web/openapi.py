"""The description of the API (OpenAPI 3.1), made from the routes as they are.

What a path does is its handler's docstring; what a route asks of its visitor is what the guard goes by. Only what code
does not say stands here: which words a query takes, and what the objects are made of.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from alertd import __version__
from alertd.access import Permission
from alertd.web.api import NOTIFICATION_STATES, answer

_TEXT, _NUMBER, _WHOLE, _YES = {"type": "string"}, {"type": "number"}, {"type": "integer"}, {"type": "boolean"}
_TIME = {"type": ["string", "null"], "format": "date-time"}
_MAYBE_TEXT, _MAYBE_NUMBER = {"type": ["string", "null"]}, {"type": ["number", "null"]}
_LABELS = {"type": "object", "additionalProperties": _TEXT}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(of: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(of)}


def _word(*words: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(words)}


OBJECTS: dict[str, dict[str, Any]] = {
    "Incident": {
        "id": _TEXT, "state": _word("open", "acknowledged", "resolved"),
        "severity": _word("none", "info", "warning", "critical"), "labels": _LABELS, "alert_count": _WHOLE,
        "firing": _WHOLE, "source": _TEXT, "opened_at": _TIME, "acknowledged_at": _TIME, "acknowledged_until": _TIME,
        "acknowledged_by": _MAYBE_TEXT, "resolved_at": _TIME, "flapping": _YES, "alerts": _list(_ref("Alert"))},
    "Spent": {
        "id": _TEXT, "service": _TEXT, "slo": _TEXT, "labels": _LABELS, "bad": _MAYBE_NUMBER, "share": _MAYBE_NUMBER,
        "known": _NUMBER, "reason": _MAYBE_TEXT},
    "Alert": {
        "id": _TEXT, "state": _word("firing", "resolved"), "incident": _MAYBE_TEXT,
        "severity": _word("none", "info", "warning", "critical"), "source": _TEXT, "fingerprint": _TEXT,
        "labels": _LABELS, "annotations": _LABELS, "starts_at": _TIME, "ends_at": _TIME, "muted": _MAYBE_TEXT},
    "Notification": {
        "id": _TEXT, "incident": _MAYBE_TEXT, "receiver": _TEXT, "channel": _TEXT, "target": _TEXT, "kind": _TEXT,
        "severity": _word("none", "info", "warning", "critical"), "state": _word(*NOTIFICATION_STATES),
        "reason": _TEXT, "attempts": _WHOLE, "created_at": _TIME, "next_at": _TIME},
    "Slo": {
        "id": _TEXT, "service": _TEXT, "slo": _TEXT, "labels": _LABELS,
        "state": _word("ok", "at_risk", "exhausted", "unknown"), "objective": _NUMBER, "window": _TEXT,
        "timezone": _MAYBE_TEXT, "window_begins": _TIME, "window_ends": _TIME, "events": _MAYBE_NUMBER,
        "bad": _MAYBE_NUMBER, "budget_remaining": _MAYBE_NUMBER, "burn_rate": _MAYBE_NUMBER, "coverage": _MAYBE_NUMBER,
        "excluded": _NUMBER, "reason": _MAYBE_TEXT, "incomplete": _list(_TEXT), "forecast": {"type": "object"}},
    "MaintenanceWindow": {
        "id": _TEXT, "name": _TEXT, "line": _WHOLE, "match": _list(_TEXT), "mode": _word("hold", "digest"),
        "state": _word("planned", "active", "over"), "reason": _TEXT, "by": _TEXT,
        "next": _list({"type": "object", "properties": {"from": _TIME, "to": _TIME}})},
    "Attempt": {
        "notification": _TEXT, "started_at": _TIME, "finished_at": _TIME, "event": _TEXT, "detail": _TEXT},
    "Decision": {"at": _TIME, "verdict": _TEXT, "why": _list(_TEXT)},
    "Error": {"error": _TEXT},
    "By": {"by": _TEXT},
    "Outcome": {"id": _TEXT, "outcome": _word("done", "already")},
    "NewExclusion": {"match": _list(_TEXT), "from": _TEXT, "to": _TEXT, "for": _TEXT, "reason": _TEXT, "by": _TEXT},
    "NewWindow": {
        "match": _list(_TEXT), "from": _TEXT, "to": _TEXT, "for": _TEXT, "reason": _TEXT, "name": _TEXT,
        "mode": _word("hold", "digest"), "by": _TEXT, "notices": _YES, "confirm": _YES},
}

_PAGED = {"limit": "1 to 1000; 100 unless said", "cursor": "`next` of the page before"}
QUERIES: dict[str, dict[str, str]] = {
    "/api/v1/incidents": {"state": "open, acknowledged or resolved", **_PAGED},
    "/api/v1/alerts": {"state": "firing or resolved", **_PAGED},
    "/api/v1/notifications": {"state": ", ".join(NOTIFICATION_STATES), **_PAGED},
    "/api/v1/slos": {"state": "ok, at_risk, exhausted or unknown", "service": "of this service only",
                     "window": "another window than its own, such as 7d or month", "timezone": "of that window",
                     **_PAGED},
    "/api/v1/slos/{id}": {"window": "another window than its own", "timezone": "of that window"},
    "/api/v1/maintenance": {"next": "how many occurrences of each, 1 to 100"},
    "/api/v1/exclusions": {"since": "RFC 3339"},
    "/api/v1/digest": {"limit": "how many", "cursor": "`next` of the page before"},
    "/api/v1/digest/preview": {"receiver": "the one of this receiver"},
    "/api/v1/oncall.ics": {"rota": "of this rota only"},
    "/api/v1/statistics": {"weeks": "1 to 26", "timezone": "whose clocks count", "hours": "working hours",
                           "format": "json or csv"},
}
OBJECTS["IncidentStory"] = OBJECTS["Incident"] | {
    "notifications": _list(_ref("Notification")), "attempts": _list(_ref("Attempt")),
    "decisions": _list(_ref("Decision")), "budget_spent": {"type": ["array", "null"], "items": _ref("Spent")},
    "budget_spent_unknown": _MAYBE_TEXT}
LISTS = {"/api/v1/incidents": "Incident", "/api/v1/alerts": "Alert", "/api/v1/notifications": "Notification",
         "/api/v1/slos": "Slo", "/api/v1/maintenance": "MaintenanceWindow"}
ONES = {"/api/v1/incidents/{id}": "IncidentStory", "/api/v1/notifications/{id}": "Notification",
        "/api/v1/slos/{id}": "Slo"}
OTHERS = {"/api/v1/oncall.ics": "text/calendar", "/api/v1/incidents/{id}/review": "text/markdown"}
BODIES = {"/api/v1/maintenance": "NewWindow", "/api/v1/exclusions": "NewExclusion"}
MADE = {"/api/v1/maintenance": _ref("MaintenanceWindow"), "/api/v1/exclusions": {"type": "object"}}


class Described:
    """The handler of `GET /api/v1/openapi.json`, once `read` has seen the routes."""

    def __init__(self) -> None:
        self._description: dict[str, Any] = {}

    def read(self, asked: Mapping[web.AbstractResource, Mapping[str, Permission]],
             router: web.UrlDispatcher) -> None:
        """Describe these routes."""
        self._description = describe(asked, router)

    async def __call__(self, _request: web.Request) -> web.Response:
        """This description."""
        return answer(self._description)


def describe(asked: Mapping[web.AbstractResource, Mapping[str, Permission]], router: web.UrlDispatcher
             ) -> dict[str, Any]:
    """The API as OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    for route in router.routes():
        resource = route.resource
        if resource is None or route.method == "HEAD" or not resource.canonical.startswith("/api/"):
            continue
        permission = asked.get(resource, {}).get(route.method, Permission.OPEN)
        path = resource.canonical
        paths.setdefault(path, {})[route.method.lower()] = _operation(path, route.method, route.handler, permission)
    return {
        "openapi": "3.1.0",
        "info": {"title": "alertd", "version": __version__,
                 "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
                 "description": "Incidents, notifications, error budgets and maintenance. Lists come as "
                                '{"items": […], "next": …}; times are RFC 3339 in UTC; null is what is not known.'},
        "servers": [{"url": "/"}],
        "security": [{"key": []}, {"password": []}, {}],
        "paths": paths,
        "components": {
            "schemas": {name: {"type": "object", "properties": fields} for name, fields in OBJECTS.items()},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"},
                                "password": {"type": "http", "scheme": "basic"}}},
    }


def _operation(path: str, method: str, handler: Any, permission: Permission) -> dict[str, Any]:
    said = inspect.cleandoc(inspect.getdoc(handler) or "").partition("\n\n")[0].replace("\n", " ")
    parameters = [*_in_path(path), *(
        {"name": name, "in": "query", "required": False, "description": words, "schema": _TEXT}
        for name, words in (QUERIES.get(path, {}) if method == "GET" else {}).items())]
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{method.lower()} {path.removeprefix('/api/v1/')}").strip("_"),
        "summary": said, "tags": [path.split("/")[3].partition(".")[0]], "responses": _responses(path, method),
        "description": f"Asks of its visitor: {permission.value}.", "parameters": parameters}
    if method in ("POST", "DELETE"):
        operation["requestBody"] = {"required": path in BODIES, "content": {
            "application/json": {"schema": _ref(BODIES.get(path, "By"))}}}
    return operation


def _in_path(path: str) -> Iterable[dict[str, Any]]:
    return ({"name": name, "in": "path", "required": True, "schema": _TEXT} for name in re.findall(r"{(\w+)}", path))


def _responses(path: str, method: str) -> dict[str, Any]:
    found = {"401": _answer("the visitor has not shown who they are", None),
             "403": _answer("the visitor may not do this", None)}
    if method != "GET":
        made = MADE.get(path) if method == "POST" else None
        found["201" if made else "200"] = _answer("done", made or _ref("Outcome"))
        found |= {code: _answer(why, _ref("Error")) for code, why in (
            ("400", "it makes no sense"), ("404", "there is no such thing"), ("409", "it may not be so"),
            ("503", "the store cannot take it now"))}
        return found
    if path in OTHERS:
        found["200"] = {"description": "as it is", "content": {OTHERS[path]: {"schema": _TEXT}}}
    elif path in LISTS:
        found["200"] = _answer("some of the list", {"type": "object", "properties": {
            "items": _list(_ref(LISTS[path])), "next": _MAYBE_TEXT}})
    else:
        found["200"] = _answer("as it is", _ref(ONES[path]) if path in ONES else {"type": "object"})
    if path in QUERIES:
        found["400"] = _answer("it makes no sense", _ref("Error"))
    if "{" in path:
        found["404"] = _answer("there is no such thing", None if path in OTHERS else _ref("Error"))
    return found


def _answer(why: str, schema: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"description": why} if schema is None else {
        "description": why, "content": {"application/json": {"schema": dict(schema)}}}

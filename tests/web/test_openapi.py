"""The description of the API."""

from __future__ import annotations

from typing import Any

from alertd.web.openapi import LISTS, OBJECTS, QUERIES
from tests.web.filled import count, fill

# By hand, so that a route that comes or goes is seen here.
ROUTES = {
    "get /api/v1/alerts", "get /api/v1/incidents", "get /api/v1/incidents/{id}", "get /api/v1/incidents/{id}/review",
    "post /api/v1/incidents/{id}/acknowledge", "get /api/v1/maintenance", "post /api/v1/maintenance",
    "delete /api/v1/maintenance/{id}", "get /api/v1/notifications", "get /api/v1/notifications/{id}",
    "post /api/v1/notifications/{id}/retry", "post /api/v1/notifications/{id}/drop", "get /api/v1/oncall.ics",
    "get /api/v1/openapi.json", "get /api/v1/slos", "get /api/v1/slos/{id}", "get /api/v1/statistics",
    "get /api/v1/status", "get /api/v1/digest", "get /api/v1/digest/preview", "post /api/v1/digest",
    "get /api/v1/exclusions", "post /api/v1/exclusions", "delete /api/v1/exclusions/{id}"}


async def test_every_route_is_described(site: Any) -> None:
    """With a sentence of what it does, and every part of its path."""
    paths = (await site.json("/api/v1/openapi.json"))["paths"]
    found = {f"{method} {path}": operation for path, methods in paths.items() for method, operation in methods.items()}
    assert set(found) == ROUTES
    assert QUERIES.keys() <= paths.keys()
    for name, operation in found.items():
        assert operation["summary"].endswith((".", ". ")), name
        assert {one["name"] for one in operation["parameters"] if one["in"] == "path"} == (
            {"id"} if "{id}" in name else set()), name
        assert {"200", "201"} & operation["responses"].keys(), name


async def test_what_is_listed_is_what_is_described(site: Any) -> None:
    """Every object of every list has the described fields and no others, and an id."""
    await fill(site)
    count(site)
    for path, name in LISTS.items():
        items = (await site.json(path))["items"]
        assert items, path
        for item in items:
            assert item["id"], path
            assert set(item) == set(OBJECTS[name]), path


async def test_no_id_of_an_operation_is_used_twice(site: Any) -> None:
    """Programs make names of functions of them."""
    paths = (await site.json("/api/v1/openapi.json"))["paths"]
    ids = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert len(ids) == len(set(ids))

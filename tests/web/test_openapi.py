"""The description of the API."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from alertd.web.openapi import LISTS, OBJECTS, QUERIES
from tests.web.filled import count, fill

WRITTEN = {f"{method.lower()} {path}" for method, path in re.findall(
    r"`(GET|POST|DELETE) (/api/v1/[^`]+)`", (Path(__file__).parents[2] / "docs" / "running.md").read_text())}


async def test_every_route_is_described(site: Any) -> None:
    """The routes there are, the documented ones and the described ones are the same; each has a sentence of what it
    does, and every part of its path."""
    paths = (await site.json("/api/v1/openapi.json"))["paths"]
    found = {f"{method} {path}": operation for path, methods in paths.items() for method, operation in methods.items()}
    assert set(found) == WRITTEN
    assert QUERIES.keys() <= paths.keys()
    for name, operation in found.items():
        assert len(operation["summary"]) > 10, name
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


async def test_an_incident_is_what_is_described(site: Any) -> None:
    """Alone it tells its whole story."""
    await fill(site)
    id = (await site.json("/api/v1/incidents"))["items"][0]["id"]
    found = await site.json(f"/api/v1/incidents/{id}")
    assert set(found) == set(OBJECTS["IncidentStory"])
    assert {key for one in found["decisions"] for key in one} == set(OBJECTS["Decision"])


async def test_no_id_of_an_operation_is_used_twice(site: Any) -> None:
    """Programs make names of functions of them."""
    paths = (await site.json("/api/v1/openapi.json"))["paths"]
    ids = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert len(ids) == len(set(ids))

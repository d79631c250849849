"""Maintenance over HTTP, with a whole daemon behind it."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from alertd.cli.group import group
from tests.bodies import body

WINDOW = {"match": ['instance="a"'], "for": "1h", "reason": "new disk", "by": "jane"}


async def ask(site: Any, method: str, path: str, json: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
    async with site.http.request(method, site.url + path, json=json, headers=headers) as answer:
        return answer.status, await answer.json() if answer.content_type == "application/json" else {}


async def states(site: Any) -> set[str]:
    return {row["state"] for row in (await site.json("/api/v1/notifications"))["items"] if row["kind"] != "notice"}


async def test_a_window_is_made_holds_and_is_ended(site: Any) -> None:
    """Alerts that begin meanwhile are held, and told when it is ended early."""
    await site.post(body("b"))
    status, made = await ask(site, "POST", "/api/v1/maintenance", WINDOW)
    assert (status, made["by"], made["state"], made["mode"]) == (201, "jane", "active", "hold")
    await site.post(body("a", group={"x": "y"}))
    assert "held" in await states(site)
    assert [window["id"] for window in (await site.json("/api/v1/status"))["maintenance"]] == [made["id"]]
    assert "Maintenance: new disk" in (await site.get("/"))[1]
    [listed] = (await site.json("/api/v1/maintenance"))["items"]
    assert (listed["id"], listed["name"], listed["match"]) == (made["id"], "new disk", ['instance="a"'])
    assert await ask(site, "DELETE", f"/api/v1/maintenance/{made['id']}", {"by": "joe"}) == (
        200, {"id": made["id"], "outcome": "done"})
    assert "held" not in await states(site)
    assert (await site.json("/api/v1/maintenance"))["items"] == []


async def test_a_window_over_everything_needs_confirm(site: Any) -> None:
    """409 with the reason in words, 201 once somebody knows."""
    wide = WINDOW | {"match": []}
    status, refused = await ask(site, "POST", "/api/v1/maintenance", wide)
    assert (status, "every alert" in refused["error"], "confirm" in refused["error"]) == (409, True, True)
    assert (await ask(site, "POST", "/api/v1/maintenance", wide | {"confirm": True}))[0] == 201


@pytest.mark.parametrize("wrong", [
    {"reason": ""}, {"for": "soon"}, {"match": ["a=~("]}, {"match": "a=b"}, {"mode": "drop"}, {"from": "2099-01-01"},
    {"to": "2099-01-01T00:00:00Z"}, {"every": "SUN 02:00-04:00"}, {"by": 7},
    {"for": "1h", "from": "2020-01-01T00:00Z"}, {"from": "0001-01-01T00:00:00+23:59"},
    {"for": None, "to": "9999-12-31T23:59:59-23:59"}])
async def test_what_is_no_window_is_refused(site: Any, wrong: dict[str, Any]) -> None:
    """400 and what is wrong; nothing is made."""
    status, answer = await ask(site, "POST", "/api/v1/maintenance", WINDOW | wrong)
    assert status == 400
    assert answer["error"]
    assert (await site.json("/api/v1/maintenance"))["items"] == []


async def test_a_body_that_is_no_object_is_refused(site: Any) -> None:
    """400, whatever it is."""
    assert (await ask(site, "POST", "/api/v1/maintenance", [1]))[0] == 400


async def test_windows_of_the_file_are_listed_and_stay(site: Any) -> None:
    """They are ended where they stand."""
    site.config.write_text(site.config.read_text() +
                           "maintenance: [{name: upgrade, match: ['a=\"b\"'], every: 'SUN 02:00-04:00'}]\n")
    assert (await ask(site, "POST", "/-/reload"))[0] == 200
    [listed] = (await site.json("/api/v1/maintenance"))["items"]
    assert (listed["id"], len(listed["next"])) == ("routing.yaml:10", 5)
    assert (await ask(site, "DELETE", "/api/v1/maintenance/routing.yaml:10"))[0] == 409
    assert (await ask(site, "DELETE", "/api/v1/maintenance/mw0"))[0] == 404
    assert (await ask(site, "GET", "/api/v1/maintenance?next=0"))[0] == 400


async def test_no_other_sites_page_ends_maintenance(site: Any) -> None:
    """A browser says where a request comes from."""
    assert (await ask(site, "DELETE", "/api/v1/maintenance/mw0", Origin="http://evil.example"))[0] == 403


async def test_the_commands_reach_a_daemon(site: Any) -> None:
    """add, list, preview and end with --url; what the daemon refuses is said."""
    import asyncio

    def run(*words: str) -> Any:
        return CliRunner().invoke(group, ["maintenance", *words, "--url", site.url])

    wide = await asyncio.to_thread(run, "add", "--for", "1h", "--reason", "power test")
    assert (wide.exit_code, "say --yes" in wide.stderr) == (1, True)
    made = await asyncio.to_thread(run, "add", "--for", "1h", "--reason", "power test", "--yes")
    assert made.exit_code == 0, made.output
    id = made.stdout.strip()
    assert id in (await asyncio.to_thread(run, "list")).stdout
    assert id in (await asyncio.to_thread(run, "preview", "power test")).stdout
    assert (await asyncio.to_thread(run, "end", id)).stderr == "ended\n"
    assert (await asyncio.to_thread(run, "end", "mw0")).exit_code == 1

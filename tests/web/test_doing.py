"""What people do at the pages."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.bodies import body


@pytest.fixture
async def incident(site: Any) -> str:
    """One open incident; the jar has no cookie yet."""
    await site.post(body("a"))
    return str((await site.json("/api/v1/incidents"))["items"][0]["id"])


async def token(site: Any, path: str = "/") -> str:
    """That of a form on the page; its cookie is in the jar from now on, though the address is a number."""
    async with site.http.get(site.url + path) as answer:
        page = await answer.text()
        site.http.headers["Cookie"] = "; ".join(f"{key}={morsel.value}" for key, morsel in answer.cookies.items())
    found = re.search(r'name="token" value="(\w+)"', page)
    assert found
    return found[1]


async def send(site: Any, path: str, headers: dict[str, str] | None = None, **fields: str) -> tuple[int, str]:
    async with site.http.post(site.url + path, data=fields, headers=headers, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location", "") or await answer.text()


async def test_a_form_acknowledges_and_leads_back(site: Any, incident: str) -> None:
    """Without JavaScript; the audit keeps who, and that it was the page."""
    form = {"token": await token(site), "by": "jane", "back": "/?x=1"}
    assert await send(site, f"/incidents/{incident}/acknowledge", **form) == (303, "/?x=1")
    found = (await site.json("/api/v1/incidents"))["items"][0]
    assert (found["state"], found["acknowledged_by"]) == ("acknowledged", "jane")
    assert "jane takes care of it (by page)" in (await site.get(f"/incidents/{incident}"))[1]


@pytest.mark.parametrize("given", ["", "0" * 32, "é"])
async def test_a_form_without_its_token_changes_nothing(site: Any, incident: str, given: str) -> None:
    """403, in words."""
    await token(site)
    assert (await send(site, f"/incidents/{incident}/acknowledge", token=given, by="eve"))[0] == 403
    assert (await site.json("/api/v1/incidents"))["items"][0]["state"] == "open"


@pytest.mark.parametrize(("kind", "said"), [
    ("multipart/form-data; boundary=x", b"no boundary"), ("multipart/form-data", b"--x"),
    ("application/x-www-form-urlencoded; charset=klingon", b"by=eve"), ("application/x-www-form-urlencoded", b"\xff")])
async def test_what_is_no_form_is_refused(site: Any, kind: str, said: bytes) -> None:
    """Never a 500."""
    async with site.http.post(f"{site.url}/me", data=said, headers={"Content-Type": kind}) as answer:
        assert answer.status in (400, 403)


async def test_a_form_of_another_site_changes_nothing(site: Any, incident: str) -> None:
    """Not even with the token."""
    form = {"token": await token(site), "by": "eve"}
    assert (await send(site, f"/incidents/{incident}/acknowledge", {"Origin": "http://evil.example"}, **form))[0] == 403
    assert (await site.json("/api/v1/incidents"))["items"][0]["state"] == "open"


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", ""])
async def test_a_form_leads_back_to_pages_of_ours_only(site: Any, incident: str, to: str) -> None:
    """Whatever it names."""
    assert (await send(site, "/me", token=await token(site), by="jane", back=to)) == (303, "/")


async def test_an_incident_is_silenced_by_its_labels(site: Any, incident: str) -> None:
    """The form comes filled in; what it makes holds, and is ended there."""
    page = (await site.get(f"/maintenance/new?incident={incident}"))[1]
    assert "alertname=&#34;Broken&#34;" in page
    form = {"token": await token(site, "/maintenance/new"), "by": "jane", "match": 'alertname="Other"', "for": "1h",
            "reason": "new disk", "notices": "yes"}
    assert await send(site, "/maintenance", **form) == (303, "/maintenance")
    made, = [one for one in (await site.json("/api/v1/maintenance"))["items"] if not one["line"]]
    assert (made["state"], made["by"], made["match"]) == ("active", "jane", ['alertname="Other"'])
    assert (await send(site, f"/maintenance/{made['id']}/end", **form))[0] == 303
    assert not (await site.json("/api/v1/status"))["maintenance"]


@pytest.mark.parametrize(("fields", "said"), [({"match": ""}, "it matches every alert"), ({"for": "soon"}, "for:"),
                                              ({"reason": " "}, "say why")])
async def test_a_window_that_cannot_be_is_refused_in_words(site: Any, incident: str, fields: dict[str, str], said: str
                                                           ) -> None:
    """And the form is there again, with what was written in it."""
    form = {"token": await token(site, "/maintenance/new"), "by": "jane", "match": 'alertname="Other"', "for": "1h",
            "reason": "new disk"} | fields
    status, page = await send(site, "/maintenance", **form)
    assert status == 400
    assert said in page
    assert 'value="jane"' in page


async def test_what_is_gone_is_said(site: Any, incident: str) -> None:
    """404 with a way on."""
    form = {"token": await token(site), "by": "jane"}
    for path in ("/incidents/none/acknowledge", "/notifications/none/retry", "/maintenance/none/end"):
        status, page = await send(site, path, **form)
        assert status == 404
        assert "To the first page" in page

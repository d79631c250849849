"""Reviews and statistics over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bodies import body
from tests.web.filled import count


async def test_the_statistics_come_as_json_and_csv(site: Any) -> None:
    """The same figures."""
    await site.post(body("a"))
    found = await site.json("/api/v1/statistics?weeks=2&timezone=Europe/Berlin")
    assert (found["weeks"][-1]["incidents"], found["timezone"]) == (1, "Europe/Berlin")
    assert found["noise"] == [] or found["noise"][0]["alert"] == "Broken"
    async with site.http.get(site.url + "/api/v1/statistics?weeks=2&format=csv") as answer:
        assert answer.headers["Content-Type"].startswith("text/csv")
        assert f"week,,{found['weeks'][-1]['begins']},incidents,1" in (await answer.text())


@pytest.mark.parametrize("query", ["weeks=0", "timezone=Mars", "hours=always"])
async def test_statistics_of_what_makes_no_sense_are_400(site: Any, query: str) -> None:
    """For programs and, on the page itself, for people."""
    assert (await site.get(f"/api/v1/statistics?{query}"))[0] == 400
    status, page = await site.get(f"/statistics?{query}")
    assert status == 400
    assert query.partition("=")[0] in page


async def test_the_draft_of_a_review_is_markdown(site: Any) -> None:
    """To read, to download, and for programs; 404 for what is not there."""
    await site.post(body("a"))
    id = (await site.json("/api/v1/incidents"))["items"][0]["id"]
    async with site.http.get(f"{site.url}/api/v1/incidents/{id}/review") as answer:
        assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
        assert f"<{site.url}/incidents/{id}>" in await answer.text()
    assert "# Review: a is broken" in (await site.get(f"/incidents/{id}/review"))[1]
    for path in ("/incidents/none/review", "/incidents/none/review.md", "/api/v1/incidents/none/review"):
        assert (await site.get(path))[0] == 404


async def test_an_incident_says_what_it_took_of_budgets(site: Any) -> None:
    """In JSON and on its page; where no ledger is kept it is null, with the reason."""
    await site.post(body("a"))
    id = (await site.json("/api/v1/incidents"))["items"][0]["id"]
    found = await site.json(f"/api/v1/incidents/{id}")
    assert found["budget_spent"] is None
    assert "no ledger is kept here" in found["budget_spent_unknown"]
    assert "Unknown: no ledger is kept here" in (await site.get(f"/incidents/{id}"))[1]


async def test_a_digest_is_a_page_and_one_of_long_ago_its_text(site: Any) -> None:
    """With its verdict, what to do and the budgets; of the oldest the text alone is kept."""
    count(site)
    status, page = await site.get("/digests/d1")
    assert status == 200
    for part in ('data-state="attention"', "its budget is overspent by 12%", "Error budgets, the worst first", "-20",
                 "1 of 4 budgets: checkout", "+3 more"):
        assert part in page, part
    assert "Of this one the text alone is kept" in (await site.get("/digests/d0"))[1]
    assert (await site.get("/digests"))[1].count("<tr data-row>") == 2

"""Error budgets by the API."""

import asyncio
import json

from click.testing import CliRunner

from alertd.cli.group import group


async def test_without_objectives_the_list_is_empty(site):
    """And no error."""
    assert await site.json("/api/v1/slos") == {"items": [], "next": None}


async def test_a_window_that_is_none_is_refused(site):
    """400, and what to write."""
    for query in ("window=fortnight", "window=month&timezone=Mars", "limit=0", "state=green", "cursor=x"):
        status, text = await site.get(f"/api/v1/slos?{query}")
        assert status == 400, query
        assert json.loads(text)["error"]


async def test_what_nobody_declared_is_not_found(site):
    """404."""
    assert (await site.get("/api/v1/slos/x:y"))[0] == 404


def test_the_command_says_that_nothing_is_declared(tmp_path):
    """And that there is no such store, with status 3."""
    done = CliRunner().invoke(group, ["slo", "status", "--store", f"sqlite:///{tmp_path}/none.db"])
    assert done.exit_code == 3


async def test_a_reload_reads_what_is_declared(site):
    """As a whole with routing.yaml: a fault changes nothing and is told, with its place."""
    folder = site.config.parent / "rules"
    folder.mkdir()
    rules = "services: {shop: {metrics: prometheus-http, selector: 'job=\"shop\"', slos: {up: {objective: 99.9%}}}}\n"
    (folder / "a.yaml").write_text(rules)
    async with site.http.post(f"{site.url}/-/reload") as answer:
        assert answer.status == 200
    [item] = (await site.json("/api/v1/slos"))["items"]
    assert (item["id"], item["state"], item["objective"], item["window"]) == ("shop:up", "unknown", 0.999, "30d")
    assert all(item[key] is None for key in ("events", "bad", "budget_remaining", "burn_rate", "coverage"))
    assert "serve --prometheus" in item["reason"]
    (folder / "a.yaml").write_text(rules.replace("99.9%", "100%"))
    async with site.http.post(f"{site.url}/-/reload") as answer:
        assert (answer.status, "a.yaml:1:" in await answer.text()) == (500, True)
    assert (await site.json("/api/v1/slos/shop:up"))["objectives"][0]["objective"] == 0.999


async def test_a_window_of_the_calendar_is_shown_with_its_zone(site):
    """In JSON, on the pages, and by the command."""
    folder = site.config.parent / "rules"
    folder.mkdir()
    (folder / "a.yaml").write_text("services: {shop: {metrics: prometheus-http, selector: 'job=\"shop\"', slos: "
                                   "{up: {objective: 99.9%, window: month, timezone: Europe/Berlin}}}}\n")
    async with site.http.post(f"{site.url}/-/reload") as answer:
        assert answer.status == 200
    item = await site.json("/api/v1/slos/shop:up")
    assert (item["window"], item["timezone"]) == ("month", "Europe/Berlin")
    assert item["window_ends"] > item["window_begins"]
    for page in ("/slos", "/slos/shop:up", "/"):
        assert "the calendar month (Europe/Berlin)" in (await site.get(page))[1], page
    done = await asyncio.to_thread(CliRunner().invoke, group, ["slo", "status", "--url", site.url])
    assert "99.9% of month (Europe/Berlin)" in done.stdout


async def test_what_is_not_known_is_no_metric(site):
    """Neither zero nor green: absent, and counted as unknown."""
    folder = site.config.parent / "rules"
    folder.mkdir()
    (folder / "a.yaml").write_text(
        "services: {shop: {metrics: prometheus-http, selector: 'job=\"shop\"', slos: {up: {objective: 99.9%}}}}\n")
    async with site.http.post(f"{site.url}/-/reload"):
        pass
    text = (await site.get("/metrics"))[1]
    assert 'alertd_slo_objective_ratio{group="",service="shop",slo="up"} 0.999' in text
    assert "alertd_slo_error_budget_remaining_ratio{" not in text
    assert 'alertd_slos{state="unknown"} 1.0' in text


async def test_exclusions_by_the_api(site):
    """Made, listed, taken back; with what is wrong where it is none."""
    good = {"match": ['service="shop"'], "from": "2026-12-01T20:00:00Z", "for": "2h", "reason": "upgrade", "by": "ann"}
    for wrong in ({"match": []}, {"reason": " "}, {"for": None}, {"from": "yesterday"}):
        async with site.http.post(f"{site.url}/api/v1/exclusions", json={**good, **wrong}) as answer:
            assert answer.status == 400, wrong
    async with site.http.post(f"{site.url}/api/v1/exclusions", json=good) as answer:
        made = await answer.json()
        assert (answer.status, made["by"], made["covers"]) == (201, "ann", [])
    async with site.http.delete(f"{site.url}/api/v1/exclusions/{made['id']}", json={"by": "bob"}) as answer:
        assert answer.status == 200
    async with site.http.delete(f"{site.url}/api/v1/exclusions/x") as answer:
        assert answer.status == 404
    [item] = (await site.json("/api/v1/exclusions"))["items"]
    assert (item["reason"], item["undone_by"]) == ("upgrade", "bob")

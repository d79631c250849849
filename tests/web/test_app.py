"""The rest of the HTTP face."""

import re
from pathlib import Path

import pytest

from alertd.config import preset_file
from tests.bodies import body
from tests.web.conftest import ROUTING


async def test_health_and_readiness(site):
    """As in Prometheus and Alertmanager."""
    assert (await site.get("/-/healthy"))[0] == 200
    assert (await site.get("/-/ready"))[0] == 200


async def test_a_bad_file_keeps_the_old_configuration_and_says_so(site):
    """500 with the place of the fault, the metric at 0, and the route as before."""
    site.config.write_text(ROUTING.replace("critical: on-call", "critical: on-cal"))
    async with site.http.post(site.url + "/-/reload") as answer:
        assert answer.status == 500
        assert re.search(r"routing\.yaml:7:\d+: .*did you mean 'on-call'", await answer.text())
    assert "alertd_config_last_reload_successful 0.0" in (await site.get("/metrics"))[1]
    assert "on-cal" in (await site.json("/api/v1/status"))["config_problem"]
    await site.post(body("a"))
    assert (await site.json("/api/v1/notifications"))["items"][0]["receiver"] == "on-call"


async def test_a_good_file_takes_effect(site):
    """Without a restart."""
    site.config.write_text(ROUTING.replace("critical: on-call", "critical: platform-team"))
    async with site.http.post(site.url + "/-/reload") as answer:
        assert answer.status == 200
    await site.post(body("a"))
    assert (await site.json("/api/v1/notifications"))["items"][0]["receiver"] == "platform-team"


async def test_metrics_are_alertds_own(site):
    """Every name begins with alertd_."""
    await site.post(body("a"))
    text = (await site.get("/metrics"))[1]
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert names
    assert all(name.startswith("alertd_") for name in names)
    assert 'alertd_webhooks_total{result="accepted"} 1.0' in text


async def test_what_the_rules_about_alertd_ask_for_is_shown(site):
    """Every metric that the guardrails of the preset `alertd` read, by a daemon that has done nothing yet."""
    text = (await site.get("/metrics"))[1]
    shown = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    guardrails = preset_file.load(Path("none"))[0]["alertd"].guardrails.values()
    asked = {name for each in guardrails for name in re.findall(r"\balertd_\w+", each.measure)}
    assert len(asked) > 12
    assert asked - shown == set()


async def test_lists_come_in_pages(site):
    """`next` leads through all of them, each once."""
    for number in range(5):
        await site.post(body(f"n{number}", group={"n": str(number)}))
    seen, cursor = [], ""
    while cursor is not None:
        page = await site.json(f"/api/v1/incidents?limit=2{cursor and f'&cursor={cursor}'}")
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize("query", ["?limit=0", "?limit=x", "?limit=1001", "?state=burning"])
async def test_a_question_that_makes_no_sense_is_400(site, query):
    """With what is allowed."""
    assert (await site.get(f"/api/v1/incidents{query}"))[0] == 400


async def test_a_cursor_that_makes_no_sense_is_400(site):
    """Never a fault of the server."""
    assert (await site.get("/api/v1/notifications?cursor=abc"))[0] == 400


async def test_an_unknown_incident_is_404(site):
    """For programs and for people."""
    assert (await site.get("/api/v1/incidents/none"))[0] == 404
    assert (await site.get("/incidents/none"))[0] == 404


async def test_strangers_text_is_text_on_the_page(site):
    """A label is never markup, and no address but a web page's is a link."""
    sent = body("<script>alert(1)</script>").replace(
        b'"summary"', b'"runbook_url": "javascript:alert(1)", "summary"')
    await site.post(sent)
    incident = (await site.json("/api/v1/incidents"))["items"][0]["id"]
    for path in ("/", f"/incidents/{incident}"):
        page = (await site.get(path))[1]
        assert "<script>" not in page
        assert "javascript:" not in page
        assert "&lt;script&gt;" in page


async def test_nothing_but_a_page_of_ours_runs_in_a_browser(site):
    """The policy is on every answer."""
    async with site.http.get(site.url + "/") as answer:
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_an_incident_comes_with_its_alerts(site):
    """The first twenty in a list, firing before ended, and how many there are."""
    await site.post(body(*(f"n{number}" for number in range(25))))
    await site.post(body("n0", status="resolved"))
    incident = (await site.json("/api/v1/incidents"))["items"][0]
    assert (len(incident["alerts"]), incident["alert_count"], incident["firing"]) == (20, 25, 24)
    assert {alert["state"] for alert in incident["alerts"]} == {"firing"}


async def test_a_beating_watchdog_needs_nobody(site):
    """It is kept and shown, and the first page stays calm."""
    await site.post(body("prometheus", severity="none"))
    assert (await site.json("/api/v1/incidents"))["items"][0]["severity"] == "none"
    assert 'data-state="ok"' in (await site.get("/"))[1]


async def test_before_anything_was_heard_nothing_is_green(site):
    """Silence may be calm or a broken line."""
    assert 'data-state="unknown"' in (await site.get("/"))[1]

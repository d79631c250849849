"""Socket Mode in the whole daemon."""

from alertd.demo.standins.slack import Slack
from tests.bodies import body
from tests.engine.test_sockets import click
from tests.web.test_people import state

ROUTING = """
defaults:
  slack: {{api_url: "{url}", token: xoxb-1, {more}}}
receivers:
  on-call: {{slack: {{channel: "#alerts"}}}}
routes: {{critical: on-call, warning: on-call, info: on-call}}
"""


async def reload(site, url, more):
    site.config.write_text(ROUTING.format(url=url, more=more))
    async with site.http.post(f"{site.url}/-/reload") as answer:
        assert answer.status == 200, await answer.text()


async def test_a_reload_opens_the_line_a_click_acknowledges_and_a_reload_ends_it(site):
    """From routing.yaml to the incident; readiness does not depend on it."""
    async with Slack() as vendor:
        await reload(site, vendor.api_url, "app_token: xapp-1")
        await vendor.sockets.until(lambda: vendor.sockets.opened == 1)
        await site.post(body("a"))
        id = (await site.json("/api/v1/incidents"))["items"][0]["id"]
        envelope = await vendor.sockets.send(click(id))
        await vendor.sockets.until(lambda: envelope in vendor.sockets.acknowledged)
        assert await state(site) == ("acknowledged", "jane")
        await reload(site, vendor.api_url, "signing_secret: s")
        await vendor.sockets.until(lambda: vendor.sockets.lines == 0)
        assert (await site.get("/-/ready"))[0] == 200
        assert 'alertd_slack_sockets{state="wanted"} 0.0' in (await site.get("/metrics"))[1]


async def test_a_slack_that_is_away_leaves_the_daemon_ready(site):
    """Webhooks are taken, messages wait, the metric shows the line that should be."""
    await reload(site, "http://127.0.0.1:9/", "app_token: xapp-1")
    assert (await site.get("/-/ready"))[0] == 200
    assert 'alertd_slack_sockets{state="wanted"} 1.0' in (await site.get("/metrics"))[1]

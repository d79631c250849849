"""Acknowledging by the API, Slack and PagerDuty, over HTTP."""

import hashlib
import hmac
import json
import time
import urllib.parse

import pytest

from tests.bodies import body

ROUTING = """
defaults:
  slack: {api_url: "http://127.0.0.1:9/", token: xoxb-1, signing_secret: slacks-secret}
  pagerduty: {url: "http://127.0.0.1:9", webhook_secret: pagers-secret}
receivers:
  on-call: {pagerduty: {routing_key: "00000000000000000000000000000000"}, slack: {channel: "#alerts"}}
routes: {critical: on-call, warning: on-call, info: on-call}
"""


@pytest.fixture
async def incident(site):
    """One open incident."""
    site.config.write_text(ROUTING)
    async with site.http.post(f"{site.url}/-/reload") as answer:
        assert answer.status == 200, await answer.text()
    await site.post(body("a"))
    return (await site.json("/api/v1/incidents"))["items"][0]["id"]


async def state(site):
    row = (await site.json("/api/v1/incidents"))["items"][0]
    return row["state"], row["acknowledged_by"]


async def post(site, path, data=b"", **headers):
    async with site.http.post(site.url + path, data=data, headers=headers) as answer:
        return answer.status


def slack(payload, secret="slacks-secret", at=None):
    data = urllib.parse.urlencode({"payload": json.dumps(payload)}).encode()
    stamp = str(int(at or time.time()))
    signature = "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:".encode() + data, hashlib.sha256).hexdigest()
    return data, {"X-Slack-Signature": signature, "X-Slack-Request-Timestamp": stamp,
                  "Content-Type": "application/x-www-form-urlencoded"}


def click(incident):
    return {"type": "block_actions", "user": {"id": "U1", "username": "jane"},
            "actions": [{"action_id": "acknowledge", "value": incident, "type": "button"}]}


def pager(incident, secret="pagers-secret", agent="user_reference", kind="incident.acknowledged"):
    data = json.dumps({"event": {"id": "e1", "event_type": kind, "agent": {"type": agent, "summary": "Jane Doe"},
                                 "data": {"incident_key": f"alertd/{incident}/1"}}}).encode()
    right = "v1=" + hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()
    return data, {"X-PagerDuty-Signature": f"v1=00ff,{right}", "X-Webhook-Id": "w1"}


@pytest.mark.parametrize("said", [b'{"by": "jane"}', b""])
async def test_a_program_acknowledges(site, incident, said):
    """With a name or without one."""
    assert await post(site, f"/api/v1/incidents/{incident}/acknowledge", said) == 200
    assert await state(site) == ("acknowledged", "jane" if said else "somebody by the API")


async def test_what_is_unknown_or_not_understood_is_said(site, incident):
    """404 and 400, each in words."""
    assert await post(site, "/api/v1/incidents/nothing/acknowledge") == 404
    assert await post(site, "/api/v1/notifications/nothing/retry") == 404
    assert await post(site, f"/api/v1/incidents/{incident}/acknowledge", b"{") == 400


async def test_a_page_of_another_site_changes_nothing(site, incident):
    """A browser says where a form came from."""
    assert await post(site, f"/api/v1/incidents/{incident}/acknowledge", b"", Origin="http://evil.example") == 403
    assert await state(site) == ("open", None)


async def test_a_signed_click_in_slack_acknowledges(site, incident):
    """By the name Slack knows."""
    data, headers = slack(click(incident))
    assert await post(site, "/webhook/slack", data, **headers) == 200
    assert await state(site) == ("acknowledged", "jane")


@pytest.mark.parametrize("forged", [{"secret": "guessed"}, {"at": time.time() - 600}])
async def test_a_forged_or_old_click_does_not(site, incident, forged):
    """A signature with another secret, or one that was overheard ten minutes ago."""
    data, headers = slack(click(incident), **forged)
    assert await post(site, "/webhook/slack", data, **headers) == 401
    assert await post(site, "/webhook/slack", data) == 401
    assert (await state(site))[0] == "open"


async def test_a_signed_webhook_of_pagerduty_acknowledges(site, incident):
    """Any of several signatures may match: secrets rotate."""
    data, headers = pager(incident)
    assert await post(site, "/webhook/pagerduty", data, **headers) == 200
    assert await state(site) == ("acknowledged", "Jane Doe")


@pytest.mark.parametrize("other", [{"secret": "guessed"}, {"agent": "service_reference"},
                                   {"kind": "incident.annotated"}])
async def test_forged_and_other_events_of_pagerduty_do_not(site, incident, other):
    """Nor what alertd itself told PagerDuty, when it comes back."""
    data, headers = pager(incident, **other)
    assert await post(site, "/webhook/pagerduty", data, **headers) == (401 if "secret" in other else 200)
    assert (await state(site))[0] == "open"


@pytest.mark.parametrize(("path", "make"), [("/webhook/slack", slack), ("/webhook/pagerduty", None)])
async def test_a_signed_body_that_is_no_callback_is_400(site, incident, path, make):
    """Never a 500."""
    if make:
        data, headers = make({"type": "view_submission"})
    else:
        data = b"[]"
        headers = {"X-PagerDuty-Signature": "v1=" + hmac.new(b"pagers-secret", data, hashlib.sha256).hexdigest()}
    assert await post(site, path, data, **headers) == 400

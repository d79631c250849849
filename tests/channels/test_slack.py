from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.channels import Net, _blocks, slack
from alertd.config.secret import Secret
from alertd.demo.standins.blocks import faults
from alertd.demo.standins.slack import LONGEST_MESSAGE, Slack
from alertd.errors import Rejected, TryLater
from alertd.model import Delivery, DigestText, IncidentState, Kind, Severity
from tests import made

ESCAPED = re.compile(r"&(?!amp;|lt;|gt;)|[<>]")
LONG_AGO = {"channel": "C00000001", "ts": "1.000000"}


@pytest.fixture
async def vendor() -> AsyncIterator[Slack]:
    async with Slack() as standin:
        yield standin


def settings(vendor: Slack, **more: Any) -> slack.Settings:
    return slack.Settings(api_url=vendor.api_url, token=Secret("xoxb-1"), channel="#alerts", **more)


def methods(vendor: Slack) -> list[str]:
    return [entry.path.removeprefix("/api/") for entry in vendor.received]


def shown(value: dict[str, Any]) -> list[str]:
    """Every text of a message that a person reads."""
    return [value["text"], *(text for block in value["blocks"] for text in _readable(block))]


def _readable(block: Any) -> list[str]:
    if isinstance(block, list):
        return [text for inner in block for text in _readable(inner)]
    if not isinstance(block, dict):
        return []
    if block.get("type") in ("plain_text", "mrkdwn"):
        return [block["text"]]
    return [text for inner in block.values() for text in _readable(inner)]


def test_a_start_is_a_title_facts_alerts_buttons_and_the_id() -> None:
    """The whole message of one alert, as Slack gets it."""
    def plain(text: str) -> dict[str, Any]:
        return {"type": "plain_text", "text": text, "emoji": False}

    assert slack.payload(made.delivery(), acknowledge=True) == {
        "text": "🔴 CRITICAL: Checkout errors 4.2 % (incident A1B2)\nOne in 24 requests fails.",
        "blocks": [
            {"type": "header", "text": plain("🔴 CRITICAL: Checkout errors 4.2 %")},
            {"type": "section", "fields": [plain("Service: checkout"), plain("Environment: production"),
                                           plain("Team: payments"), plain("Since: 2026-11-23 14:03 UTC"),
                                           plain("State: 1 firing")]},
            {"type": "section", "text": plain("One in 24 requests fails.")},
            {"type": "section", "text": plain("• Checkout errors 4.2 % [node-7:9100]")},
            {"type": "actions", "elements": [
                {"type": "button", "action_id": "acknowledge", "value": "A1B2", "style": "primary",
                 "text": plain("Acknowledge")},
                {"type": "button", "action_id": "link-0", "url": "https://runbooks.example.com/errors?a=1&b=2",
                 "text": plain("Runbook")},
                {"type": "button", "action_id": "link-1", "url": "https://grafana.example.com/d/checkout",
                 "text": plain("Dashboard")},
                {"type": "button", "action_id": "link-2", "url": made.SILENCE, "text": plain("Silence")},
                {"type": "button", "action_id": "link-3", "url": made.LINK, "text": plain("Open in alertd")}]},
            {"type": "context", "elements": [plain("incident A1B2")]}]}


@pytest.mark.parametrize("state", [IncidentState.ACKNOWLEDGED, IncidentState.RESOLVED])
def test_nothing_is_left_to_acknowledge_once_somebody_did(state: IncidentState) -> None:
    """The button is there only while the incident is open."""
    body = slack.payload(made.delivery(Kind.UPDATE, state=state), acknowledge=True)
    assert "acknowledge" not in made.texts(body)


@pytest.mark.parametrize("style", ["responder", "management"])
@pytest.mark.parametrize("kind", [Kind.FIRING, Kind.UPDATE, Kind.RESOLVED])
@pytest.mark.parametrize("text", made.HOSTILE)
def test_hostile_text_is_escaped_in_every_text(text: str, kind: Kind, style: str) -> None:
    """No mention, link or entity of an alert's making survives, and every block is valid."""
    check_hostile(text, kind, style)


@given(st.text(st.characters(), max_size=300), st.sampled_from(Kind), st.sampled_from(["responder", "management"]))
def test_any_text_is_escaped_in_every_text(text: str, kind: Kind, style: str) -> None:
    """The same for whatever characters there are."""
    check_hostile(text, kind, style)


def check_hostile(text: str, kind: Kind, style: str) -> None:
    labels = dict.fromkeys(("alertname", "service", "team", "instance", "env"), text)
    notes = dict.fromkeys(("summary", "description", "impact", "runbook_url", "dashboard_url"), text)
    alerts = tuple(made.alert(n, labels=labels, annotations=notes, firing=kind is not Kind.RESOLVED)
                   for n in range(60))
    digest = DigestText(text, text) if kind is Kind.DIGEST else None
    delivery = made.delivery(kind, style=style, alerts=alerts, digest=digest)
    for body in (slack.payload(delivery, acknowledge=True), _blocks.reply(delivery)):
        assert faults(body["blocks"]) == []
        assert len(body["text"]) <= _blocks.TEXT
        for said in shown(body):
            assert not ESCAPED.search(said)
            assert not re.search(r"@(here|channel|everyone)", said, re.IGNORECASE)
            said.encode()


@pytest.mark.parametrize(("count", "length"), [(250, 20), (250, 60), (40, 400), (250, 400)])
def test_many_alerts_are_cut_with_the_number_of_those_left_out(count: int, length: int) -> None:
    """Every summary up to Slack's limits, then how many more."""
    alerts = tuple(made.alert(n, labels={}, annotations={"summary": f"{n:03} " + "&" * (length - 4)})
                   for n in range(count))
    body = slack.payload(made.delivery(alerts=alerts, firing=1000))
    listed = "\n".join(shown(body)).count("\n• ")
    assert f"+{1000 - listed} more" in "\n".join(shown(body))
    assert listed >= 4
    assert len(json.dumps(body["blocks"], ensure_ascii=False)) <= LONGEST_MESSAGE


def test_two_hundred_short_summaries_all_fit() -> None:
    """A storm of one rule is read in Slack itself."""
    alerts = tuple(made.alert(n, labels={}, annotations={"summary": f"Disk {n:03} is nearly full"})
                   for n in range(200))
    said = "\n".join(shown(slack.payload(made.delivery(alerts=alerts))))
    assert all(f"Disk {n:03}" in said for n in range(200))


def test_a_long_digest_keeps_within_the_limits() -> None:
    """A digest longer than a message ends with an ellipsis."""
    digest = DigestText("alertd daily", "\n".join(f"line {n} " + "<" * 50 for n in range(500)))
    body = slack.payload(made.delivery(Kind.DIGEST, digest=digest))
    assert faults(body["blocks"]) == []
    assert shown(body)[-2].endswith("\n…")


async def test_a_whole_incident_is_one_message_edited_and_answered(vendor: Slack, net: Net) -> None:
    """Start, rise, update, end: one root that says how it stands, a broadcast reply and a last reply."""
    root = (await slack.send(made.delivery(key="k1", severity=Severity.WARNING), settings(vendor), net)).root
    assert root
    for kind, key, severity in ((Kind.FIRING, "k2", Severity.CRITICAL), (Kind.UPDATE, "k3", Severity.CRITICAL),
                                (Kind.RESOLVED, "k4", Severity.CRITICAL)):
        receipt = await slack.send(made.delivery(kind, key=key, severity=severity, root=root), settings(vendor), net)
        assert receipt.root == root
    first, rise, end = vendor.posted("alerts")
    assert (first["ts"], first["edits"]) == (root["ts"], 3)
    assert (rise["thread_ts"], rise["broadcast"]) == (root["ts"], True)
    assert (end["thread_ts"], end["broadcast"]) == (root["ts"], False)
    assert all("resolved" in message["text"].lower() for message in (first, end))
    assert "CRITICAL" in rise["text"]


async def test_an_acknowledgement_takes_the_button_away_and_is_said_in_the_thread(vendor: Slack, net: Net) -> None:
    """The message says who takes care of it; the reply calls nobody."""
    sender = settings(vendor, signing_secret=Secret("s"))
    root = (await slack.send(made.delivery(key="k1"), sender, net)).root
    assert "Acknowledge" in str(vendor.posted("alerts")[0]["blocks"])
    taken = made.delivery(Kind.ACKNOWLEDGED, key="k2", root=root, state=IncidentState.ACKNOWLEDGED, by="<jane>")
    await slack.send(taken, sender, net)
    first, reply = vendor.posted("alerts")
    assert '"action_id": "acknowledge"' not in json.dumps(first["blocks"])
    assert (reply["thread_ts"], reply["broadcast"]) == ((root or {})["ts"], False)
    assert "&lt;jane&gt; takes care of it." in str(reply["blocks"])


async def test_a_reminder_brings_the_button_back_and_is_said_in_the_thread(vendor: Slack, net: Net) -> None:
    """Who still works on it acknowledges it again; nobody else is called by the line."""
    sender = settings(vendor, signing_secret=Secret("s"))
    root = (await slack.send(made.delivery(key="k1"), sender, net)).root
    still = made.delivery(Kind.REMINDER, key="k2", root=root, state=IncidentState.ACKNOWLEDGED, by="jane",
                          until=made.END)
    await slack.send(still, sender, net)
    first, reply = vendor.posted("alerts")
    assert '"action_id": "acknowledge"' in json.dumps(first["blocks"])
    assert (reply["thread_ts"], reply["broadcast"]) == ((root or {})["ts"], False)
    assert "acknowledge it again" in str(reply["blocks"])


async def test_a_storm_is_one_message_edited_in_place(vendor: Slack, net: Net) -> None:
    """How it stands is an edit and no more; that it is over is said to the channel too."""
    root = (await slack.send(made.delivery(Kind.NOTICE, key="k1", digest=DigestText("STORM: 9", "text")),
                             settings(vendor), net)).root
    for kind, key, title in ((Kind.STORM, "k2", "STORM: 99"), (Kind.NOTICE, "k3", "Storm over: 99 came")):
        told = made.delivery(kind, key=key, digest=DigestText(title, "text"), root=root)
        await slack.send(told, settings(vendor), net)
    first, over = vendor.posted("alerts")
    assert (first["edits"], over["thread_ts"], over["broadcast"]) == (2, (root or {})["ts"], True)
    assert "Storm over: 99 came" in first["text"]
    assert "Storm over: 99 came" in over["text"]


async def test_settings_of_every_post(vendor: Slack, net: Net) -> None:
    """Posts are marked with the notification's key, unfurl nothing and link no names."""
    await slack.send(made.delivery(key="k1"), settings(vendor), net)
    body = vendor.received[0].body
    assert body["metadata"] == {"event_type": "alertd_notification", "event_payload": {"id": "k1", "incident": "A1B2"}}
    assert [body[name] for name in ("unfurl_links", "unfurl_media", "link_names", "parse")] == [
        False, False, False, "none"]


@pytest.mark.parametrize("kind", [Kind.FIRING, Kind.UPDATE, Kind.RESOLVED])
async def test_without_a_root_everything_is_posted(vendor: Slack, net: Net, kind: Kind) -> None:
    """Who was not told of the start is told of what comes."""
    receipt = await slack.send(made.delivery(kind), settings(vendor), net)
    assert receipt.root
    assert methods(vendor)[-1] == "chat.postMessage"  # after a look for one in doubt
    assert len(vendor.posted("alerts")) == 1


@pytest.mark.parametrize("kind", [Kind.FIRING, Kind.UPDATE, Kind.RESOLVED])
async def test_a_deleted_root_is_posted_anew(vendor: Slack, net: Net, kind: Kind) -> None:
    """When somebody deleted the message, there is a new one, and it is the root from now on."""
    receipt = await slack.send(made.delivery(kind, root=LONG_AGO), settings(vendor), net)
    assert methods(vendor) == ["chat.update", "chat.postMessage"]
    assert receipt.root == {"channel": "C00000001", "ts": vendor.posted("alerts")[0]["ts"]}


async def test_a_root_that_takes_no_edit_gets_a_reply(vendor: Slack, net: Net) -> None:
    """Where Slack allows no more edits, an update is said in the thread."""
    root = (await slack.send(made.delivery(), settings(vendor), net)).root
    vendor.answer("ok_false", code="edit_window_closed", path="chat.update")
    await slack.send(made.delivery(Kind.UPDATE, key="k2", root=root), settings(vendor), net)
    assert vendor.posted("alerts")[1]["thread_ts"] == (root or {})["ts"]


@pytest.mark.parametrize(("fault", "means"), [
    ({"mode": "429", "retry_after": 7}, (True, 7.0, False)),
    ({"mode": "ok_false", "code": "ratelimited"}, (True, None, False)),
    ({"mode": "ok_false", "code": "internal_error"}, (False, None, True)),
    ({"mode": "ok_false", "code": "fatal_error"}, (False, None, True)),
    ({"mode": "ok_false", "code": "service_unavailable"}, (False, None, True)),
    ({"mode": "500"}, (False, None, True)),
    ({"mode": "500", "status": 503}, (False, None, True)),
    ({"mode": "reset"}, (False, None, True)),
    ({"mode": "drop-after-accept"}, (False, None, True)),
])
async def test_what_may_pass_is_tried_later_and_asked_once(
        vendor: Slack, net: Net, fault: dict[str, Any], means: tuple[bool, float | None, bool]) -> None:
    """One request per attempt, and a doubt where the message may stand there."""
    vendor.answer(**fault)
    with pytest.raises(TryLater) as caught:
        await slack.send(made.delivery(), settings(vendor), net)
    told = caught.value
    assert (told.throttled, told.after, told.ambiguous) == means
    assert len(vendor.received) == 1


@pytest.mark.parametrize("fault", [
    *({"mode": "ok_false", "code": code} for code in (
        "invalid_auth", "token_revoked", "account_inactive", "not_in_channel", "channel_not_found", "is_archived",
        "msg_too_long", "invalid_blocks", "msg_blocks_too_long", "message_limit_exceeded")),
    {"mode": "garbage200"}, {"mode": "garbage200", "text": "fine", "content_type": "text/plain"},
    {"mode": "garbage200", "text": "{", "content_type": "application/json"},
    {"mode": "garbage200", "text": "[1]", "content_type": "application/json"},
    {"mode": "garbage200", "text": '{"ok": true}', "content_type": "application/json"},
    {"mode": "400"}, {"mode": "413"}, {"mode": "500", "status": 404}])
async def test_what_is_refused_or_no_answer_of_slack_is_dead(vendor: Slack, net: Net, fault: dict[str, Any]) -> None:
    """ok: false for ever, and a 200 from something that is not Slack, is never taken for success."""
    vendor.answer(**fault)
    with pytest.raises(Rejected) as caught:
        await slack.send(made.delivery(), settings(vendor), net)
    assert fault.get("code", "Slack") in caught.value.reason
    assert len(vendor.received) == 1


async def test_hanging_ends_within_the_timeout(vendor: Slack, net: Net, hurry: None) -> None:
    """An attempt at a Slack that never answers ends, in doubt."""
    vendor.answer("hang")
    with pytest.raises(TryLater) as caught:
        await slack.send(made.delivery(), settings(vendor), net)
    assert caught.value.ambiguous


async def test_no_connection_leaves_no_doubt(vendor: Slack, net: Net) -> None:
    """What was never connected carried nothing."""
    await vendor.stop()
    with pytest.raises(TryLater) as caught:
        await slack.send(made.delivery(), settings(vendor), net)
    assert not caught.value.ambiguous


@pytest.mark.parametrize("told", [
    made.delivery(Kind.RESOLVED, key="k2"), made.delivery(Kind.FIRING, key="k3", epoch=2, epochs=(1, 2))])
async def test_what_follows_a_start_in_doubt_finds_its_message(vendor: Slack, net: Net, told: Delivery) -> None:
    """The start arrived, nobody knew, and the incident moved on before that was settled: still one root message."""
    await slack.send(made.delivery(key="k1"), settings(vendor), net)
    receipt = await slack.send(told, settings(vendor), net)
    root, reply = vendor.posted("alerts")
    assert reply["thread_ts"] == root["ts"]
    assert receipt.root is not None
    assert receipt.root["ts"] == root["ts"]
    if told.notification.kind is Kind.RESOLVED:
        assert "resolved" in root["text"].lower()


async def test_a_first_start_is_not_looked_up(vendor: Slack, net: Net) -> None:
    """Most messages are the first: one call each."""
    await slack.send(made.delivery(key="k1"), settings(vendor), net)
    assert methods(vendor) == ["chat.postMessage"]


async def doubtful(vendor: Slack, net: Net, delivery: Delivery, again: Delivery) -> Any:
    """Sends `delivery`, whose answer is lost after Slack took it, then `again` as another process would."""
    vendor.answer("drop-after-accept", times=1, path="chat.postMessage")
    with pytest.raises(TryLater):
        await slack.send(delivery, settings(vendor), net)
    net.clients.clear()
    return await slack.send(again, settings(vendor), net)


async def test_a_post_in_doubt_is_found_and_not_repeated(
        vendor: Slack, net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lost message is looked up by its mark, and becomes the root."""
    monkeypatch.setattr(made, "START", int(time.time() * 1000))
    receipt = await doubtful(vendor, net, made.delivery(key="k1"), made.delivery(key="k1", ambiguous=True))
    assert [message["ts"] for message in vendor.posted("alerts")] == [receipt.root["ts"]]
    assert methods(vendor).count("chat.postMessage") == 1
    assert receipt.root["channel"] == "C00000001"


async def test_a_reply_in_doubt_is_found_and_not_repeated(vendor: Slack, net: Net) -> None:
    """The end is said once in the thread, however often its answer is lost."""
    root = (await slack.send(made.delivery(key="k1"), settings(vendor), net)).root
    await doubtful(vendor, net, made.delivery(Kind.RESOLVED, key="k2", root=root),
                   made.delivery(Kind.RESOLVED, key="k2", root=root, ambiguous=True))
    assert len(vendor.posted("alerts")) == 2


async def test_a_post_that_slack_took_after_we_gave_up_is_found(
        vendor: Slack, net: Net, hurry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our time ran out first, the message came all the same: it is not sent again."""
    monkeypatch.setattr(made, "START", int(time.time() * 1000))
    vendor.answer("slow", times=1, path="chat.postMessage", seconds=0.3)
    with pytest.raises(TryLater) as caught:
        await slack.send(made.delivery(key="k1"), settings(vendor), net)
    assert caught.value.ambiguous
    async with asyncio.timeout(5):
        while not vendor.posted("alerts"):  # noqa: ASYNC110  the stand-in has no event for it
            await asyncio.sleep(0.01)
    receipt = await slack.send(made.delivery(key="k1", ambiguous=True), settings(vendor), net)
    assert [message["ts"] for message in vendor.posted("alerts")] == [(receipt.root or {})["ts"]]


@pytest.mark.parametrize("code", ["thread_not_found", "cannot_reply_to_message"])
async def test_an_end_that_finds_no_thread_is_posted_anew(vendor: Slack, net: Net, code: str) -> None:
    """People still have to hear of it."""
    root = (await slack.send(made.delivery(key="k1"), settings(vendor), net)).root
    vendor.answer("ok_false", times=1, path="chat.postMessage", code=code)
    receipt = await slack.send(made.delivery(Kind.RESOLVED, key="k2", root=root), settings(vendor), net)
    assert receipt.detail.startswith("posted")
    assert "thread_ts" not in vendor.posted("alerts")[-1]


async def test_a_post_in_doubt_that_never_arrived_is_sent(vendor: Slack, net: Net) -> None:
    """Nothing found means nothing was posted."""
    for number in range(450):
        vendor.messages["C00000001"].append({"ts": f"{time.time() - 20 + number / 100:.6f}", "text": str(number)})
    await slack.send(made.delivery(ambiguous=True), settings(vendor), net)
    assert methods(vendor)[-4:] == [*["conversations.history"] * 3, "chat.postMessage"]


async def test_a_post_in_doubt_that_may_not_be_looked_up_is_sent(vendor: Slack, net: Net) -> None:
    """Without the scope to look back, twice is better than not at all."""
    vendor.scopes = frozenset({"chat:write"})
    await doubtful(vendor, net, made.delivery(), made.delivery(ambiguous=True))
    assert len(vendor.posted("alerts")) == 2


async def test_a_doubt_outlives_a_look_that_failed(vendor: Slack, net: Net) -> None:
    """When looking back is throttled, the next attempt looks again before it posts."""
    vendor.answer("429", path="conversations.history", retry_after=30)
    with pytest.raises(TryLater) as caught:
        await slack.send(made.delivery(ambiguous=True), settings(vendor), net)
    assert caught.value.ambiguous
    assert caught.value.after == 30
    assert vendor.posted("alerts") == []


async def test_a_digest_is_posted_as_plain_text(vendor: Slack, net: Net) -> None:
    """A digest is a message of its own."""
    digest = DigestText("alertd daily", "3 pages\n<b> & more")
    await slack.send(made.delivery(Kind.DIGEST, digest=digest), settings(vendor), net)
    assert shown(vendor.posted("alerts")[0]) == [
        "alertd daily\n3 pages", "alertd daily", "3 pages\n&lt;b&gt; &amp; more", "Open in alertd"]


async def test_the_button_is_there_where_a_click_reaches_us(vendor: Slack, net: Net) -> None:
    """With a signing secret the message can be acknowledged, without one it offers nothing that cannot work."""
    await slack.send(made.delivery(), settings(vendor), net)
    await slack.send(made.delivery(), settings(vendor, signing_secret=Secret("s")), net)
    without, with_button = vendor.posted("alerts")
    assert "acknowledge" not in made.texts(without["blocks"])
    assert "acknowledge" in made.texts(with_button["blocks"])


@pytest.mark.parametrize("named", [{"signing_secret": Secret("s")}, {"app_token": Secret("xapp-1")}])
def test_a_click_reaches_us_by_a_signature_or_by_a_line(named: dict[str, Any]) -> None:
    """Either is enough for the button."""
    plain = slack.Settings(token=Secret("xoxb-1"), channel="#alerts")
    assert not plain.answers_clicks()
    assert slack.Settings(token=Secret("xoxb-1"), channel="#alerts", **named).answers_clicks()


def test_settings_need_a_token_and_https() -> None:
    """What cannot work is refused when the file is read."""
    with pytest.raises(pydantic.ValidationError, match="token"):
        slack.Settings(channel="#a")
    with pytest.raises(pydantic.ValidationError, match="https"):
        slack.Settings(channel="#a", token=Secret("x"), api_url="http://slack.example.com/api/")
    good = slack.Settings(channel="#a", token=Secret("canary"), rate="none")
    assert (good.targets(), good.endpoint(), good.rate_limit()) == (("#a",), "slack.com", None)
    assert slack.Settings(channel="#a", token=Secret("x")).rate_limit() == 1
    assert "canary" not in repr(good)

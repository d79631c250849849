"""What the stand-ins got, as a list of who was told what; and what is still missing of what was expected."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from alertd.demo.standins.pagerduty import PagerDuty
from alertd.demo.standins.slack import Slack
from alertd.demo.standins.smtp import Smtp
from alertd.model import Kind, Severity

PAGER = "PagerDuty"
MANAGEMENT = "management@example.com"
DIGEST = "the daily summary"

# What each place must be told, the start and the end.
EXPECTED: Mapping[Severity, tuple[str, ...]] = {
    Severity.CRITICAL: (PAGER, MANAGEMENT, "#leadership", "#alerts"),
    Severity.WARNING: (PAGER, "#platform"),
    Severity.INFO: ("#platform",),
}
RECEIVERS = {PAGER: "on-call", MANAGEMENT: "management", "#leadership": "management", "#alerts": "slack",
             "#platform": "platform-team", DIGEST: "daily-summary"}


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """One message that arrived. `at` is monotonic milliseconds; `edit` says that it changed an older one, which
    nobody is told by."""

    at: int
    incident: str
    place: str
    kind: Kind
    how: str
    text: str
    edit: bool = False


def everything(pagerduty: PagerDuty, slack: Slack, smtp: Smtp) -> list[Told]:
    """What was accepted, in the order it came."""
    told = [*_pages(pagerduty), *_posts(slack), *_mails(smtp)]
    return sorted(told, key=lambda one: one.at)


def missing(severity: Severity, kind: Kind, incident: str, told: Iterable[Told]) -> list[str]:
    """The places that were to be told this and were not."""
    there = {one.place for one in told if one.incident == incident and one.kind is kind and not one.edit}
    return [place for place in EXPECTED[severity] if place not in there]


def _pages(pagerduty: PagerDuty) -> Iterator[Told]:
    titles: dict[str, str] = {}
    for entry in pagerduty.received:
        if entry.outcome != "202":
            continue
        event = entry.body
        key, action = event["dedup_key"], event["event_action"]
        titles.setdefault(key, event.get("payload", {}).get("summary", ""))
        kind = Kind.RESOLVED if action == "resolve" else Kind.FIRING
        yield Told(entry.at, key.split("/")[1], PAGER, kind, action, titles[key])


def _posts(slack: Slack) -> Iterator[Told]:
    names = {id: f"#{name}" for name, id in slack.channels.items()}
    for entry in slack.received:
        if entry.outcome != "200" or not isinstance(entry.body, dict):
            continue
        where = str(entry.body.get("channel", ""))
        place, text = names.get(where, where), str(entry.body.get("text", ""))
        edit = entry.path.endswith("chat.update")
        if edit or entry.path.endswith("chat.postMessage"):
            how = "edited" if edit else "in the thread" if "thread_ts" in entry.body else "posted"
            yield Told(entry.at, _incident(entry.body), place, _kind(text), how, text, edit)


def _kind(text: str) -> Kind:
    return Kind.RESOLVED if "resolved" in text.lower() else Kind.FIRING


def _incident(body: Mapping[str, Any]) -> str:
    """The incident a Slack message names in its text or blocks."""
    found = re.search(r"[Ii]ncident:?[ *`]+([0-9A-Za-z]+)", json.dumps(body, ensure_ascii=False))
    return found[1] if found else ""


def _mails(smtp: Smtp) -> Iterator[Told]:
    for mail in smtp.mails:
        subject = str(mail.message["Subject"])
        incident = str(mail.message["X-Alertd-Incident"] or "")
        for recipient in mail.recipients:
            yield Told(mail.at, incident, recipient, _kind(subject), "mail", subject)

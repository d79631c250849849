"""A draft of a post-incident review: all that a machine knows, in Markdown, and TODO where only people know. Pure.

Nothing is invented: what is not known is said to be unknown. It looks for causes in the plural and for no culprit, and
is made to be pasted into whatever a team writes its reviews in.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence

from alertd import escaping
from alertd.messages import summary
from alertd.model import MINUTE, Incident, IncidentState, Labels, Millis, State
from alertd.schedule import Stretch, Window
from alertd.story import Story, acknowledged_at, began_at, figures, links, timeline, troubled
from alertd.times import duration, iso, moment, utc

MOST_LINES = 200  # of the timeline; an incident with more has its whole story in `alertd incidents show`
MOST_SIMILAR = 10
MOST_LINKS = 10
SLOW_TO_COME: Millis = 10 * MINUTE  # until somebody took care; longer is worth a question
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&$:/=^\"'])")


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """What the incident took of an error budget, as a ratio of the whole; None where that is not known, and `reason`
    says why."""

    objective: str
    bad: float | None
    share: float | None
    reason: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Around:
    """What stood around the incident. `windows` is None where routing.yaml was not read; `no_costs` says why there are
    no costs; `page` is the incident's address."""

    now: Millis
    windows: Sequence[tuple[Window, Stretch]] | None = None
    costs: Sequence[Cost] = ()
    no_costs: str = ""
    similar: Sequence[Incident] = ()
    page: str | None = None
    file: str = "routing.yaml"


def in_force(windows: Iterable[Window], labels: Sequence[Labels], since: Millis, until: Millis
             ) -> list[tuple[Window, Stretch]]:
    """The maintenance that held something of this within that time, each with when."""
    return [(window, stretch) for window in windows if any(window.covers(one) for one in labels)
            for stretch in window.occurrences(since, until + 1)]


def compose(story: Story, around: Around) -> str:
    """The draft."""
    incident = story.incident
    title = _headline(story)
    parts = [
        f"# Review: {text(title, 160)}", "",
        f"Draft of {utc(around.now)}, made by alertd from what it knows. Blameless: it asks how, and not who.", "",
        *_head(story, around), "",
        "## Summary", "", "TODO: two sentences: what customers saw, and why it ended.", "",
        "## Impact", "", *_impact(around), "* Customers, revenue: TODO", "",
        "## Trigger and contributing factors", "", "TODO: several, and what each needed to matter.", "",
        "## Detection", "", *_detection(story), "",
        "## Response", "", *_response(story, around), "",
        "## Timeline (UTC)", "", *_timeline(story), "",
        "## What went well", "", "TODO", "", "## What went badly", "", "TODO", "", "## Where we were lucky", "", "TODO",
        "", "## Action items", "", *_actions(story), "",
        "## Evidence", "", *_evidence(story, around), ""]
    if incident.state is not IncidentState.RESOLVED:
        parts.insert(2, "**It is not over.** What follows is as of now.\n")
    return "\n".join(parts)


def text(said: str, most: int = 400) -> str:
    """Text of strangers as Markdown that is text again: in one line, no link, no mark-up, no mention."""
    return _SPECIAL.sub(r"\\\1", escaping.line(said, most)).replace("@", "@\u2060")


def _headline(story: Story) -> str:
    if story.alerts:
        return summary(story.alerts[0])
    return " ".join(f"{key}={value}" for key, value in sorted(story.incident.labels.items())) or story.incident.id


def _head(story: Story, around: Around) -> list[str]:
    incident, times = story.incident, figures(story)
    team = next((alert.labels["team"] for alert in story.alerts if alert.labels.get("team")), "")
    rows = [
        ("Incident", f"`{incident.id}`"), ("Status of this draft", "draft; authors: TODO"),
        ("Severity", incident.severity.value), ("Team", text(team, 80) or "TODO"),
        ("Labels", text(", ".join(f"{key}={value}" for key, value in sorted(incident.labels.items()))) or "none"),
        ("Began (Prometheus)", _at(began_at(story))), ("Detected (alertd)", _at(incident.opened_at)),
        ("Time to detect", _length(times.to_detect)), ("Time to page", _length(times.to_page)),
        ("Acknowledged", _acknowledged(story)), ("Time to acknowledge", _length(times.to_acknowledge)),
        ("Mitigated", "TODO"), ("Ended", _at(incident.resolved_at, "not yet")),
        ("Time to resolve", _length(times.to_resolve, "not yet"))]
    return ["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)]


def _acknowledged(story: Story) -> str:
    at = acknowledged_at(story)
    if at is None:
        return "by nobody"
    first = next((act for act in story.acts if act.action == "acknowledge"), None)
    who = first.actor if first else story.incident.acknowledged_by or "somebody"
    return f"{_at(at)}, by {text(who, 120)}" + (f" ({first.via})" if first else "")


def _impact(around: Around) -> list[str]:
    if not around.costs:
        return [f"* Error budget spent: unknown, {text(around.no_costs or 'nobody counted')}"]
    return [f"* {text(cost.objective, 160)}: "
            + ("unknown" if cost.bad is None else f"{cost.bad:,.0f} bad events")
            + (", of the error budget unknown" if cost.share is None else f", {cost.share:.1%} of the error budget")
            + (f" ({text(cost.reason)})" if cost.reason else "") for cost in around.costs]


def _detection(story: Story) -> list[str]:
    names = sorted({alert.labels.get("alertname", "") for alert in story.alerts} - {""})
    alerts = ", ".join(text(name, 120) for name in names[:10]) or "unknown"
    return [f"* Alerts: {alerts} ({story.incident.alerts} in all)",
            f"* From Prometheus' start to alertd: {_length(figures(story).to_detect)}",
            "* Would a user have told us first? TODO"]


def _response(story: Story, around: Around) -> list[str]:
    lines = []
    bad = troubled(story)
    sent = sum(row.state is State.SENT for row in story.notifications)
    lines.append(f"* Messages: {len(story.notifications)} intended, {sent} taken"
                 + (", and these had trouble:" if bad else ", none late or lost"))
    lines += [f"  * {text(str(row.outlet), 160)}, {row.kind}: {text(what)}" for row, what in bad]
    muted = sorted({alert.muted for alert in story.alerts if alert.muted})
    lines += [f"* Kept quiet in Alertmanager: {text(one)}" for one in muted]
    if around.windows is None:
        lines.append(f"* Maintenance: unknown, {text(around.file, 120)} was not read")
    elif not around.windows:
        lines.append("* Maintenance: none held any of it")
    lines += [f"* Maintenance: {text(window.place(around.file))}, {_at(starts)} to {_at(ends)}"
              for window, (starts, ends) in around.windows or ()]
    lines.append(f"* Steps of escalation taken: {story.incident.escalated}")
    return lines


def _timeline(story: Story) -> list[str]:
    moments, lines, day = timeline(story), list[str](), ""
    for one in moments[:MOST_LINES]:
        date = f"{moment(one.at):%Y-%m-%d}"
        if date != day:
            lines += [f"* **{date}**"]
            day = date
        lines.append(f"  * {moment(one.at):%H:%M:%S} {text(one.what)}")
        lines += [f"    * {text(line)}" for line in one.more]
    if len(moments) > MOST_LINES:
        lines.append(f"  * +{len(moments) - MOST_LINES} more: `alertd incidents show {story.incident.id}`")
    return [*lines, "* TODO: what people did that no machine saw"]


def _actions(story: Story) -> list[str]:
    rows = [("TODO", "TODO")]
    rows += [(what, kind) for what, kind in _suggested(story)]
    return ["| action | type (prevent, detect, mitigate, process) | owner | due | ticket |",
            "| --- | --- | --- | --- | --- |",
            *(f"| {what} | {kind} | TODO | TODO | TODO |" for what, kind in rows)]


def _suggested(story: Story) -> Iterable[tuple[str, str]]:
    """What the record itself asks for."""
    unhelpful = {alert.labels.get("alertname", "") for alert in story.alerts
                 if not any(link.name == "Runbook" for link in links([alert]))}
    for name in sorted(unhelpful):
        yield f"Write a runbook, or say where it is: {text(name, 120)} names none one can open", "mitigate"
    took = figures(story).to_acknowledge
    if took is not None and took > SLOW_TO_COME:
        yield f"It took {duration(took)} until somebody took care: was the right person called?", "process"
    if took is None and story.incident.state is IncidentState.RESOLVED:
        yield "It ended, and nobody had acknowledged it: does this alert need a person?", "detect"
    dead = sorted({str(row.outlet) for row in story.notifications if row.state is State.DEAD})
    for outlet in dead:
        yield f"Mend the way to {text(outlet, 160)}: a message could not be delivered", "process"
    episodes = len({(alert.fingerprint, alert.id) for alert in story.alerts}) - len(
        {alert.fingerprint for alert in story.alerts})
    if episodes:
        yield f"Alerts ended and began again {episodes} times: does the rule wait long enough?", "detect"


def _evidence(story: Story, around: Around) -> list[str]:
    lines = [f"* The incident: <{around.page}>" if around.page else f"* `alertd incidents show {story.incident.id}`"]
    lines += [f"* {link.name}: <{link.url}>" for link in links(story.alerts)[:MOST_LINKS]]
    lines += [f"* Webhook of {iso(story.incident.opened_at)} from {text(story.incident.source, 200)}"]
    if story.acts:
        lines.append(f"* {len(story.acts)} rows of the audit, {_at(story.acts[0].at)} to {_at(story.acts[-1].at)}; "
                     "`alertd audit verify` proves it")
    lines += [f"* The same before: `{one.id}`, {_at(one.opened_at)}"
              + (f", lasted {duration(one.resolved_at - one.opened_at)}" if one.resolved_at is not None else "")
              for one in around.similar[:MOST_SIMILAR]]
    if not around.similar:
        lines.append("* The same in the 30 days before: none that is known here")
    return lines


def _at(at: Millis | None, never: str = "unknown") -> str:
    return never if at is None else f"{moment(at):%Y-%m-%d %H:%M:%S}"


def _length(length: Millis | None, never: str = "unknown") -> str:
    return never if length is None else duration(length)

"""What people read about an incident: one plain text form, which every channel renders in its own medium.

Nothing here is escaped; `escaping` does that where the medium is known. Nothing here uses the text of an alert as
a format or a template. A responder is told what and where; management in plain words, without labels, instance
names or queries.
"""

from __future__ import annotations

import dataclasses
import re
import urllib.parse
from collections.abc import Callable, Iterable, Mapping

from alertd import escaping, silencing
from alertd.model import (
    MANAGEMENT,
    Alert,
    Delivery,
    Incident,
    IncidentState,
    Kind,
    Millis,
    Severity,
)
from alertd.times import duration, utc

SUMMARY = 160  # characters of the summary in a title: with status and severity it stays below 200
LINE = 400  # characters of one alert's line
LEAD = 300
VALUE = 120
DIGEST = 60_000  # characters of a digest's text

SERVICE = ("service", "job", "namespace")
ENVIRONMENT = ("environment", "env", "cluster")
TEAM = ("team", "owner")
PLACE = ("instance", "pod", "node", "device", "mountpoint")  # what tells alerts of one name apart
# Labels whose values name machinery: management reads the kind of thing instead.
MACHINERY = (*PLACE, "host", "hostname", "nodename", "container", "endpoint", "ip", "uid", "replicaset")
_QUERY = re.compile(r"\{[^{}]*=[^{}]*\}|\[[0-9]+[smhdwy](?::[0-9a-z]*)?\]")  # a selector or a range: PromQL


@dataclasses.dataclass(frozen=True, slots=True)
class Fact:
    name: str
    value: str


@dataclasses.dataclass(frozen=True, slots=True)
class Link:
    """An address that may be clicked: http or https, written anew by `escaping.web_address`."""

    name: str
    url: str

    @property
    def host(self) -> str:
        return urllib.parse.urlsplit(self.url).netloc


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One line of the list of alerts, and how many alerts it speaks for."""

    text: str
    alerts: int = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """What to say, unescaped. `incident` is its id ("" for a digest), `total` counts all its alerts, of which
    `lines` may show fewer; `remarks` are addresses that must not be clicked, and hints. `lasted` is set when it
    `ended`."""

    incident: str
    severity: Severity
    title: str
    lead: str
    facts: tuple[Fact, ...] = ()
    lines: tuple[Line, ...] = ()
    total: int = 0
    links: tuple[Link, ...] = ()
    remarks: tuple[str, ...] = ()
    ended: bool = False
    lasted: Millis | None = None

    def shown(self, room: int, size: Callable[[str], int] = len) -> tuple[tuple[str, ...], int]:
        """The first lines that fit into `room` together (each taking `size` of it), and how many alerts that
        leaves out."""
        count = escaping.fitting((size(line.text) for line in self.lines), room)
        fit = self.lines[:count]
        return tuple(line.text for line in fit), max(self.total - sum(line.alerts for line in fit), 0)

    @property
    def page(self) -> str | None:
        """alertd's own page for the incident."""
        return next((link.url for link in self.links if link.name == PAGE), None)


PAGE = "Open in alertd"


def more(count: int) -> str:
    """How a list says that it was cut: "+12 more", "" when it was not."""
    return f"+{count} more" if count else ""


def compose(delivery: Delivery) -> Message:
    """What this delivery says, in the style of its receiver."""
    if delivery.digest is not None:
        subject = escaping.line(delivery.digest.subject, 200) or "alertd digest"
        return Message("", delivery.notification.severity, subject, escaping.block(delivery.digest.text, DIGEST),
                       links=_page_link(delivery))
    if delivery.notification.style == MANAGEMENT:
        return _for_management(delivery)
    return _for_responders(delivery)


def _for_responders(delivery: Delivery) -> Message:
    alerts, total = delivery.alerts, _total(delivery)
    others = f" and {total - 1} more" if total > 1 else ""
    subject = _summary(delivery, SUMMARY) + others
    links, remarks = _links(delivery)
    if not _ended(delivery) and alerts and not _annotation(alerts, "runbook_url"):
        remarks = (*remarks, "No runbook: add the annotation runbook_url to the rule.")
    facts = (_labelled("Service", SERVICE, delivery), _labelled("Environment", ENVIRONMENT, delivery),
             _labelled("Team", TEAM, delivery), *_times(delivery), _state(delivery))
    return Message(
        _incident_id(delivery), delivery.notification.severity, _title(delivery, subject), _lead(delivery),
        tuple(fact for fact in facts if fact)[:6], tuple(Line(_alert_line(alert)) for alert in alerts), total,
        links, remarks, _ended(delivery), lasted(delivery.incident))


def _for_management(delivery: Delivery) -> Message:
    total = _total(delivery)
    impact = _annotation(delivery.alerts, "impact")
    subject = escaping.line(impact, SUMMARY) if impact else _plain_summary(delivery)
    severity = delivery.notification.severity
    facts = (
        _labelled("Service", ("service",), delivery),
        Fact("Customer impact", escaping.line(impact, VALUE) if impact else "not measured"),
        *_times(delivery),
        Fact("Severity", f"{severity}: {_MEANING[severity]}"),
        Fact("Status", _status_words(delivery)),
    )
    said: dict[str, int] = {}
    for alert in delivery.alerts:
        text = _plain(_said_of(alert), alert)
        said[text] = said.get(text, 0) + 1
    lines = tuple(Line(text + (f" ({count} times)" if count > 1 else ""), count) for text, count in said.items())
    return Message(_incident_id(delivery), severity, _title(delivery, subject), _plain_lead(delivery),
                   tuple(fact for fact in facts if fact)[:6], lines, total, _page_link(delivery),
                   (), _ended(delivery), lasted(delivery.incident))


def _plain_lead(delivery: Delivery) -> str:
    """How it stands, in words that ask nothing of whoever reads them."""
    incident = delivery.incident
    if _ended(delivery):
        return f"{_end_words(delivery)} Nothing is needed from you."
    if incident is None:
        return "People are told and look into it; nothing is needed from you."
    begun = duration(max(delivery.notification.created_at - incident.opened_at, 0))
    stands = "People are told and look into it; nothing is needed from you."
    if delivery.notification.kind is Kind.FLAPPING:
        return f"{_swing_words(incident)} {stands}"
    if incident.state is IncidentState.ACKNOWLEDGED:
        stands = "Somebody works on it; nothing is needed from you."
    elif incident.escalated:
        stands = f"It began {begun} before this, and nobody has taken care of it yet: people are called again."
    lasts = f"It has lasted {begun}. " if delivery.notification.kind is Kind.REMINDER else ""
    following = f" You hear of it again at {utc(incident.report_at)} or earlier." if incident.report_at else ""
    return f"{lasts}{stands}{following}"


_MEANING: Mapping[Severity, str] = {
    Severity.CRITICAL: "people are called at any hour",
    Severity.WARNING: "looked at during working hours",
    Severity.INFO: "for information",
    Severity.NONE: "for information",
}


def _title(delivery: Delivery, subject: str) -> str:
    severity = delivery.notification.severity
    if delivery.notification.kind is Kind.ACKNOWLEDGED:
        return f"ACKNOWLEDGED ({severity}): {subject}"
    if delivery.notification.kind is Kind.FLAPPING and _flaps(delivery):
        return f"FLAPPING ({severity}): {subject}"
    if delivery.notification.kind in (Kind.REMINDER, Kind.FLAPPING):
        return f"STILL {severity.upper()}: {subject}"
    if not _ended(delivery):
        return f"{severity.upper()}: {subject}"
    length = lasted(delivery.incident)
    after = f" after {duration(length)}" if length is not None else ""
    return f"RESOLVED{after} ({severity}): {subject}"


def _lead(delivery: Delivery) -> str:
    if _ended(delivery):
        return _end_words(delivery)
    if delivery.notification.kind is Kind.ACKNOWLEDGED:
        return _care_words(delivery.incident)
    if delivery.notification.kind is Kind.REMINDER:
        return _reminder_words(delivery.incident)
    if delivery.notification.kind is Kind.FLAPPING:
        return _swing_words(delivery.incident)
    impact = _annotation(delivery.alerts, "impact") or _annotation(delivery.alerts, "description")
    incident = delivery.incident
    if incident is not None and incident.acknowledged_by and incident.state is IncidentState.OPEN:
        impact = f"{_who(incident)} took care of it, but it burns on. {impact}"
    if incident is not None and incident.escalated and incident.state is IncidentState.OPEN:
        waited = duration(max(delivery.notification.created_at - incident.opened_at, 0))
        impact = f"Escalated: begun {waited} before this, and nobody takes care of it. {impact}"
    if delivery.notification.kind is Kind.UPDATE:
        now = f"Changed: now {delivery.firing} firing, {delivery.resolved} resolved."
        return escaping.line(f"{now} {impact}", LEAD)
    return escaping.line(impact, LEAD)


def _end_words(delivery: Delivery) -> str:
    total = _total(delivery)
    what = "Its alert is resolved." if total <= 1 else f"All {total} alerts are resolved."
    length = lasted(delivery.incident)
    return what + (f" It lasted {duration(length)}." if length is not None else "")


def _care_words(incident: Incident | None) -> str:
    if incident is None or incident.state is not IncidentState.ACKNOWLEDGED:
        return "Nobody takes care of it any more."  # it lapsed while this was on its way
    until = incident.acknowledged_until
    return (f"{_who(incident)} takes care of it."
            + (f" Whoever is called for it is called again at {utc(until)} if it burns on." if until else ""))


def _reminder_words(incident: Incident | None) -> str:
    if incident is None or incident.state is not IncidentState.ACKNOWLEDGED or incident.acknowledged_until is None:
        return _care_words(incident)
    if incident.remind_at is not None:  # acknowledged again while this was on its way
        return _care_words(incident)
    return (f"It burns on, and {_who(incident)} takes care of it only until {utc(incident.acknowledged_until)}: then "
            "whoever is called for it is called again. To keep it, acknowledge it again.")


def _swing_words(incident: Incident | None) -> str:
    if incident is None or incident.quiet_at is None or not incident.swings:
        return "It came and went before, and burns without a break now."
    times, first, last = len(incident.swings), incident.swings[0], incident.swings[-1]
    return (f"It began and ended {times} times within {duration(last - first)}, and is held open: you hear of it again "
            f"when it has been quiet for {duration(incident.quiet_at - last)}, or when it gets worse.")


def _flaps(delivery: Delivery) -> bool:
    return delivery.incident is not None and delivery.incident.flapping


def _who(incident: Incident) -> str:
    return escaping.line(incident.acknowledged_by or "", VALUE) or "Somebody"


def _status_words(delivery: Delivery) -> str:
    if _ended(delivery):
        return "resolved"
    acknowledged = delivery.incident is not None and delivery.incident.state is IncidentState.ACKNOWLEDGED
    return "being worked on" if acknowledged else "detected, the people on call are told"


def _ended(delivery: Delivery) -> bool:
    return delivery.notification.kind is Kind.RESOLVED


def _total(delivery: Delivery) -> int:
    return max(delivery.firing + delivery.resolved, len(delivery.alerts))


def _incident_id(delivery: Delivery) -> str:
    return str(delivery.incident.id if delivery.incident else delivery.notification.incident or "")


def _annotation(alerts: Iterable[Alert], name: str) -> str:
    """The annotation of the first alert that has it."""
    return next((alert.annotations[name] for alert in alerts if alert.annotations.get(name, "").strip()), "")


def name(alert: Alert) -> str:
    """The alert's name, in one line."""
    return escaping.line(alert.labels.get("alertname", ""), VALUE) or "an alert without a name"


def summary(alert: Alert) -> str:
    """The alert's summary in one line: its annotation, else what comes nearest to one, else its name."""
    return escaping.line(_said_of(alert), LINE) or name(alert)


def _said_of(alert: Alert) -> str:
    texts = (alert.annotations.get(key, "") for key in ("summary", "title", "message", "description"))
    return next((text for text in texts if text.strip()), "") or alert.labels.get("alertname", "")


def _summary(delivery: Delivery, most: int) -> str:
    if delivery.alerts:
        return escaping.cut(summary(delivery.alerts[0]), most)
    labels = delivery.incident.labels if delivery.incident else {}
    return escaping.line(labels.get("alertname", ""), most) or "an incident without alerts"


def _alert_line(alert: Alert) -> str:
    text = summary(alert)
    place = next((alert.labels[key] for key in PLACE if alert.labels.get(key)), "")
    if place and place not in text:
        text = f"{text} [{escaping.line(place, VALUE)}]"
    return text if alert.firing else f"resolved: {text}"


def _plain_summary(delivery: Delivery) -> str:
    if delivery.alerts:
        return escaping.cut(_plain(_said_of(delivery.alerts[0]), delivery.alerts[0]), SUMMARY)
    return _summary(delivery, SUMMARY)


def in_plain_words(alert: Alert) -> str:
    """What an alert is about, for people who do not run the machines."""
    return _plain(_said_of(alert), alert)


def _plain(text: str, alert: Alert) -> str:
    """`text` for people who do not run the machines: their names replaced by what they are, queries left out."""
    text = escaping.line(text, LINE)
    if not text or _QUERY.search(text):
        service = escaping.line(alert.labels.get("service", ""), VALUE)
        return f"A problem with {service}" if service else "A technical problem"
    for label in MACHINERY:
        value = alert.labels.get(label, "")
        for known in (value, value.rpartition(":")[0]):  # 10.0.0.5:9100 is also written without its port
            if len(known) > 1 and known in text:  # a pattern of its own for each name: a thirtieth of a millisecond
                text = re.sub(rf"(?<![\w-]){re.escape(known)}(?![\w-])", f"one {label}", text)
    return text


def _labelled(title: str, labels: tuple[str, ...], delivery: Delivery) -> Fact | None:
    """A fact from the first of these labels that the incident or its first alert has."""
    sources = [delivery.incident.labels] if delivery.incident else []
    sources += [alert.labels for alert in delivery.alerts[:1]]
    found = (source[label] for label in labels for source in sources if source.get(label, "").strip())
    value = escaping.line(next(found, ""), VALUE)
    return Fact(title, value) if value else None


def _times(delivery: Delivery) -> tuple[Fact, ...]:
    incident = delivery.incident
    if incident is None:
        return ()
    if _ended(delivery) and incident.resolved_at is not None:
        return Fact("Since", utc(incident.opened_at)), Fact("Ended", utc(incident.resolved_at))
    return (Fact("Since", utc(incident.opened_at)),)


def _state(delivery: Delivery) -> Fact:
    parts = [f"{count} {word}" for count, word in ((delivery.firing, "firing"), (delivery.resolved, "resolved"))
             if count]
    incident = delivery.incident
    if incident is not None and (incident.state is IncidentState.ACKNOWLEDGED
                                 or (incident.acknowledged_by and _ended(delivery))):
        parts.append(f"acknowledged by {_who(incident)}")
    if _flaps(delivery):
        parts.append("flapping")
    return Fact("State", ", ".join(parts) or "none")


def _links(delivery: Delivery) -> tuple[tuple[Link, ...], tuple[str, ...]]:
    """What may be clicked, and as remarks what looked like an address and may not."""
    links, remarks = [], []
    for title, keys in (("Runbook", ("runbook_url",)), ("Dashboard", ("dashboard_url", "dashboard"))):
        given = next((text for key in keys if (text := _annotation(delivery.alerts, key))), "")
        if not given:
            continue
        if url := escaping.web_address(given):
            links.append(Link(title, url))
        else:
            remarks.append(f"{title} (not a link): {escaping.line(given, LEAD)}")
    if not _ended(delivery) and (form := escaping.web_address(silencing.form(delivery) or "")):
        links.append(Link("Silence", form))
    return (*links, *_page_link(delivery)), tuple(remarks)


def _page_link(delivery: Delivery) -> tuple[Link, ...]:
    url = escaping.web_address(delivery.link or "")
    return (Link(PAGE, url),) if url else ()


def lasted(incident: Incident | None) -> Millis | None:
    """How long the incident was open; None while it is."""
    if incident is None or incident.resolved_at is None:
        return None
    return max(incident.resolved_at - incident.opened_at, 0)

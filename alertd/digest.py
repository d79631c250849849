"""The daily summary: when it is due, and what it says. Pure."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from alertd.model import Alert, DigestText, Incident, IncidentState, Millis

MOST_SUMMARIES = 5  # of one incident; the rest is a number


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One incident that the digest collected, with its alerts (the most severe first)."""

    incident: Incident
    alerts: tuple[Alert, ...]


def due(at: datetime.time, zone: ZoneInfo, now: Millis) -> datetime.date:
    """The local date of the newest digest that should have gone out by now, one going out daily at this time.

    One per local date, whatever the clock does: an hour that comes twice is one date, an hour that is skipped is
    over once its date's time has passed, and after downtime the newest one goes out late, once.
    """
    local = datetime.datetime.fromtimestamp(now / 1000, zone)
    today = local.date()
    return today if local.time() >= at else today - datetime.timedelta(days=1)


def compose(receiver: str, date: datetime.date, zone: ZoneInfo, entries: Sequence[Entry]) -> DigestText:
    """The digest as plain text; it is sent on a quiet day too, since silence could mean that alertd is gone."""
    ordered = sorted(entries, key=lambda entry: (entry.incident.state is IncidentState.RESOLVED,
                                                 -entry.incident.severity.rank, entry.incident.opened_at))
    burning = [entry for entry in ordered if entry.incident.state is not IncidentState.RESOLVED]
    ended = [entry for entry in ordered if entry.incident.state is IncidentState.RESOLVED]
    verdict = f"{_count(len(burning), 'incident')} still open, {len(ended)} resolved" if entries else "quiet"
    lines = [f"{receiver}, {date:%A %d %B %Y}: {verdict}.", ""]
    for heading, group in (("Still open", burning), ("Resolved", ended)):
        if group:
            lines += [heading, "-" * len(heading)]
            lines += [line for entry in group for line in lines_of(entry, zone)]
            lines.append("")
    if not entries:
        lines += ["Nothing of this kind happened since the last summary.", ""]
    return DigestText(f"alertd daily {date.isoformat()}: {verdict}", "\n".join(lines))


def lines_of(entry: Entry, zone: ZoneInfo) -> list[str]:
    """How a digest shows an incident."""
    incident = entry.incident
    name = entry.alerts[0].labels.get("alertname", "") if entry.alerts else ""
    where = ", ".join(f"{key}={value}" for key, value in sorted(incident.labels.items()) if key != "alertname")
    start = datetime.datetime.fromtimestamp(incident.opened_at / 1000, zone)
    lines = [f"* {incident.severity.value} {name}{f' ({where})' if where else ''}, {start:%a %H:%M %Z}, {incident.id}"]
    lines += [f"    {_one_line(alert)}" for alert in entry.alerts[:MOST_SUMMARIES]]
    more = incident.alerts - len(entry.alerts[:MOST_SUMMARIES])
    return [*lines, f"    +{more} more"] if more > 0 else lines


def _one_line(alert: Alert) -> str:
    text = alert.annotations.get("summary") or alert.annotations.get("description") or alert.labels.get("alertname", "")
    return " ".join(text.split())[:300]


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")

"""What nobody was told at once: incidents that were collected, and how a summary shows one."""

from __future__ import annotations

import dataclasses
import datetime
from zoneinfo import ZoneInfo

from alertd.model import Alert, Incident, IncidentState

MOST_SUMMARIES = 5  # of one incident; the rest is a number


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One incident that the digest collected, with its alerts (the most severe first)."""

    incident: Incident
    alerts: tuple[Alert, ...]

    @property
    def burning(self) -> bool:
        return self.incident.state is not IncidentState.RESOLVED

    @property
    def order(self) -> tuple[bool, int, int]:
        """What burns first, then the most severe, then the oldest."""
        return not self.burning, -self.incident.severity.rank, self.incident.opened_at


def lines_of(entry: Entry, zone: ZoneInfo) -> list[str]:
    """How a summary shows an incident."""
    incident = entry.incident
    start = datetime.datetime.fromtimestamp(incident.opened_at / 1000, zone)
    lines = [f"* {incident.severity.value} {title(entry)}, {start:%a %H:%M %Z}, {incident.id}"]
    lines += [f"    {summary(alert)}" for alert in entry.alerts[:MOST_SUMMARIES]]
    more = incident.alerts - len(entry.alerts[:MOST_SUMMARIES])
    return [*lines, f"    +{more} more"] if more > 0 else lines


def title(entry: Entry) -> str:
    """The alert's name, and what tells this incident from others of it."""
    incident = entry.incident
    name = entry.alerts[0].labels.get("alertname", "") if entry.alerts else ""
    where = ", ".join(f"{key}={value}" for key, value in sorted(incident.labels.items()) if key != "alertname")
    return f"{name}{f' ({where})' if where else ''}"


def summary(alert: Alert) -> str:
    """What the alert says of itself, in one line."""
    text = alert.annotations.get("summary") or alert.annotations.get("description") or alert.labels.get("alertname", "")
    return " ".join(text.split())[:300]

"""What the first message of an incident tells, by what the webhook that opened it said. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from alertd.model import Alert, AlertId, Delivery, Incident, IncidentId, Millis, Notification


def firsts(rows: Sequence[Notification], opened: Collection[IncidentId], incidents: Mapping[IncidentId, Incident],
           alerts: Iterable[Alert], most: int | None, now: Millis) -> list[Delivery]:
    """Messages of one outlet with all that their attempts need to know, each with at most so many of its incident's
    alerts (None: with all): what would be read from the store. Empty unless each is due and the only one of an incident
    that was just `opened`, so that nothing else was ever said about it there."""
    of = {row.incident: row for row in rows if row.incident in opened and row.next_at <= now and row.digest is None}
    if len(of) < len(rows):
        return []
    members: dict[IncidentId | None, list[Alert]] = {incident: [] for incident in of}
    for alert in alerts:
        if alert.incident in members:
            members[alert.incident].append(alert)
    return [_first(row, incidents[row.incident], sorted(members[row.incident], key=_place)[:most])
            for row in rows if row.incident]


def _first(row: Notification, incident: Incident, alerts: Sequence[Alert]) -> Delivery:
    return Delivery(row, incident, tuple(alerts), incident.firing, incident.alerts - incident.firing,
                    epochs=(row.epoch,))


def _place(alert: Alert) -> tuple[bool, int, Millis, AlertId]:
    """Firing before ended, the most severe first, then by start."""
    return alert.closed_at is not None, -alert.severity.rank, alert.starts_at, alert.id

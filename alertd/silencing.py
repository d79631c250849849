"""Where a person silences an incident: Alertmanager's own form, filled in with what the incident is named by.

A link and no act: silences belong to Alertmanager, and whoever opens the form says how long and why. Pure.
"""

from __future__ import annotations

import urllib.parse

from alertd.matchers import Matcher
from alertd.model import Delivery


def form(delivery: Delivery) -> str | None:
    """The form's address; None where there is no Alertmanager, or nothing to tell this incident from others: an empty
    filter would silence everything."""
    incident = delivery.incident
    if incident is None or not incident.source.startswith(("http://", "https://")):
        return None
    labels = dict(incident.labels)
    if "alertname" not in labels:
        named = {alert.labels.get("alertname", "") for alert in delivery.alerts}
        labels |= {"alertname": named.pop()} if len(named) == 1 and "" not in named else {}
    if not any(labels.values()):
        return None
    matchers = ", ".join(str(Matcher(name, "=", value)) for name, value in sorted(labels.items()))
    asked = urllib.parse.quote(f"{{{matchers}}}", safe="", errors="replace")
    return f"{incident.source.rstrip('/')}/#/silences/new?filter={asked}"

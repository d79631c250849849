"""Bodies as Alertmanager posts them."""

from __future__ import annotations

import json
import zlib
from typing import Any


def body(*names: str, status: str = "firing", severity: str | None = "critical", group: dict[str, str] | None = None,
         minute: int = 0, **more: Any) -> bytes:
    """One webhook of version 4 about these instances, started `minute` minutes after ten."""
    labels = {} if severity is None else {"severity": severity}
    alerts = [{
        "status": status,
        "labels": {"alertname": "Broken", "instance": name} | labels,
        "annotations": {"summary": f"{name} is broken"},
        "startsAt": f"2027-01-15T10:{minute:02}:00.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else f"2027-01-15T10:{minute + 1:02}:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": zlib.crc32(name.encode()).to_bytes(8, "big").hex(),
    } for name in names]
    message = {
        "version": "4", "groupKey": "{}:{alertname=\"Broken\"}", "truncatedAlerts": 0, "status": status,
        "receiver": "alertd", "groupLabels": group or {"alertname": "Broken"}, "commonLabels": {},
        "commonAnnotations": {}, "externalURL": "http://alertmanager", "alerts": alerts,
    }
    return json.dumps(message | more).encode()

"""The pages, rendered on the server. Alert text is data: autoescaping is on, and a missing name is an error."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def _environment() -> Environment:
    environment = Environment(loader=PackageLoader("alertd.web"), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)
    environment.filters["web_only"] = web_only
    environment.filters["moment"] = moment
    return environment


def web_only(address: str) -> str:
    """The address if a browser may be sent there (http or https), else nothing."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return parts.geturl() if parts.scheme in ("http", "https") and parts.hostname and not parts.username else ""


def moment(time: str) -> str:
    """A time of the API (RFC 3339, UTC) as people read it, to the second."""
    return time[:19].replace("T", " ") + " UTC"


def front(status: dict[str, Any], burning: list[dict[str, Any]]) -> str:
    """The first page: one sentence, what needs a person, what could not be delivered or read. Severity none (a
    Watchdog that beats) needs nobody."""
    burning = [row for row in burning if row["severity"] != "none"]
    order = {"critical": 0, "warning": 1, "info": 2}
    burning = sorted(burning, key=lambda row: (order[row["severity"]], row["opened_at"]))
    return _environment().get_template("front.html").render(status=status, burning=burning)


def incident(found: dict[str, Any] | None) -> str:
    """One incident: its alerts, who was told, each attempt, and why."""
    return _environment().get_template("incident.html").render(incident=found)

"""The log: one line per notification, for a start without accounts and for machines that collect logs."""

from __future__ import annotations

from typing import Any

import structlog

from alertd import messages
from alertd.channels import Net, Receipt
from alertd.channels import Settings as Base
from alertd.model import Delivery

ALERTS: int | None = 10
EDITS = True
PAGES = False
FOLLOWS = True
FOLDS = False

ROOM = 2_000  # characters of alerts in one line

_log = structlog.get_logger("alertd.channels.log")


class Settings(Base):
    def endpoint(self) -> str:
        return "log"


def payload(delivery: Delivery) -> dict[str, Any]:
    """The fields of the line."""
    told, message = delivery.notification, messages.compose(delivery)
    lines, hidden = message.shown(ROOM)
    fields: dict[str, Any] = {
        "receiver": told.outlet.receiver, "kind": told.kind.value, "severity": told.severity.value,
        "incident": message.incident or None, "title": message.title, "lead": " ".join(message.lead.split()),
        "alerts": [*lines, *([messages.more(hidden)] if hidden else [])] or None, "link": message.page,
    }
    return {name: value for name, value in fields.items() if value is not None}


async def send(delivery: Delivery, settings: Settings, net: Net) -> Receipt:
    """Writes the line."""
    _log.info("notification", **payload(delivery))
    return Receipt("logged")

"""Takes every message and tells nobody: where alertd's own heartbeat arrives. No receiver of routing.yaml can name
it."""

from __future__ import annotations

from alertd.channels import Net, Receipt
from alertd.channels import Settings as Base
from alertd.model import Delivery

ALERTS: int | None = 1
EDITS = False
PAGES = False
FOLLOWS = False


class Settings(Base):
    def endpoint(self) -> str:
        return "alertd itself"


async def send(delivery: Delivery, settings: Settings, net: Net) -> Receipt:
    """Takes it."""
    return Receipt("came back")

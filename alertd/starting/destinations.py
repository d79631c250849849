"""The words by which a policy names who is told, and by which channels they are reached."""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Iterable


class Way(enum.StrEnum):
    """How a receiver is reached; each is a part of templates/routing.yaml."""

    PAGER = "pager"
    MANAGEMENT = "management"
    CHAT = "chat"
    MAIL = "mail"
    DAILY = "daily"
    WEEKLY = "weekly"


# Spaces, dashes and underscores are alike in them.
_WAYS = {
    Way.PAGER: ("on-call", "oncall", "pager", "pagerduty", "phone"),
    Way.MANAGEMENT: ("management", "leadership", "executives", "stakeholders"),
    Way.CHAT: ("slack", "chat"),
    Way.MAIL: ("email", "e-mail", "mail"),
    Way.DAILY: ("daily-summary", "daily-digest", "daily-report", "daily", "summary", "digest"),
    Way.WEEKLY: ("weekly-summary", "weekly-digest", "weekly-report", "weekly"),
}
_TEAM = "-team"
_CHANNELS = {"slack": "#alerts", "chat": "#alerts"}


@dataclasses.dataclass(frozen=True, slots=True)
class Destination:
    """A receiver to be written. `channel` is its channel in Slack, where it has one; `guessed` where nothing but its
    name says how it is reached."""

    name: str
    way: Way
    channel: str = ""
    guessed: bool = False

    @property
    def address(self) -> str:
        """Its name as the first part of a mail address."""
        return _slug(self.name)


def destination(name: str) -> Destination:
    """The receiver that a policy calls so: one nobody knows is taken for a team with a channel of its name."""
    plain = _slug(name)
    way = next((way for way, words in _WAYS.items() if plain in words), None)
    if way is None or way is Way.CHAT:
        channel = _CHANNELS.get(plain) or f"#{plain.removesuffix(_TEAM)}"
        return Destination(name, Way.CHAT, channel, guessed=way is None and not plain.endswith(_TEAM))
    return Destination(name, way)


def _slug(name: str) -> str:
    """As channels and addresses can be called."""
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-") or "alerts"


def destinations(names: Iterable[str]) -> tuple[Destination, ...]:
    """Each name once, in their order."""
    return tuple(destination(name) for name in dict.fromkeys(names))

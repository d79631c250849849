"""What a click on a button in Slack says, whichever way it came: signed over HTTP, or down a socket."""

from __future__ import annotations

import dataclasses
from typing import Any

import structlog

from alertd import escaping
from alertd.engine.acts import NAME, Acts, Person

log = structlog.get_logger()


@dataclasses.dataclass(frozen=True, slots=True)
class Click:
    """Who takes care of which incidents; `id` is what Slack knows this click by."""

    person: Person
    incidents: tuple[str, ...]
    id: str | None = None


def read(payload: Any) -> Click:
    """From Slack's block_actions payload: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload.
    Raises ValueError for what is none."""
    try:
        clicked = [(str(action["action_id"]), str(action.get("value", ""))) for action in payload["actions"]]
        user = payload["user"]
        name = str(user.get("username") or user.get("name") or user["id"])
        id = str(payload.get("trigger_id") or "") or None
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a click on a button") from error
    return Click(Person(escaping.line(name, NAME) or "somebody", "slack"),
                 tuple(value for action, value in clicked if action == "acknowledge"), id)


async def act(acts: Acts, click: Click) -> None:
    """Do what was clicked, once however often it comes. Raises StoreUnavailable while nothing can be kept."""
    for incident in click.incidents:
        callback = f"{click.id}/{incident}"[:128] if click.id else None
        outcome = await acts.acknowledge(incident, click.person, callback=callback)
        log.info("acknowledgement", incident=incident[:24], by=click.person.name, via=click.person.via,
                 outcome=outcome.value)

"""What a review of an incident draws on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd import review
from alertd.model import DAY, Millis
from alertd.review import Around, Cost
from alertd.schedule import Window
from alertd.slo.spending import Spent
from alertd.store import schema, spending, stories
from alertd.store.maintenance import window_from
from alertd.story import began_at

BEFORE: Millis = 30 * DAY  # within which others like it are named


async def draft(connection: AsyncConnection, id: str, planned: Sequence[Window] | None, now: Millis, *,
                page: str | None = None, file: str = "routing.yaml") -> str | None:
    """The review of the incident of this id; None where there is none. `planned` are the windows of routing.yaml, None
    where it was not read."""
    story = await stories.tell(connection, id)
    if story is None:
        return None
    incident = story.incident
    since, until = began_at(story) or incident.opened_at, incident.resolved_at or now
    windows = None
    if planned is not None:
        made = await connection.execute(select(schema.windows).where(
            schema.windows.c.ends_at >= since, schema.windows.c.starts_at <= until))
        labels = [{**alert.labels, "severity": alert.severity.value} for alert in story.alerts]
        every = [*(one for one in planned if not one.id), *(window_from(row) for row in made)]
        windows = review.in_force(every, labels, since, until)
    lost = await spending.of(connection, story, now)
    similar = await stories.similar(connection, incident, incident.opened_at - BEFORE, 20)
    around = Around(now, windows, tuple(map(_cost, lost.budgets)), lost.reason,
                    [one for one in similar if one.opened_at < incident.opened_at], page, file)
    return await asyncio.to_thread(review.compose, story, around)


def _cost(one: Spent) -> Cost:
    name = " ".join((one.service, one.slo, *(f"{key}={value}" for key, value in sorted(one.labels.items()))))
    return Cost(name, one.bad, one.share, one.reason)

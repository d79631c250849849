"""A critical start that waits too long to be taken is told to the fallback as well."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import structlog
from sqlalchemy import Connection

from alertd.engine.clock import Clock
from alertd.engine.setting import Current
from alertd.late import tell_instead
from alertd.model import Notification, Outlet, State
from alertd.store import acts, intake
from alertd.store import late as store
from alertd.store.writer import Writer

log = structlog.get_logger()


class Late:
    """`tick` is called every few seconds; `wake` with the outlets that have new messages, after the commit."""

    def __init__(self, writer: Writer, current: Current, clock: Clock, wake: Callable[[Iterable[Outlet]], None]
                 ) -> None:
        self._writer = writer
        self._current = current
        self._clock = clock
        self._wake = wake

    async def tick(self) -> None:
        if any(receiver.fallback for receiver in self._current.file.routing.receivers.values()):
            rows = await self._writer.submit(self._look, None)
            if rows:
                log.warning("late", fallbacks=len(rows))
            self._wake({row.outlet for row in rows})

    def _look(self, connection: Connection, asked: Sequence[None]) -> Sequence[tuple[Notification, ...]]:
        """A handler of the writer, in its thread."""
        now, routing, batch = self._clock.now(), self._current.file.routing, intake.Batch()
        waiting = [row for receiver in routing.receivers.values() if receiver.fallback
                   for row in store.overdue(connection, receiver, now)]
        known = acts.load(connection, list(dict.fromkeys(row.incident for row in waiting if row.incident)))
        for row in waiting:
            incident = known.incidents.get(row.incident) if row.incident else None
            # another replica may have sent it since it was looked for
            waits = incident and any(one.seq == row.seq and one.state in (State.QUEUED, State.CLAIMED)
                                     for one in known.notifications[incident.id])
            if incident is not None and waits:
                changes = tell_instead(row, incident, known.notifications[incident.id], routing, now)
                known.apply(changes)
                batch.take(changes)
        intake.save(connection, batch, now)
        return [tuple(batch.notifications.values())] * len(asked)

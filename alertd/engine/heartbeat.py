"""Heartbeats are listened for: silence opens an incident, the next beat ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec
import structlog
from sqlalchemy import Connection

from alertd.engine.clock import Clock, Ids
from alertd.engine.setting import Current
from alertd.errors import StoreUnavailable
from alertd.heartbeats import Pulse, judge, report, routing_for
from alertd.incidents import decide, keys_of
from alertd.model import Millis, Notification, Outlet
from alertd.routing import Heartbeat
from alertd.store import intake, pulses
from alertd.store.dialect import try_lock
from alertd.store.rows import deflated
from alertd.store.writer import Writer

log = structlog.get_logger()


class Heartbeats:
    """`tick` is called every second; `wake` with the outlets that have new messages, after the commit."""

    def __init__(self, writer: Writer, current: Current, clock: Clock, ids: Ids,
                 wake: Callable[[Iterable[Outlet]], None]) -> None:
        self._writer = writer
        self._current = current
        self._clock = clock
        self._ids = ids
        self._wake = wake
        self._awake_since = clock.now()
        self._watched = True  # whether there may be something to look at

    async def tick(self) -> None:
        if self._current.file.routing.heartbeats or self._watched:
            try:
                rows = await self._writer.submit(self._listen, None)
            except StoreUnavailable:
                self._awake_since = self._clock.now()  # a beat could not be kept either: silence counts from here
                raise
            self._watched = bool(self._current.file.routing.heartbeats)  # once more after the last left the file
            self._wake({row.outlet for row in rows})

    def _listen(self, connection: Connection, asked: Sequence[None]) -> Sequence[tuple[Notification, ...]]:
        if not try_lock(connection, "heartbeats"):  # another replica listens right now
            return [()] * len(asked)
        now, batch = self._clock.now(), intake.Batch()
        for pulse, heartbeat in judge(pulses.load(connection), self._current.file.routing, self._awake_since, now):
            self._tell(connection, batch, pulse, heartbeat, now)
            pulses.keep(connection, pulse)
        intake.save(connection, batch, now)
        return [tuple(batch.notifications.values())] * len(asked)

    def _tell(self, connection: Connection, batch: intake.Batch, pulse: Pulse, heartbeat: Heartbeat | None, now: Millis
              ) -> None:
        routing = routing_for(heartbeat, self._current.file.routing)
        webhook = report(pulse, heartbeat, self._ids.next(now), now)
        known = intake.load(connection, [webhook], keys_of(webhook, routing), now)
        changes = decide(webhook, known, routing, now)
        batch.add(webhook, deflated(msgspec.json.encode(webhook)), changes)
        log.warning("heartbeat", source=pulse.source, matchers=pulse.matchers, silent=pulse.silent_since is not None)

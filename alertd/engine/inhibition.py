"""What inhibitions keep quiet is looked at again and again: once its cause has ended, what still burns is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import Connection

from alertd.engine.clock import Clock
from alertd.engine.setting import Current
from alertd.inhibiting import reason, sources, target_keys
from alertd.model import Alert, IncidentId, Notification, Outlet, State
from alertd.releasing import release
from alertd.routing import Inhibition as Rule
from alertd.store import acts, inhibiting, intake
from alertd.store.dialect import lock, try_lock
from alertd.store.weather import Sky
from alertd.store.writer import Writer

BECAUSE = "nothing that inhibits it fires any longer"


class Inhibition:
    """`tick` is called every few seconds, and once a new routing.yaml is in force; `wake` with the outlets that have
    new messages, after the commit."""

    def __init__(self, writer: Writer, current: Current, clock: Clock, wake: Callable[[Iterable[Outlet]], None]
                 ) -> None:
        self._writer = writer
        self._current = current
        self._clock = clock
        self._wake = wake
        self._known: tuple[Rule, ...] | None = None  # the rules by which the store's inhibitors were found

    async def tick(self) -> None:
        if self._known != () or self._current.file.routing.inhibitions:
            rules = self._current.file.routing.inhibitions
            rows = await self._writer.submit(self._look, rules != self._known)
            self._known = rules
            self._wake({row.outlet for row in rows if row.state is State.QUEUED})

    def _look(self, connection: Connection, asked: Sequence[bool]) -> Sequence[tuple[Notification, ...]]:
        """`asked`: whether the rules are others than before, so that inhibitors have to be found anew."""
        now, routing = self._clock.now(), self._current.file.routing
        if any(asked):
            lock(connection, ["inhibition"])
            inhibiting.anew(connection, sources(inhibiting.firing(connection), routing))
        elif not try_lock(connection, "inhibition"):  # another replica looks right now
            return [()] * len(asked)
        known = acts.load(connection, list(self._free(connection)))
        # once more, now that nothing changes these incidents any longer
        batch, sky = intake.Batch(), Sky(connection, routing, now)
        free = {id: alerts for id, alerts in self._free(connection).items() if id in known.incidents}
        for id, alerts in free.items():
            rows = known.notifications.get(id, ())
            batch.take(sky.fold(release(known.incidents[id], alerts, rows, routing, now, BECAUSE)))
        if free:
            sky.begin()
            intake.save(connection, batch, now, sky.counted())
            inhibiting.let_go(connection, [alert for alerts in free.values() for alert in alerts])
        return [tuple(batch.notifications.values())] * len(asked)

    def _free(self, connection: Connection) -> dict[IncidentId, list[Alert]]:
        """The alerts that nothing inhibits any longer, by incident."""
        routing, held = self._current.file.routing, inhibiting.held(connection)
        inhibitors = inhibiting.load(connection, {key for alert in held for key in target_keys(alert.labels, routing)})
        found: dict[IncidentId, list[Alert]] = {}
        for alert in held:
            if alert.incident and reason(alert, inhibitors, routing) is None:
                found.setdefault(alert.incident, []).append(alert)
        return found

"""While nothing can be stored, critical incidents are told straight: each once by this process, and without a record.

The sender is answered 503 all the same and sends again, so that what is told here is told in the ordinary way once the
store is back; then what was told here is ended. A page in doubt is sent twice rather than not at all.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable
from typing import Any

import structlog

from alertd import channels, emergency
from alertd.channels import CONNECTIONS, TIMEOUT, Net
from alertd.engine.clock import Clock
from alertd.engine.deliver import settings_for
from alertd.engine.metrics import Metrics
from alertd.engine.setting import Current
from alertd.errors import Rejected, TryLater
from alertd.model import SECOND, Delivery, Millis, Webhook

AFTER: Millis = 10 * SECOND  # a restart or a failover that is over by then is nobody's emergency
TRIES = 5
PAUSE = 2.0  # seconds before the second try, doubled before each further one; more where a vendor asks for more
MOST = 1_000  # incidents; whoever has so many critical ones has been told

log = structlog.get_logger()


class Emergency:
    """`refused` is called with each webhook that could not be stored, `stored` with each that was."""

    def __init__(self, current: Current, clock: Clock, net: Net, metrics: Metrics) -> None:
        self._current = current
        self._clock = clock
        self._net = net
        self._metrics = metrics
        self._known: dict[str, asyncio.Task[list[Delivery]]] = {}  # by incident; its result is what was told
        self._ends: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(CONNECTIONS)

    def refused(self, webhook: Webhook) -> None:
        """Tell its critical incidents, unless they are stored soon."""
        routing, now = self._current.file.routing, self._clock.now()
        if emergency.ended(webhook):
            self._end(emergency.names(webhook, routing))
            return
        if emergency.names(webhook, routing) <= self._known.keys():
            return
        for key, deliveries in emergency.starts(webhook, routing, now).items():
            if key not in self._known and len(self._known) < MOST:
                self._known[key] = asyncio.create_task(self._tell(key, deliveries, now + AFTER))

    def stored(self, webhook: Webhook) -> None:
        """From now on they are told in the ordinary way."""
        if self._known:
            self._end(emergency.names(webhook, self._current.file.routing))

    async def stop(self) -> None:
        tasks: list[asyncio.Task[Any]] = [*self._known.values(), *self._ends]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _end(self, keys: Iterable[str]) -> None:
        for key in keys:
            if telling := self._known.pop(key, None):
                task = asyncio.create_task(self._tell_end(telling))
                self._ends.add(task)
                task.add_done_callback(self._ends.discard)

    async def _tell(self, key: str, deliveries: list[Delivery], at: Millis) -> list[Delivery]:
        await self._clock.sleep_until(asyncio.Event(), at)
        told = [one for one in await asyncio.gather(*map(self._send, deliveries)) if one]
        log.error("told_without_a_record", incident=key, outlets=[str(one.notification.outlet) for one in told])
        return told

    async def _tell_end(self, telling: asyncio.Task[list[Delivery]]) -> None:
        if not telling.done():
            telling.cancel()  # what is being sent at this moment may arrive: its end goes the ordinary way
        told = (await asyncio.gather(telling, return_exceptions=True))[0]
        if isinstance(told, list):
            await asyncio.gather(*(self._send(emergency.end(one, self._clock.now())) for one in told))

    async def _send(self, delivery: Delivery) -> Delivery | None:
        """The delivery with what the vendor calls it; None where it was not taken."""
        outlet = delivery.notification.outlet
        for tried in range(TRIES):
            settings = settings_for(self._current, outlet)
            if settings is None:
                break
            wait = PAUSE * 2**tried
            try:
                async with self._slots, asyncio.timeout(TIMEOUT):
                    receipt = await channels.load(outlet.channel).send(delivery, settings, self._net)
            except Rejected as error:
                log.error("emergency_refused", outlet=str(outlet), reason=error.reason)
                break
            except TryLater as error:
                wait = max(wait, error.after or 0)
            except Exception as error:  # whatever it is, there is nobody behind this to try it again
                log.warning("emergency_not_sent", outlet=str(outlet), error=f"{type(error).__name__}: {error}")
            else:
                self._metrics.emergencies.labels(outlet.channel, "sent").inc()
                return dataclasses.replace(delivery, root=receipt.root)
            await asyncio.sleep(wait)
        self._metrics.emergencies.labels(outlet.channel, "failed").inc()
        return None

"""The engine without HTTP: a real store, a clock that tests move, and a channel that answers as told."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import deque
from typing import Any

import pytest

from alertd import channels
from alertd.channels import Receipt, Settings
from alertd.config.routing_file import RoutingFile
from alertd.engine.clock import Ids
from alertd.engine.deliver import Couriers, Outgoing
from alertd.engine.intake import Intake
from alertd.engine.metrics import Metrics
from alertd.engine.offers import Offers
from alertd.engine.setting import Current
from alertd.engine.upkeep import Upkeep
from alertd.model import Outlet
from alertd.store import database, reading
from alertd.store.writer import Writer
from tests.reports import T0, receiver, routing


class VirtualClock:
    """Time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.time = T0
        self._moved = asyncio.Condition()

    def now(self) -> int:
        return self.time

    async def advance(self, seconds: float) -> None:
        async with self._moved:
            self.time += int(seconds * 1000)
            self._moved.notify_all()

    async def sleep_until(self, event: asyncio.Event, wake_at: int | None) -> None:
        async def reached() -> None:
            async with self._moved:
                await self._moved.wait_for(lambda: wake_at is not None and self.time >= wake_at)

        tasks = [asyncio.create_task(event.wait()), asyncio.create_task(reached())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()


class Told(Settings):
    """Settings of the scripted channel: everything goes to one endpoint a channel."""

    name: str = "x"
    rate: float | None = None

    def endpoint(self) -> str:
        return self.name

    def rate_limit(self) -> float | None:
        return self.rate


class Script:
    """A channel: each attempt takes the next of `plan` (an exception, an event or a future to wait for, or nothing:
    taken). A future that is given an exception fails the attempt that waits."""

    Settings = Told
    ALERTS = 50
    EDITS = False

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []
        self.plan: deque[Any] = deque()
        self.under_way = 0
        self.most_under_way = 0

    async def send(self, delivery: Any, settings: Any, net: Any) -> Receipt:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            step = self.plan.popleft() if self.plan else None
            if isinstance(step, asyncio.Event):
                await step.wait()
            elif isinstance(step, asyncio.Future):
                await step
            elif step is not None:
                raise step
            row = delivery.notification
            self.sent.append((row.outlet.receiver, row.kind.value, row.incident or ""))
            return Receipt("taken", {"ts": "1"})
        finally:
            self.under_way -= 1


@dataclasses.dataclass
class House:
    """Everything a test of the engine touches."""

    clock: VirtualClock
    script: Script
    current: Current
    intake: Intake
    couriers: Couriers
    upkeep: Upkeep
    db: Any
    writer: Writer
    offers: Offers

    async def states(self) -> dict[tuple[str, str], str]:
        async with self.db.reader.connect() as connection:
            page = await reading.notifications(connection, None, 1000, None)
        return {(row["receiver"], row["kind"]): row["state"] for row in page.items}

    async def reasons(self) -> dict[str, str]:
        async with self.db.reader.connect() as connection:
            page = await reading.notifications(connection, None, 1000, None)
        return {row["receiver"]: row["reason"] for row in page.items}

    async def until(self, condition: Any) -> None:
        """Wait, in real time, for the loops to get there."""
        async with asyncio.timeout(10):
            while True:
                outcome = condition()
                if await outcome if asyncio.iscoroutine(outcome) else outcome:
                    return
                await asyncio.sleep(0.005)


def file_for(*receivers: Any, rate: float | None = None, **more: Any) -> RoutingFile:
    """A routing file whose every outlet is served by the scripted channel."""
    table = routing(receivers, **more)
    settings = {(outlet.receiver, outlet.channel): Told(name=outlet.channel, rate=rate)
                for one in table.receivers.values() for outlet in one.outlets if outlet.channel != "digest"}
    return RoutingFile(table, settings, {})


@pytest.fixture
def file(request):
    """The routing file in force; a test marks `@pytest.mark.parametrize("file", [...], indirect=True)` for its own."""
    return getattr(request, "param", None) or file_for()


@pytest.fixture
async def house(store_url, monkeypatch, file):
    """A running engine; on-call, management and slack are told of critical."""
    script = Script()
    monkeypatch.setattr(channels, "load", lambda name: script)
    clock = VirtualClock()
    db = database.connect(store_url)
    await database.migrate(db)
    writer = Writer(db.writer)
    writer.start()
    current = Current(file, clock.now())
    metrics = Metrics()
    offers = Offers(db.shared)
    couriers = Couriers(Outgoing(writer, db.reader, current, clock, None, metrics, offers=offers))  # type: ignore[arg-type]  # no net
    intake = Intake(writer, current, clock, Ids(1), metrics, couriers.wake, offers=offers)
    upkeep = Upkeep(writer, current, clock, metrics, couriers.wake_all)
    await upkeep.start()
    await couriers.start()
    yield House(clock, script, current, intake, couriers, upkeep, db, writer, offers)
    await couriers.stop(0.1)
    await writer.stop()
    await db.close()


ON_CALL = Outlet("on-call", "pagerduty", "")
__all__ = ["ON_CALL", "House", "file_for", "receiver"]

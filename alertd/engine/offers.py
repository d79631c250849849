"""What couriers with nothing to do leave for the intake: the first message of an incident that it opens, it may claim
for them in the transaction that writes it.

Such a message has nothing before it, and all that its attempt needs to know is at hand. So it leaves without being read
from the store again, and without a second transaction: a sync of the disk and two changes of threads earlier. An offer
is a hint and nothing more: a message that is not claimed so waits in the queue like any other, and so does one whose
transaction is undone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from sqlalchemy import Connection

from alertd.firsts import firsts
from alertd.model import Delivery, Millis, Notification, Outlet, State, value
from alertd.store import outbox
from alertd.store.intake import Batch
from alertd.store.outbox import Claim
from alertd.store.writer import afterwards


@value
class Offer:
    """What may be claimed for an outlet; `taken` is called on the event loop with what was, once it is on disk, and at
    once where it `pages`: calls people."""

    wish: Claim
    taken: Callable[[Sequence[Delivery]], None]
    pages: bool = False


class Idle(Protocol):
    """A courier with nothing to do. It is asked in the writer's thread, and must not change anything there; None:
    nothing may leave by its outlet right now."""

    def offer(self, now: Millis) -> Offer | None: ...


class Offers:
    """By outlet. `shared`: a store of several processes takes none, since a claim there holds locks that no intake
    should wait for."""

    def __init__(self, shared: bool = False) -> None:
        self._shared = shared
        self._idle: dict[Outlet, Idle] = {}

    def leave(self, outlet: Outlet, courier: Idle) -> None:
        if not self._shared:
            self._idle[outlet] = courier

    def withdraw(self, outlet: Outlet) -> None:
        self._idle.pop(outlet, None)

    def claim(self, connection: Connection, batch: Batch, now: Millis) -> set[Outlet]:
        """Within the transaction that wrote the batch; returns the outlets whose messages still wait. Whoever has one
        claimed has all of them claimed: else there is an order to be kept."""
        waiting: dict[Outlet, list[Notification]] = {}
        for row in batch.notifications.values():
            if row.state is State.QUEUED:
                waiting.setdefault(row.outlet, []).append(row)
        return {outlet for outlet, rows in waiting.items() if not self._claimed(connection, batch, rows, now)}

    def _claimed(self, connection: Connection, batch: Batch, rows: Sequence[Notification], now: Millis) -> bool:
        courier = self._idle.get(rows[0].outlet)
        offer = courier.offer(now) if courier else None
        if offer is None or len(rows) > offer.wish.most:
            return False
        deliveries = firsts(rows, batch.opened(), batch.incidents, batch.alerts.values(), offer.wish.alerts, now)
        if deliveries:
            afterwards(connection, partial(offer.taken, outbox.claim_new(connection, offer.wish, deliveries)),
                       urgent=offer.pages)
        return bool(deliveries)

"""Ways to reach people. One file each, found by its name: a section `pagerduty:` of a receiver is served by
`channels/pagerduty.py`, and a new channel is a new file with a `Settings`, a pure `payload` and a `send`."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any, Protocol, TypeVar

import aiohttp
import pydantic

from alertd.model import Delivery

CONNECTIONS = 8  # at most this many attempts at once to one endpoint, so that one that hangs costs no more
TIMEOUT = 10.0  # seconds for one attempt; a lease (engine/deliver.py) is longer
MANY = 100  # alerts of one message; composing it takes 3 to 7 us for each

Body = TypeVar("Body")


class Settings(pydantic.BaseModel):
    """What a receiver's section of this channel may hold. The fields are the YAML keys; keys of the file's
    `defaults:` section of the same channel are merged under them before this is built."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    def targets(self) -> tuple[str, ...]:
        """One per message: a Slack channel, an address; one empty target where there is only one place to go."""
        return ("",)

    def endpoint(self) -> str:
        """What attempts share connections to, such as a host; at most CONNECTIONS attempts at once."""
        raise NotImplementedError

    def rate_limit(self) -> float | None:
        """Messages a second and target, None for no limit of ours."""
        return None

    def adapts(self) -> bool:
        """Whether the vendor's "too fast" makes alertd slower for a while, beyond the wait it asks for."""
        return False


@dataclasses.dataclass(slots=True)
class Net:
    """What channels share: one HTTP session, and clients built once.

    `clients` is keyed by whatever the channel likes (its name first) and emptied on reload.
    """

    http: aiohttp.ClientSession
    clients: dict[tuple[object, ...], Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Receipt:
    """The vendor took it. `root` is the reference of an incident's first message here (kept and handed back in
    `Delivery.root`); `detail` is one line for the record of attempts."""

    detail: str
    root: Mapping[str, str] | None = None


class Channel(Protocol):
    """What a file in this folder offers.

    `send` returns when the vendor took the message, raises Rejected when it never will, TryLater otherwise. It
    makes one attempt and never sleeps: retries belong to the queue. `ALERTS` is how many alerts it can show,
    None for all; `EDITS` whether a sent message is changed in place (then partial ends are told to it too); `PAGES`
    whether it calls people (then an acknowledgement stops what waits); `FOLLOWS` whether it shows who takes care of
    an incident; `FOLDS` whether it is read by people, whom a storm is told in one message.
    """

    Settings: type[Settings]
    ALERTS: int | None
    EDITS: bool
    PAGES: bool
    FOLLOWS: bool
    FOLDS: bool

    def send(self, delivery: Delivery, settings: Any, net: Net) -> Awaitable[Receipt]: ...


async def composed(delivery: Delivery, compose: Callable[[Delivery], Body]) -> Body:
    """What `compose` makes of this delivery; beside the event loop where there is much to say, since a webhook's body
    of 10,000 alerts takes 74 ms."""
    if len(delivery.alerts) > MANY or delivery.digest is not None:
        return await asyncio.to_thread(compose, delivery)
    return compose(delivery)


@cache
def names() -> tuple[str, ...]:
    """The channels there are: the files of this folder, without what they share (`_wire`)."""
    return tuple(sorted(file.name for file in pkgutil.iter_modules(__path__) if not file.name.startswith("_")))


def load(name: str) -> Channel:
    """The channel of this name; imported when first used, since some client libraries are slow to import."""
    module: Any = importlib.import_module(f"{__name__}.{name}")
    return module  # type: ignore[no-any-return]  # a module meets the protocol by its names; mypy cannot see that


def settings_types() -> dict[str, type[Settings]]:
    """The Settings of every channel, by name."""
    return {name: load(name).Settings for name in names()}


def editing() -> frozenset[str]:
    """The channels that change a sent message in place."""
    return frozenset(name for name in names() if load(name).EDITS)


def paging() -> frozenset[str]:
    """The channels that call people."""
    return frozenset(name for name in names() if load(name).PAGES)


def following() -> frozenset[str]:
    """The channels that show who takes care of an incident."""
    return frozenset(name for name in names() if load(name).FOLLOWS)


def folding() -> frozenset[str]:
    """The channels that take part in storms."""
    return frozenset(name for name in names() if load(name).FOLDS)

"""When more begins than people can read: a storm at an outlet, and how it is known that it is over. Pure.

ISA-18.2 and EEMUA 191, by which control rooms are run, speak of a flood from 10 alarms in 10 minutes on for one person,
until there are less than 5. A Slack channel or a mailbox is read by several, and every message here is a whole
incident: ten times that, 20 within 2 minutes, is where reading one by one has ended for anybody.
"""

from __future__ import annotations

import dataclasses

from alertd.model import MINUTE, Millis, Outlet, value

PREFIX = "storm-"  # of a storm's id; what is folded into it names it


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """A storm begins with more than `over` starts within `within`, and is over once there has been less than half of
    that for `calm`. Where a sent message cannot be edited, how it stands is told every `summary` at most."""

    over: int = 20
    within: Millis = 2 * MINUTE
    calm: Millis = 5 * MINUTE
    summary: Millis = 15 * MINUTE


@value
class Gauge:
    """How much an outlet was told to begin: a vessel that every start fills by one and that drains by `over` in
    `within`. `half_at` is when it last was, or without another start will be, no more than half full. `storm` is the
    id of the newest storm there."""

    level: float = 0.0
    at: Millis = 0
    half_at: Millis = 0
    storm: str = ""


EMPTY = Gauge()

@dataclasses.dataclass(frozen=True, slots=True)
class Storm:
    """A storm at an outlet: it rages until `calm_at`, and its message is kept current until `over_at`, when nothing of
    what it carries burns any more. `revision` counts what was folded into it, `told` how much of that was said, and
    `told_at` when."""

    id: str
    outlet: Outlet
    style: str
    began_at: Millis
    calm_at: Millis | None = None
    over_at: Millis | None = None
    revision: int = 0
    told: int = 0
    told_at: Millis = 0


def filled(gauge: Gauge, limits: Limits, now: Millis) -> tuple[Gauge, bool]:
    """The gauge after one more start, and whether that was one too many. It holds no more than `over`, so that what
    was too much is not counted for hours."""
    over = limits.over
    drain = over / limits.within
    level = max(gauge.level - max(now - gauge.at, 0) * drain, 0.0) + 1.0
    kept = level if level < over else float(over)
    half_at = now + int((kept - over / 2) / drain) if kept > over / 2 else gauge.half_at
    return Gauge(kept, now, half_at, gauge.storm), level > over


def is_calm(gauge: Gauge, limits: Limits, now: Millis) -> bool:
    """Whether there has been less than half for long enough."""
    return now >= gauge.half_at + limits.calm

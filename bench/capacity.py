"""What one daemon carries, by arithmetic: the work of a second, as a share of the one core that an interpreter has.

A model, and a plain one: every webhook, alert and message costs so much of the core, whatever else there is. Above
BUSY of it the queues before it grow long; what waits meanwhile is acknowledged late, and nothing is lost. Pure.
"""

from __future__ import annotations

import dataclasses
import math

BUSY = 0.7  # of a core; from there on waiting grows faster than load


@dataclasses.dataclass(frozen=True, slots=True)
class Costs:
    """Milliseconds of a core: of taking a webhook, of each alert in it, and of each message by the channel it leaves
    by. As the daemon's own process showed them, one webhook to a commit: many at once cost less each."""

    webhook: float = 1.3
    alert: float = 0.03
    slack: float = 1.6
    pagerduty: float = 1.35


@dataclasses.dataclass(frozen=True, slots=True)
class Load:
    """Of one second: webhooks, alerts in each, and messages to Slack and PagerDuty for each."""

    webhooks: float
    alerts: float = 10.0
    slack: float = 0.0
    pagerduty: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Estate:
    """Who is served. `repeats`: webhooks of a group that fires and changes nothing, an hour; `share` of all services
    have something firing, `starts` a day and service begin or end something, a tenth of it critical."""

    services: int
    alerts: float = 3.0
    share: float = 0.02
    repeats: float = 12.0
    starts: float = 0.5


def milliseconds(load: Load, costs: Costs) -> float:
    """What one webhook of this load costs."""
    return costs.webhook + costs.alert * load.alerts + costs.slack * load.slack + costs.pagerduty * load.pagerduty


def busy(load: Load, costs: Costs) -> float:
    """The share of a core."""
    return load.webhooks * milliseconds(load, costs) / 1000


def most(load: Load, costs: Costs) -> float:
    """Webhooks a second of this kind that one daemon carries."""
    return BUSY * 1000 / milliseconds(load, costs)


def everyday(estate: Estate) -> Load:
    """The load of an ordinary second."""
    repeated = estate.services * estate.share * estate.repeats / 3600
    begun = estate.services * estate.starts * 2 / 86_400
    webhooks = repeated + begun
    return Load(webhooks, estate.alerts, begun / webhooks, begun / 10 / webhooks)


def outage(estate: Estate, minutes: float, hit: float) -> Load:
    """The load of a second while a share of all services begins to burn within so many minutes, all of it critical."""
    return Load(estate.services * hit / (minutes * 60), estate.alerts, 1.0, 1.0)


def shards(load: Load, costs: Costs) -> int:
    """How many daemons that share no store carry it, split by tenant."""
    return max(math.ceil(busy(load, costs) / BUSY), 1)

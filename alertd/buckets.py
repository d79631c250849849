"""How fast messages may leave for one place: a bucket of tokens, one a message, that fills as time passes. Pure."""

from __future__ import annotations

import dataclasses
import math

from alertd.model import MINUTE, SECOND, Millis

# Where no rate is set and the vendor's limit is not known (PagerDuty's moves with the service), its own "too fast" sets
# one, from here on: half of this, and half of what was left at each further one. Doubled every minute that passes
# without one, the rate comes back to this after a few minutes, and is none again.
ASSUMED = 10.0  # messages a second
SLOWEST = 0.1
DOUBLES = MINUTE
GRAIN = 1e-6  # of a token, by which sums of fractions may be off


@dataclasses.dataclass(frozen=True, slots=True)
class Pace:
    """What a place is sent: at most `rate` messages a second (None: as fast as it takes them). With `adapts` it is
    slowed down by the vendor's "too fast"."""

    rate: float | None = None
    adapts: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Bucket:
    """`tokens` as they were at `at`; more than what one second brings (and one message at least) it does not hold.
    `slow` is the rate that a vendor's "too fast" left at `slowed_at`."""

    pace: Pace
    tokens: float
    at: Millis
    slow: float = ASSUMED
    slowed_at: Millis | None = None

    def rate(self, now: Millis) -> float | None:
        """Messages a second at this moment; None without a limit."""
        if self.slowed_at is None:
            return self.pace.rate
        grown: float = self.slow * 2.0 ** min(max(now - self.slowed_at, 0) / DOUBLES, 64)
        if self.pace.rate is not None:
            return min(grown, self.pace.rate)
        return grown if grown < ASSUMED else None


def full(pace: Pace, now: Millis) -> Bucket:
    """The bucket of a place that has been quiet."""
    return Bucket(pace, max(pace.rate or 0.0, 1.0), now)


def room(bucket: Bucket, now: Millis) -> int | None:
    """How many messages may leave now; None for any number."""
    filled = _filled(bucket, now)
    return None if filled.rate(now) is None else int(filled.tokens + GRAIN)


def take(bucket: Bucket, count: int, now: Millis) -> Bucket:
    """The bucket once so many left; a negative count gives tokens back that were not needed."""
    filled = _filled(bucket, now)
    return dataclasses.replace(filled, tokens=filled.tokens - count)


def ready_at(bucket: Bucket, now: Millis) -> Millis:
    """When the next message may leave."""
    filled = _filled(bucket, now)
    rate = filled.rate(now)
    missing = 1.0 - GRAIN - filled.tokens
    return now if rate is None or missing <= 0 else now + math.ceil(missing / rate * SECOND)


def slowed(bucket: Bucket, now: Millis) -> Bucket:
    """The bucket once the vendor said "too fast". What it says within a second is one answer: several messages were on
    their way together."""
    if not bucket.pace.adapts or (bucket.slowed_at is not None and 0 <= now - bucket.slowed_at < SECOND):
        return bucket
    rate = max((bucket.rate(now) or ASSUMED) / 2, SLOWEST)
    return dataclasses.replace(bucket, tokens=0.0, at=now, slow=rate, slowed_at=now)


def _filled(bucket: Bucket, now: Millis) -> Bucket:
    rate = bucket.rate(now)
    if rate is None:
        return dataclasses.replace(bucket, tokens=1.0, at=now)
    passed = max(now - bucket.at, 0) / SECOND  # a clock that was set back fills nothing
    return dataclasses.replace(bucket, tokens=min(bucket.tokens + rate * passed, max(rate, 1.0)), at=now)

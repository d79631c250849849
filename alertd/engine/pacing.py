"""When the next message may leave for a place: our own rate, and what its vendor asked for."""

from __future__ import annotations

from alertd import buckets
from alertd.buckets import Bucket, Pace
from alertd.channels import CONNECTIONS
from alertd.model import SECOND, Millis

# A place that fails as often in a row as attempts may be under way there at once is not asked more often than this:
# each attempt is a claim and a result in the store, which the places that are well wait for too. What is due meanwhile
# is claimed together.
TIRED = CONNECTIONS
REST = SECOND  # at a quarter of it the slowest hundredth of the others' messages took half as long again


class Pacer:
    """One for each place, whichever receivers lead there. Kept in memory: a process that begins owes a place no more
    than what one second brings; what a vendor asked for stands in the store and is told to `wait`."""

    def __init__(self) -> None:
        self._bucket: Bucket | None = None
        self._not_before: Millis = 0
        self._told_at: Millis = 0
        self._failures = 0  # in a row

    def free_at(self, pace: Pace, now: Millis) -> Millis:
        """The earliest time of the next message; `now` or earlier where one may leave."""
        return max(self._asked(now), buckets.ready_at(self._of(pace, now), now))

    def take(self, pace: Pace, most: int, now: Millis) -> int:
        """Up to `most` messages that leave now; how many."""
        if self._asked(now) > now:
            return 0
        bucket = self._of(pace, now)
        room = buckets.room(bucket, now)
        count = most if room is None else min(most, room)
        self._bucket = buckets.take(bucket, count, now)
        return count

    def room(self, pace: Pace, most: int, now: Millis) -> int:
        """How many `take` would allow. This changes nothing, so another thread than the event loop's may ask."""
        bucket = self._bucket
        if max(self._not_before, self._told_at) > now or bucket is None or bucket.pace != pace:
            return 0
        room = buckets.room(bucket, now)
        return most if room is None else min(most, room)

    def owe(self, pace: Pace, count: int, now: Millis) -> None:
        """So many leave, whatever may leave: there was room for them a moment ago."""
        self._bucket = buckets.take(self._of(pace, now), count, now)

    def give_back(self, count: int, now: Millis) -> None:
        """So many of those taken did not leave after all."""
        if self._bucket:
            self._bucket = buckets.take(self._bucket, -count, now)

    def wait(self, until: Millis, now: Millis) -> None:
        """Nothing leaves before this time."""
        self._not_before = max(self._asked(now), until)
        self._told_at = now

    def _asked(self, now: Millis) -> Millis:
        """Until when the vendor asked for a pause; as long as it was by a clock that was set back since."""
        if now < self._told_at:
            self._not_before, self._told_at = now + self._not_before - self._told_at, now
        return self._not_before

    def took(self) -> None:
        """A message was accepted there."""
        self._failures = 0

    def failed(self, now: Millis) -> None:
        """An attempt failed that may do better later, other than by a "too fast"."""
        self._failures += 1
        if self._failures >= TIRED:
            self.wait(now + REST, now)

    def slow_down(self, now: Millis) -> None:
        """The vendor said "too fast"."""
        if self._bucket:
            self._bucket = buckets.slowed(self._bucket, now)

    def _of(self, pace: Pace, now: Millis) -> Bucket:
        if self._bucket is None or self._bucket.pace != pace:  # the first time, and after a reload that changed it
            self._bucket = buckets.full(pace, now)
        return self._bucket

"""Rules and routes replayed on history: how often each alert would have fired, and who would have been told. Pure.

inlining (records that the server does not have) ▸ firing (`for`, `keep_firing_for`) ▸ telling (grouping, then the
daemon's own `incidents.decide`) ▸ report. What is read in between is the command's, in the pieces of `chunks`.
"""

from __future__ import annotations

from collections.abc import Iterator

from alertd.model import Millis

MOST_POINTS = 11_000  # of a series in one range query: https://github.com/prometheus/prometheus/issues/2253


def chunks(start: Millis, end: Millis, step: Millis) -> Iterator[tuple[Millis, Millis]]:
    """The times from `start` to `end`, both included, in pieces that a server answers, without a time twice."""
    while start <= end:
        last = min(end, start + (MOST_POINTS - 1) * step)
        yield start, last
        start = last + step

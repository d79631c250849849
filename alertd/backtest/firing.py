"""When an alert fires: Prometheus' `for` and `keep_firing_for` over the times at which its expression held.
https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from alertd.model import Labels, Millis


@dataclasses.dataclass(frozen=True, slots=True)
class Episode:
    """One alert from firing to resolved; `end` is None where it fired when the history ended."""

    labels: Labels
    start: Millis
    end: Millis | None


def episodes(labels: Labels, held: Iterable[Millis], step: Millis, until: Millis, lasting: Millis, keep: Millis
             ) -> list[Episode]:
    """`held` are the evaluations, rising by `step` or a multiple of it, at which the expression gave this series;
    `until` is the last evaluation.

    It fires from the first evaluation at which it has held for `lasting`, at every one in between, and ends at the
    first at which it has not held for `keep`.
    """
    found: list[Episode] = []
    since: Millis | None = None  # held without a hole since then
    start: Millis | None = None  # firing since then
    last: Millis | None = None
    for at in held:
        if last is not None and at > last + step:  # a hole; it may be over before this one
            end = _end(last, step, keep)
            if start is not None and end < at:
                found.append(Episode(labels, start, end))
                start = None
            since = None if start is None else since
        since = at if since is None else since
        if start is None and at - since >= lasting:
            start = at
        last = at
    if start is not None and last is not None:
        end = _end(last, step, keep)
        found.append(Episode(labels, start, end if end <= until else None))
    return found


def _end(last: Millis, step: Millis, keep: Millis) -> Millis:
    """The evaluation at which an alert ends that held last at `last`: the first without it, or the first that is
    `keep` after that one."""
    return last + step + -(-keep // step) * step

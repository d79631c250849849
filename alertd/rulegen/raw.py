"""An objective's rows from the raw series alone, in one query: for history that no rule recorded."""

from __future__ import annotations

from alertd.rulegen import differences, rows, slices
from alertd.rulegen.indicator import Composite, Sliced
from alertd.rulegen.rows import Tracked

PARTS = ("events", "bad")


def query(tracked: Tracked) -> str:
    """PromQL, evaluated at a mark: what the slot that ended DELAY before it held, by the labels of the objective and
    the label `part`, for every version of Prometheus. Where there are events and nothing bad, none of them was."""
    return "\nor\n".join(differences.part(_count(tracked, part), part) for part in PARTS)


def _count(tracked: Tracked, part: str) -> str:
    indicator = tracked.indicator
    if isinstance(indicator, Sliced):
        return slices.closed(indicator, part == "bad", tracked.by, False)
    whole = indicator if isinstance(indicator, Composite) else Composite((indicator,))
    return rows.counted(whole, part, differences.raw, tracked.by)

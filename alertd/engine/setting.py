"""The configuration in force: one value that a reload replaces as a whole."""

from __future__ import annotations

import dataclasses

from alertd.config.routing_file import RoutingFile
from alertd.model import Millis


@dataclasses.dataclass(slots=True)
class Current:
    """What everything in the engine asks. `problem` is why the newest file on disk is not the one in force,
    `own_problem` why alertd's own heartbeat does not go out."""

    file: RoutingFile
    read_at: Millis
    problem: str | None = None
    own_problem: str | None = None

"""Pyrra's ServiceLevelObjective. https://github.com/pyrra-dev/pyrra"""

from __future__ import annotations

from collections.abc import Iterator

from alertd.config import units
from alertd.config.rules_file import RESERVED_GROUPS
from alertd.config.rules_model import LABEL
from alertd.config.slo_import.taking import WINDOW, Part, Slo
from alertd.config.yaml import Key
from alertd.model import Millis


def read(parts: list[Part]) -> Iterator[Slo]:
    for part in parts:
        for key in ("apiVersion", "kind"):
            part.take(key)
        part.take("spec", "description")
        name = str(part.take("metadata", "name") or "")
        kinds = part.peek("spec", "indicator") or {}
        window = _window(part)
        target = part.target(("spec", "target"))
        if target is None or window is None:
            continue
        if part.peek("spec", "indicator", "ratio") is not None:
            at = ("spec", "indicator", "ratio")
            bad, good = part.take(*at, "errors", "metric"), ""
        elif part.peek("spec", "indicator", "latency") is not None:
            at = ("spec", "indicator", "latency")
            bad, good = "", part.take(*at, "success", "metric")
        else:
            part.refuse(("spec",), f"{name}: its indicator is {', '.join(kinds) or 'nothing'}, and only ratio and "
                                   "latency are read")
            continue
        events = str(part.take(*at, "total", "metric"))
        yield Slo("", name, target, window, events, str(bad), str(good), part, ("spec",), by=tuple(_by(part, at)))


def _by(part: Part, at: tuple[Key, ...]) -> Iterator[str]:
    """What cannot group alerts is left, and told."""
    for path in part.each(*at, "grouping"):
        if LABEL.fullmatch(label := str(part.peek(*path))) and label not in RESERVED_GROUPS:
            part.take(*path)
            yield label


def _window(part: Part) -> Millis | None:
    given = part.take("spec", "window")
    try:
        return WINDOW if given is None else units.duration(given)
    except ValueError as error:
        part.refuse(("spec", "window"), str(error))
        return None

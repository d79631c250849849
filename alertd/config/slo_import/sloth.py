"""Sloth v1, as a file and as a Kubernetes object. https://sloth.dev/specs/default/"""

from __future__ import annotations

from collections.abc import Iterator

from alertd.config.slo_import.taking import WINDOW, Part, Path, Slo


def read(parts: list[Part]) -> Iterator[Slo]:
    for part in parts:
        for key in ("version", "apiVersion", "kind", "metadata"):
            part.take(key)
        at: Path = ("spec",) if part.peek("spec") is not None else ()
        service = str(part.take(*at, "service") or "")
        for path in part.each(*at, "slos"):
            if slo := _slo(part, service, path):
                yield slo


def _slo(part: Part, service: str, at: Path) -> Slo | None:
    name = str(part.take(*at, "name") or "")
    part.take(*at, "description")
    if part.peek(*at, "sli", "events") is None:
        how = ", ".join(part.peek(*at, "sli") or {}) or "nothing"
        part.refuse(at, f"{service} {name}: its indicator is {how}, and only events are read")
        return None
    target = part.target((*at, "objective"))
    bad = part.take(*at, "sli", "events", "error_query") or part.take(*at, "sli", "events", "errorQuery")
    events = part.take(*at, "sli", "events", "total_query") or part.take(*at, "sli", "events", "totalQuery")
    return Slo(service, name, target, WINDOW, str(events), str(bad), "", part, at) if target else None

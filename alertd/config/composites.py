"""Objectives made of others: the names that `of:` gives become the objectives themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from alertd.config.yaml import Document, did_you_mean
from alertd.errors import Finding
from alertd.rulegen.declared import Objective, Part, Service

Key = tuple[str, str]  # a service and one of its SLOs


@dataclasses.dataclass(frozen=True, slots=True)
class Named:
    """The parts of one objective as they are written, and where."""

    document: Document
    path: tuple[str, ...]
    parts: Sequence[str]


def resolved(services: Iterable[Service], named: Mapping[Key, Named], declared: Iterable[Key]
             ) -> tuple[list[Service], list[Finding]]:
    """The services with the parts of their objectives. `declared` are all SLOs of all files: of one that has a fault of
    its own nothing more is said."""
    known, findings = frozenset(declared), list[Finding]()
    parts = {(service.name, objective.name): Part(service, objective)
             for service in services for objective in service.objectives}

    def made(service: Service, objective: Objective) -> Objective:
        its = named.get((service.name, objective.name))
        if its is None:
            return objective
        found: list[Part] = []
        for at, text in enumerate(its.parts):
            key = _key(service.name, text)
            if fault := _fault(service, objective, key, parts, named, known, [part.called for part in found]):
                findings.append(its.document.finding((*its.path, at), *fault, id="part"))
            elif key in parts:
                found.append(parts[key])
        return dataclasses.replace(objective, parts=tuple(found))

    return [dataclasses.replace(service, objectives=tuple(made(service, objective) for objective in service.objectives))
            for service in services], findings


def _key(service: str, text: str) -> Key:
    """`SLO` of the same service, or `SERVICE/SLO`."""
    first, slash, second = text.partition("/")
    return (first, second) if slash else (service, first)


def _fault(service: Service, objective: Objective, key: Key, parts: Mapping[Key, Part], named: Mapping[Key, Named],
           known: frozenset[Key], found: Sequence[str]) -> tuple[str, str] | None:
    """What is wrong with this part and what to do, None for nothing."""
    called = "/".join(key)
    if key not in known:
        near = did_you_mean(called, sorted("/".join(each) for each in known - {(service.name, objective.name)}))
        return f"there is no SLO {called!r}", near
    if key == (service.name, objective.name):
        return f"{objective.name!r} cannot be a part of itself", "name others"
    if " ".join(key) in found:
        return f"{called!r} is named twice, and its events would count twice", "keep one"
    if key in named:
        return f"{called!r} is made of others itself", "name its parts here"
    if key in parts and parts[key].objective.slices:
        return f"{called!r} counts slices of time, which cannot be added to events", "leave it out"
    return None

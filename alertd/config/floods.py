"""The `flapping:` and `storm:` of routing.yaml: what comes and goes too often to be told each time, and how many starts
are more than people can read."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import pydantic

from alertd.config import units
from alertd.config.yaml import Document, validate
from alertd.errors import Finding
from alertd.flapping import MOST, Limits
from alertd.model import DAY, Millis
from alertd.storm import Limits as Storms

USUAL = Limits()
STORM = Storms()
OFF = ("off", False)  # YAML 1.1 reads a plain off as false

Section = TypeVar("Section", bound=pydantic.BaseModel)


def _length(value: object) -> Millis:
    millis = units.duration(value)
    if not 0 < millis <= DAY:
        raise ValueError("must be longer than nothing and at most a day; write a duration such as 30m")
    return millis


_Length = Annotated[Millis, pydantic.PlainValidator(_length)]


class FlappingSection(pydantic.BaseModel):
    """What `flapping:` may hold; what is not written is as in Limits."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    changes: Annotated[pydantic.StrictInt, pydantic.Field(ge=3, le=MOST)] = USUAL.changes
    within: _Length = USUAL.within
    quiet: _Length = USUAL.quiet


class StormSection(pydantic.BaseModel):
    """What `storm:` may hold; what is not written is as in alertd.storm.Limits."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    over: Annotated[pydantic.StrictInt, pydantic.Field(ge=2, le=10_000)] = STORM.over
    within: _Length = STORM.within
    calm: _Length = STORM.calm
    summary: _Length = STORM.summary


def storm(document: Document) -> tuple[Storms | None, list[Finding]]:
    """The limits (None: off) and every fault of the section."""
    section, findings = _section(document, "storm", StormSection, "{over: 20, within: 2m, calm: 5m, summary: 15m}")
    return Storms(section.over, section.within, section.calm, section.summary) if section else None, findings


def flapping(document: Document) -> tuple[Limits | None, list[Finding]]:
    """The limits (None: off) and every fault of the section."""
    section, findings = _section(document, "flapping", FlappingSection, "{changes: 6, within: 30m, quiet: 15m}")
    return Limits(section.changes, section.within, section.quiet) if section else None, findings


def _section(document: Document, name: str, kind: type[Section], example: str) -> tuple[Section | None, list[Finding]]:
    """The section as it is written, or as it is where nothing is written; None where it is off or faulty."""
    data: Any = document.data.get(name)
    if data in OFF:
        return None, []
    if data is not None and not isinstance(data, dict):
        return None, [document.finding((name,), "must be a section of figures, or off", f"write {example} or off",
                                       id="invalid-value")]
    return validate(document, kind, data or {}, (name,))

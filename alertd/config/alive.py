"""The `heartbeat_out` section of routing.yaml: where alertd says that it works."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic

from alertd.config import secret, units
from alertd.config.secret import Secret
from alertd.config.yaml import Document, validate
from alertd.errors import Finding
from alertd.model import MINUTE, SECOND, Millis

KEY = "heartbeat_out"
SHORTEST = 10 * SECOND  # an alert on its way is given so long


@dataclasses.dataclass(frozen=True, slots=True)
class Beat:
    """How often, and where to."""

    address: Secret
    every: Millis
    method: str


def _every(value: object) -> Millis:
    length = units.duration(str(value))
    if length < SHORTEST:
        raise ValueError(f"must be {SHORTEST // SECOND}s or more: an alert has to travel the whole chain in it")
    return length


class BeatSection(pydantic.BaseModel):
    """What `heartbeat_out:` is written as."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    url: Secret | None = None
    url_file: str | None = None
    every: Annotated[Millis, pydantic.BeforeValidator(_every)] = MINUTE
    method: Literal["GET", "POST"] = "GET"

    @pydantic.model_validator(mode="after")
    def _has_address(self) -> BeatSection:
        if (self.url or self.url_file) is None:
            raise ValueError("needs url or url_file")
        if self.url and not self.url.reveal().startswith(("https://", "http://")):
            raise ValueError("url must be an address; write https://…")
        return self


def read(document: Document, folder: Path, *, read_secrets: bool) -> tuple[Beat | None, list[Finding]]:
    """The section, None where there is none or its address was not read, and its faults."""
    data: Any = document.data.get(KEY)
    if data is None:
        return None, []
    if not isinstance(data, dict):
        return None, [document.finding((KEY,), "must be a section of keys", "write {url_file: …, every: 1m}",
                                       id="invalid-value")]
    known, faults = secret.resolve(BeatSection, data, folder, read=read_secrets)
    findings = [document.finding((KEY, *fault.path), fault.what, fault.fix, key=True, id=fault.id, level=fault.level)
                for fault in faults]
    section, wrong = validate(document, BeatSection, known, (KEY,))
    if section is None or section.url is None:
        return None, [*findings, *wrong]
    return Beat(section.url, section.every, section.method), [*findings, *wrong]

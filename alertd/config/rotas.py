"""The `people:` and `rotas:` of routing.yaml: who can be on call, how each is reached, and whose turn it is when."""

from __future__ import annotations

import dataclasses
import datetime
import email.utils
import functools
import re
import zoneinfo
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pydantic

from alertd.config import secret
from alertd.config.secret import Secret
from alertd.config.yaml import Document, Key, did_you_mean, validate
from alertd.errors import Finding
from alertd.rotas import FIRST_MONDAY, Handover, Hours, Rota, StandIn, parse_handover, parse_hours

# The channels by which a person can be reached alone, each with the key of its settings that takes the address.
PERSONAL = {"email": "to", "slack": "channel"}

_MEMBER = re.compile(r"[UW][A-Z0-9]{6,}")  # https://docs.slack.dev/reference/objects/user-object


@dataclasses.dataclass(slots=True)
class Read:
    """What the two sections say: each person's address by channel, and the rotas; faults included."""

    people: dict[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    rotas: dict[str, Rota] = dataclasses.field(default_factory=dict)
    calendars: dict[str, Calendar] = dataclasses.field(default_factory=dict)
    findings: list[Finding] = dataclasses.field(default_factory=list)


def _mail(text: str) -> str:
    user, at, place = email.utils.parseaddr(text)[1].rpartition("@")
    if not (user and at and place) or not text.isprintable() or " " in text.strip():
        raise ValueError("must be a mail address, such as alice@example.com")
    return text


def _member(text: str) -> str:
    if not _MEMBER.fullmatch(text):
        raise ValueError("must be a Slack member id; write U012ABCDEF as a profile's Copy member ID gives it")
    return text


def _written(parse: Any) -> pydantic.PlainValidator:
    """Reads a text with `parse`; pydantic alone would call a ValueError's text by its own words."""
    @functools.wraps(parse)
    def read(value: object) -> Any:
        if not isinstance(value, str):
            raise ValueError("must be text; put it in quotes")
        return parse(value)

    return pydantic.PlainValidator(read)


def _date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("must be a date; write it as 2026-11-23") from error


def _moment(text: str) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("must be a date and time; write it as 2026-12-24T09:00, in the rota's time zone") from error


def _hours(value: object) -> tuple[Hours, ...]:
    parts = value if isinstance(value, list) else [value]
    if not parts or not all(isinstance(part, str) for part in parts):
        raise ValueError("must be hours; write MON-FRI 09:00-17:00, or a list of such")
    return tuple(parse_hours(str(part)) for part in parts)


def zone(value: object) -> zoneinfo.ZoneInfo:
    """A zone of the IANA database; ValueError names the nearest."""
    try:
        return zoneinfo.ZoneInfo(str(value))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: the name of a folder
        hint = did_you_mean(str(value), zoneinfo.available_timezones())
        fix = hint if hint.startswith("did") else "name one such as Europe/Berlin"
        raise ValueError(f"{value!r} is no time zone; {fix}") from error


class _Section(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class Person(_Section):
    """How a person is reached; the keys are names of channels."""

    email: Annotated[pydantic.StrictStr, pydantic.AfterValidator(_mail)] | None = None
    slack: Annotated[pydantic.StrictStr, pydantic.AfterValidator(_member)] | None = None


class _StandIn(_Section):
    from_: Annotated[datetime.datetime, _written(_moment)] = pydantic.Field(alias="from")
    to: Annotated[datetime.datetime, _written(_moment)]
    person: pydantic.StrictStr


class Calendar(_Section):
    """Where a rota's calendar is: `url` (most hold a secret, so it may be in a file), or a file beside routing.yaml."""

    url: Secret | None = None
    url_file: str | None = None
    file: str | None = None

    @pydantic.model_validator(mode="after")
    def _one(self) -> Calendar:
        if (self.url or self.url_file) is None and self.file is None:
            raise ValueError("a calendar needs url, url_file or file")
        if self.file is not None and (self.url or self.url_file) is not None:
            raise ValueError("a calendar is at one place; keep url or file")
        if self.url and not self.url.reveal().startswith(("https://", "http://")):
            raise ValueError("must be an address; write https://…")
        return self


class RotaSection(_Section):
    """What a rota is written as."""

    people: list[pydantic.StrictStr] = pydantic.Field(min_length=1)
    handover: Annotated[Handover, _written(parse_handover)]
    timezone: Annotated[zoneinfo.ZoneInfo, pydantic.PlainValidator(zone)] = zoneinfo.ZoneInfo("UTC")
    start: Annotated[datetime.date, _written(_date)] = FIRST_MONDAY
    hours: Annotated[tuple[Hours, ...], pydantic.PlainValidator(_hours)] = ()
    overrides: list[_StandIn] = []
    ical: Calendar | None = None


def read(document: Document, folder: Path, *, read_secrets: bool) -> Read:
    """Everybody and every rota of the file that can be read, and every fault. Files are relative to `folder`."""
    found = Read()
    for name, data in _section(document, "people", found).items():
        person, wrong = validate(document, Person, data or {}, ("people", name))
        found.findings += wrong
        found.people[name] = person.model_dump(exclude_none=True) if person else {}
        if person and not found.people[name]:
            found.findings.append(document.finding(
                ("people", name), f"{name!r} has no address, so could not be told of anything",
                f"give one of {', '.join(PERSONAL)}", key=True, id="no-address"))
    for name, data in _section(document, "rotas", found).items():
        path = ("rotas", name)
        known, faults = secret.resolve(RotaSection, data if isinstance(data, dict) else {}, folder, read=read_secrets)
        found.findings += [document.finding((*path, *fault.path), fault.what, fault.fix, key=True, id=fault.id,
                                            level=fault.level) for fault in faults]
        section, wrong = validate(document, RotaSection, known, path)
        found.findings += wrong
        found.findings += _unknown(document, path, data, found.people)
        if section:
            found.rotas[name] = _rota(document, name, section, found)
            found.calendars |= {name: section.ical} if section.ical else {}
    return found


def _section(document: Document, name: str, found: Read) -> dict[str, Any]:
    data = document.data.get(name)
    if data is not None and not isinstance(data, dict):
        found.findings.append(document.finding((name,), "must be a section of keys", "write `name: …` lines below it",
                                               id="invalid-value"))
    return data if isinstance(data, dict) else {}


def _unknown(document: Document, path: tuple[Key, ...], data: Any, people: Mapping[str, Any]) -> list[Finding]:
    """The names in a rota that `people:` does not have, each at its place."""
    if not isinstance(data, dict):
        return []
    turns, stand_ins = data.get("people"), data.get("overrides")
    named = [((*path, "people", at), name) for at, name in enumerate(turns if isinstance(turns, list) else ())]
    named += [((*path, "overrides", at, "person"), one.get("person"))
              for at, one in enumerate(stand_ins if isinstance(stand_ins, list) else ()) if isinstance(one, dict)]
    return [document.finding(place, f"unknown person {name!r}", did_you_mean(name, people) if people else
                             "name them with an address under people:", id="unknown-person")
            for place, name in named if isinstance(name, str) and name not in people]


def _rota(document: Document, name: str, section: RotaSection, found: Read) -> Rota:
    stand_ins = []
    for index, one in enumerate(section.overrides):
        starts, ends = (round((moment if moment.tzinfo else moment.replace(tzinfo=section.timezone)).timestamp() * 1000)
                        for moment in (one.from_, one.to))
        if starts >= ends:
            found.findings.append(document.finding(("rotas", name, "overrides", index, "to"), "is no later than `from`",
                                                   "put the earlier time first", id="invalid-value"))
        stand_ins.append(StandIn(starts, ends, one.person))
    return Rota(name, tuple(section.people), section.handover, section.timezone, section.start, section.hours,
                tuple(stand_ins), document.line(("rotas", name)))

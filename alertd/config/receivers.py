"""The `receivers:` of routing.yaml: each with its channels' settings, the defaults merged below its own."""

from __future__ import annotations

import dataclasses
import datetime
import re
import zoneinfo
from collections import ChainMap
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, cast

import pydantic

from alertd.config import rotas as rotas_section
from alertd.config import secret, units
from alertd.config.rotas import PERSONAL, zone
from alertd.config.yaml import Document, Key, did_you_mean, validate
from alertd.digest.due import Every
from alertd.errors import Finding
from alertd.model import MINUTE, Millis, Outlet
from alertd.routing import LATE, Receiver

_Places = Mapping[tuple[Key, ...], tuple[int, int]]

DIGEST = "digest"  # the channel of the outlet that collects what is told once a day


class ChannelSettings(Protocol):
    """What a channel's Settings offers (alertd.channels.Settings, which stands above this layer)."""

    def targets(self) -> tuple[str, ...]: ...
    def endpoint(self) -> str: ...
    def rate_limit(self) -> float | None: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Digest:
    """A receiver's daily summary: at which time of day, in which zone, and the outlets it leaves by. `settings`
    are by channel, apart from the receiver's own: a digest may go to another Slack channel than its pages. `every` day
    or week."""

    receiver: str
    at: datetime.time
    timezone: zoneinfo.ZoneInfo
    outlets: tuple[Outlet, ...]
    settings: Mapping[str, ChannelSettings]
    line: int = 0
    every: Every = Every.DAY


@dataclasses.dataclass(slots=True)
class Read:
    """What reading the receivers gave, faults included."""

    receivers: dict[str, Receiver] = dataclasses.field(default_factory=dict)
    settings: dict[tuple[str, str], ChannelSettings] = dataclasses.field(default_factory=dict)
    digests: dict[str, Digest] = dataclasses.field(default_factory=dict)
    findings: list[Finding] = dataclasses.field(default_factory=list)


def _hold(value: object) -> Millis:
    """Minutes as a number, or a duration."""
    if isinstance(value, str):
        return units.duration(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ValueError("must be a duration such as 2m, or a number of minutes")
    return round(value * MINUTE)


def _time_of_day(value: object) -> datetime.time:
    if not isinstance(value, str) or not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", value, re.ASCII):
        raise ValueError('must be a time of day; write it as "08:00"')
    hour, _, minute = value.partition(":")
    return datetime.time(int(hour), int(minute))


def _rotas(value: object) -> tuple[str, ...]:
    """The rotas that "day + night", [day, night] or a plain name mean."""
    parts = value if isinstance(value, list) else str(value).split("+") if isinstance(value, str) else []
    names = [part.strip() for part in parts if isinstance(part, str) and part.strip()]
    if not names or len(names) < len(parts):
        raise ValueError('must name a rota; write a name, "a + b" or [a, b]')
    return tuple(dict.fromkeys(names))


class _Section(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class ReceiverSection(_Section):
    """What a receiver may hold beside its channels and its digest."""

    style: Literal["responder", "management"] = "responder"
    hold: Annotated[Millis, pydantic.BeforeValidator(_hold)] = 0
    fallback: pydantic.StrictStr | None = None
    late: Annotated[Millis, pydantic.BeforeValidator(_hold)] = LATE
    escalates: Literal["alertd", "pagerduty"] = "alertd"
    rota: Annotated[tuple[str, ...], pydantic.PlainValidator(_rotas)] = ()


def _every(value: object) -> Every:
    text = str(value).lower()
    if text not in set(Every):
        raise ValueError(f"must be one of {', '.join(Every)}")
    return Every(text)


class DigestSection(_Section):
    """What a digest may hold beside its channels."""

    at: Annotated[datetime.time, pydantic.PlainValidator(_time_of_day)]
    timezone: Annotated[zoneinfo.ZoneInfo, pydantic.PlainValidator(zone)] = zoneinfo.ZoneInfo("UTC")
    every: Annotated[Every, pydantic.PlainValidator(_every)] = Every.DAY


def read(document: Document, channels: Mapping[str, type[Any]], folder: Path, *, read_secrets: bool,
         on_call: rotas_section.Read | None = None) -> Read:
    """Every receiver of the file that can be read, and every fault of those that cannot. `channels` are the
    Settings classes by name; secret files are relative to `folder`; `on_call` are the file's people and rotas."""
    reader = _Reader(document, channels, folder, read_secrets, on_call or rotas_section.Read())
    reader.read_all()
    return reader.found


class _Reader:
    def __init__(self, document: Document, channels: Mapping[str, type[Any]], folder: Path, read_secrets: bool,
                 on_call: rotas_section.Read):
        self.document, self.channels, self.folder, self.read_secrets = document, channels, folder, read_secrets
        self.on_call = on_call
        self.found = Read()
        self.defaults = self._defaults()
        self.default_values = {at: place for at, place in document.values.items() if at[:1] == ("defaults",)}
        self.default_keys = {at: place for at, place in document.keys.items() if at[:1] == ("defaults",)}

    def wrong(self, path: tuple[Key, ...], what: str, fix: str = "", *, key: bool = False, id: str = "invalid-value",
              level: str = "error") -> None:
        self.found.findings.append(self.document.finding(path, what, fix, key=key, id=id, level=level))

    def section(self, path: tuple[Key, ...], data: Any) -> dict[str, Any]:
        """`data` as a section; nothing written means an empty one."""
        if data is None or isinstance(data, dict):
            return data or {}
        self.wrong(path, "must be a section of keys", "write `key: value` lines below it")
        return {}

    def _defaults(self) -> dict[str, dict[str, Any]]:
        """The known keys of known channels in `defaults:`. They are checked here, since no receiver may use them."""
        found = {}
        for channel, data in self.section(("defaults",), self.document.data.get("defaults")).items():
            path = ("defaults", channel)
            if channel not in self.channels:
                self.wrong(path, f"unknown channel {channel!r}", did_you_mean(channel, self.channels), key=True,
                           id="unknown-key")
                continue
            fields = self.channels[channel].model_fields
            known = {field.alias or name for name, field in fields.items()}
            section = self.section(path, data)
            for key in section.keys() - known:
                self.wrong((*path, key), f"unknown key {key!r}", did_you_mean(key, known), key=True, id="unknown-key")
            found[channel] = {key: value for key, value in section.items() if key in known}
        return found

    def read_all(self) -> None:
        everyone = self.section(("receivers",), self.document.data.get("receivers"))
        if not everyone:
            self.wrong(("receivers",), "no receiver is given", "name at least one under receivers:", key=True,
                       id="missing-key")
        for name, data in everyone.items():
            path = ("receivers", name)
            if "+" in name or not name.strip() or name != name.strip():
                self.wrong(path, f"{name!r} is no name for a receiver", "leave out + and outer spaces", key=True)
            self.receiver(name, self.section(path, data))

    def receiver(self, name: str, data: dict[str, Any]) -> None:
        path = ("receivers", name)
        own_keys = set(ReceiverSection.model_fields) | {DIGEST}
        unknown = data.keys() - own_keys - self.channels.keys()
        for key in unknown:
            self.wrong((*path, key), f"unknown channel or key {key!r}",
                       did_you_mean(key, own_keys | self.channels.keys()), key=True, id="unknown-key")
        mine = {key: data[key] for key in ReceiverSection.model_fields if key in data}
        settled = self.valid(ReceiverSection, mine, path)
        outlets: list[Outlet] = []
        for channel, settings in self.each_channel(data, path).items():
            self.found.settings[name, channel] = settings
            outlets += [Outlet(name, channel, target) for target in settings.targets()]
        settled = settled or ReceiverSection()
        people = self.personal(name, data, settled.rota) if settled.rota else {}
        outlets += [outlet for theirs in people.values() for outlet in theirs if outlet not in outlets]
        if DIGEST in data:
            self.digest(name, self.section((*path, DIGEST), data[DIGEST]))
            outlets.append(Outlet(name, DIGEST, ""))
        if not unknown and not data.keys() & (self.channels.keys() | {DIGEST, "rota"}):
            self.wrong(path, f"receiver {name!r} has no channel, so nobody would be told",
                       f"give it one of {', '.join(sorted({*self.channels, DIGEST}))}", key=True, id="no-channel")
        self.found.receivers[name] = Receiver(name, tuple(outlets), settled.style, settled.hold, settled.fallback,
                                              self.document.line(path), settled.escalates == "pagerduty",
                                              settled.rota, people, settled.late)
        if "late" in data and settled.fallback is None:
            self.wrong((*path, "late"), "there is no fallback to tell what is late", "name one: `fallback: other`",
                       key=True, id="no-fallback", level="remark")

    def personal(self, name: str, data: dict[str, Any], rotas: tuple[str, ...]) -> dict[str, tuple[Outlet, ...]]:
        """Everybody's own outlets at a receiver with rotas, by person: also of those who have no turn, since they may
        stand in. The channels' settings are the receiver's where it has such a section, else the defaults."""
        path = ("receivers", name)
        found: dict[str, tuple[Outlet, ...]] = dict.fromkeys(self.on_call.people, ())
        for channel, key in PERSONAL.items():
            addresses = {person: ways[channel] for person, ways in self.on_call.people.items() if channel in ways}
            if not addresses or channel not in self.channels or not (channel in data or channel in self.defaults):
                continue
            if (name, channel) not in self.found.settings:
                anybody = list(addresses.values()) if key == "to" else next(iter(addresses.values()))
                own = self.section((*path, channel), data.get(channel))
                settings = self.channel(channel, {**own, key: anybody}, (*path, channel))
                if settings is None:
                    continue
                self.found.settings[name, channel] = settings
            for person, address in addresses.items():
                found[person] += (Outlet(name, channel, address),)
        self.reach_everybody(path, rotas, found)
        return found

    def reach_everybody(self, path: tuple[Key, ...], names: tuple[str, ...],
                        people: Mapping[str, tuple[Outlet, ...]]) -> None:
        known = self.section(("rotas",), self.document.data.get("rotas"))
        for name in names:
            if name not in known:
                self.wrong((*path, "rota"), f"unknown rota {name!r}", did_you_mean(name, known) if known else
                           "describe it under rotas:", id="unknown-rota")
            rota = self.on_call.rotas.get(name)
            for person in dict.fromkeys(rota.people) if rota else ():
                if self.on_call.people.get(person) and not people.get(person):
                    ways = " and ".join(self.on_call.people[person])
                    self.wrong((*path, "rota"), f"{person!r} of rota {name!r} could not be told",
                               f"give the settings for {ways} in defaults: or here", id="no-address")

    def digest(self, name: str, data: dict[str, Any]) -> None:
        path = ("receivers", name, DIGEST)
        unknown = data.keys() - DigestSection.model_fields - self.channels.keys()
        for key in unknown:
            self.wrong((*path, key), f"unknown channel or key {key!r}",
                       did_you_mean(key, {*DigestSection.model_fields, *self.channels}), key=True, id="unknown-key")
        settled = self.valid(DigestSection, {key: data[key] for key in DigestSection.model_fields if key in data}, path)
        settings = self.each_channel(data, path)
        if not data.keys() & self.channels.keys() and not unknown:
            self.wrong(path, f"the digest of {name!r} has no channel, so nobody would get it",
                       f"give it one of {', '.join(sorted(self.channels))}", key=True, id="no-channel")
        if settled:
            outlets = [Outlet(name, channel, target) for channel, one in settings.items() for target in one.targets()]
            self.found.digests[name] = Digest(name, settled.at, settled.timezone, tuple(outlets), settings,
                                              self.document.line(path), settled.every)

    def each_channel(self, data: dict[str, Any], path: tuple[Key, ...]) -> dict[str, ChannelSettings]:
        """The settings of every channel section in `data`, in the order of the file, faulty ones left out."""
        found = {}
        for channel in (key for key in data if key in self.channels and not self.for_people(data, key)):
            settings = self.channel(channel, self.section((*path, channel), data[channel]), (*path, channel))
            if settings is not None:
                found[channel] = settings
        return found

    def for_people(self, data: dict[str, Any], channel: str) -> bool:
        """Whether this section of a receiver with a rota names no address of its own: it is for who is on call."""
        key = PERSONAL.get(channel)
        own = data.get(channel)
        return ("rota" in data and key is not None and key not in self.defaults.get(channel, {})
                and (own is None or (isinstance(own, dict) and key not in own)))

    def channel(self, channel: str, own: dict[str, Any], path: tuple[Key, ...]) -> ChannelSettings | None:
        kind = self.channels[channel]
        places = self.with_defaults(path, channel, own)
        merged = secret.merge(kind, self.defaults.get(channel, {}), own)
        merged, faults = secret.resolve(kind, merged, self.folder, read=self.read_secrets)
        self.found.findings += [places.finding((*path, *fault.path), fault.what, fault.fix, key=True, id=fault.id,
                                               level=fault.level) for fault in faults]
        settings, findings = validate(places, kind, merged, path)
        self.found.findings += findings
        return cast(ChannelSettings | None, settings)

    def valid(self, model: type[Any], data: dict[str, Any], path: tuple[Key, ...]) -> Any:
        settled, findings = validate(self.document, model, data, path)
        self.found.findings += findings
        return settled

    def with_defaults(self, path: tuple[Key, ...], channel: str, own: Mapping[str, Any]) -> Document:
        """The document in which the keys that a section takes from the defaults have their place there, so that a
        fault in the defaults is shown where a person mends it."""

        def moved(defaults: _Places, places: _Places) -> _Places:
            extra = {(*path, *at[2:]): place for at, place in defaults.items()
                     if len(at) > 2 and at[1] == channel and at[2] not in own}
            return ChainMap(extra, cast("dict[tuple[Key, ...], tuple[int, int]]", places))

        return dataclasses.replace(self.document, values=moved(self.default_values, self.document.values),
                                   keys=moved(self.default_keys, self.document.keys))

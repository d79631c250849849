"""The `access:` of routing.yaml: keys of programs, and the roles of people.

Passwords and certificates stand in the file of `--web.config.file`, which Prometheus and Alertmanager read too; what
they have no word for, roles and keys, stands here.
"""

from __future__ import annotations

import datetime
import ipaddress
from typing import Annotated

import pydantic

from alertd.access import Access, Grant, Key, Network, Proxy, Role
from alertd.config.yaml import Document, validate
from alertd.errors import Finding
from alertd.model import Millis

_FORBID = pydantic.ConfigDict(extra="forbid", frozen=True)


def _role(value: object) -> Role:
    try:
        return Role(str(value))
    except ValueError as error:
        raise ValueError(f"must be a role; known are {', '.join(Role)}") from error


def _hash(value: object) -> str:
    text = str(value).lower()
    if len(text) != 64 or not set(text) <= set("0123456789abcdef"):
        raise ValueError("must be 64 hex digits; `alertd access key NAME` makes a key and prints this line")
    return text


def _until(value: object) -> Millis:
    try:
        moment = datetime.datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ValueError("must be a date; write it as 2027-01-31 or 2027-01-31T12:00:00+01:00") from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp() * 1000)


def _network(value: object) -> Network:
    try:
        return ipaddress.ip_network(str(value))
    except ValueError as error:
        raise ValueError("must be an address or a network; write it as 10.0.0.0/8") from error


_Role = Annotated[Role, pydantic.PlainValidator(_role)]


class GrantSection(pydantic.BaseModel):
    """What somebody may do: a role, for all alerts or those of some teams."""

    model_config = _FORBID

    role: _Role
    teams: list[pydantic.StrictStr] | None = None

    def grant(self) -> Grant:
        return Grant(self.role, frozenset(self.teams) if self.teams is not None else None)


class KeySection(GrantSection):
    """A key and what it may do."""

    name: pydantic.StrictStr = pydantic.Field(min_length=1)
    sha256: Annotated[str, pydantic.PlainValidator(_hash)]
    expires: Annotated[Millis, pydantic.PlainValidator(_until)] | None = None


class ProxySection(pydantic.BaseModel):
    """A proxy that asks people who they are."""

    model_config = _FORBID

    from_: list[Annotated[Network, pydantic.PlainValidator(_network)]] = pydantic.Field(alias="from", min_length=1)
    user_header: pydantic.StrictStr = "X-Forwarded-User"
    groups_header: pydantic.StrictStr = "X-Forwarded-Groups"


class AccessSection(pydantic.BaseModel):
    """The whole section."""

    model_config = _FORBID

    keys: list[KeySection] = []
    users: dict[str, GrantSection] = {}
    groups: dict[str, GrantSection] = {}
    proxy: ProxySection | None = None


def read(document: Document) -> tuple[Access, list[Finding]]:
    """Who was granted what, and every fault of the section."""
    data = document.data.get("access")
    if data is None:
        return Access(), []
    section, findings = validate(document, AccessSection, data, ("access",))
    if section is None:
        return Access(), findings
    seen: dict[str, int] = {}
    for index, key in enumerate(section.keys):
        if key.sha256 in seen:
            findings.append(document.finding(("access", "keys", index), "this key is given twice",
                                             f"it is also number {seen[key.sha256] + 1} of the list",
                                             id="duplicate-key"))
        seen.setdefault(key.sha256, index)
    if section.groups and section.proxy is None:
        findings.append(document.finding(("access", "groups"), "only a proxy tells groups",
                                         "name it: `proxy: {from: […]}`", id="invalid-value"))
    proxy = section.proxy
    return Access(tuple(Key(key.name, key.sha256, key.grant(), key.expires) for key in section.keys),
                  {name: user.grant() for name, user in section.users.items()},
                  {name: group.grant() for name, group in section.groups.items()},
                  Proxy(tuple(proxy.from_), proxy.user_header, proxy.groups_header) if proxy else None), findings

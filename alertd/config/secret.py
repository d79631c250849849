"""Secrets: values that nothing prints, and their `_file` twins.

A channel's Settings declares `token: Secret | None = None` and beside it `token_file: str | None = None`.
`resolve` reads the file before the Settings are built, so that they only ever see `token`.
"""

from __future__ import annotations

import base64
import dataclasses
import hmac
import typing
import urllib.parse
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pydantic
from pydantic_core import core_schema

HIDDEN = "<secret>"
SHORTEST = 6  # characters of a secret that is looked for; a shorter one is no secret, and in many words
MOST_BYTES = 64 * 1024  # no key, token or password comes near; a log file named by mistake is refused


class Secret:
    """A text that shows itself only to `reveal`. It refuses to be pickled, so that no cache or crash dump holds it."""

    __slots__ = ("__weakref__", "_text", "forms")

    def __init__(self, text: str) -> None:
        self._text = text
        self.forms = _forms(text)  # in which a vendor may repeat it
        _alive.add(self)

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __format__(self, form: str) -> str:
        return format(HIDDEN, form)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: typing.SupportsIndex) -> NoReturn:
        raise TypeError("a secret is not pickled")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: pydantic.GetCoreSchemaHandler
                                     ) -> core_schema.CoreSchema:
        shown = core_schema.plain_serializer_function_ser_schema(lambda _: HIDDEN)
        return core_schema.no_info_plain_validator_function(_secret, serialization=shown)


_alive: weakref.WeakSet[Secret] = weakref.WeakSet()


def hide(text: str) -> str:
    """`text` without any secret that this process knows: vendors repeat what they were told, and libraries put it into
    their errors. Also where a cut left only the beginning of one at the end."""
    for one in list(_alive):
        for form in one.forms:
            text = text.replace(form, HIDDEN)
        text = _without_beginning(text, one.reveal())
    return text


def _forms(text: str) -> tuple[str, ...]:
    """As it is, in an address, in a header; none of what is too short to be looked for."""
    if len(text) < SHORTEST:
        return ()
    return tuple({text, urllib.parse.quote(text, safe=""), base64.b64encode(text.encode()).decode()})


def _without_beginning(text: str, known: str) -> str:
    """`text` without the beginning of this secret at its end."""
    if len(known) < SHORTEST:
        return text
    end, beginning = text.rstrip("…"), known[:SHORTEST]
    at = end.find(beginning, max(len(end) - len(known), 0))
    while at >= 0 and not known.startswith(end[at:]):
        at = end.find(beginning, at + 1)
    return text if at < 0 else end[:at] + HIDDEN


def _secret(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        raise ValueError("a secret must be text: put it in quotes")
    if not value.strip():
        raise ValueError("the secret is empty")
    return Secret(value.strip())


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a secret at `path` (keys below the section), before its place in the file is known."""

    path: tuple[str, ...]
    what: str
    fix: str
    id: str
    level: str = "error"


def names(settings: type[pydantic.BaseModel]) -> frozenset[str]:
    """The keys of a Settings class that hold secrets."""
    return frozenset(_key(name, field) for name, field in settings.model_fields.items()
                     if _inside(field.annotation, Secret))


def merge(settings: type[pydantic.BaseModel], defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """`own` over `defaults`. A receiver's own secret, inline or by file, replaces either form in the defaults."""
    twins = {name: f"{name}_file" for name in names(settings)}
    twins |= {file: name for name, file in twins.items()}
    return {key: value for key, value in defaults.items() if twins.get(key) not in own} | dict(own)


def resolve(settings: type[pydantic.BaseModel], section: Mapping[str, Any], folder: Path, *, read: bool
            ) -> tuple[dict[str, Any], list[Fault]]:
    """`section` with every `X_file` twin of a secret field replaced by X, and what is wrong.

    Relative files are relative to `folder`. With `read` off nothing is opened: `X_file` stays, and a missing file
    is only a remark.
    """
    found = dict(section)
    faults: list[Fault] = []
    for key in names(settings):
        file_key = f"{key}_file"
        if found.get(key) is not None and found.get(file_key) is not None:
            faults.append(Fault((file_key,), f"{key!r} and {file_key!r} are both given", "keep one", "secret-twice"))
            del found[file_key]
        elif isinstance(found.get(file_key), str):
            faults += _take_file(found, key, folder / found[file_key], read)
        if isinstance(found.get(key), str) and found[key].strip():
            found[key] = Secret(found[key].strip())  # so that no message of the validation to come can quote it
    for key, inner in _sections(settings):
        if isinstance(found.get(key), Mapping):
            found[key], deeper = resolve(inner, found[key], folder, read=read)
            faults += [dataclasses.replace(fault, path=(key, *fault.path)) for fault in deeper]
    return found, faults


def _take_file(found: dict[str, Any], key: str, file: Path, read: bool) -> list[Fault]:
    path = (f"{key}_file",)
    if not read:
        missing = f"the secret file {file} is not here"
        return [] if file.is_file() else [Fault(path, missing, "alertd serve needs it", "secret-missing", "remark")]
    try:
        if file.stat().st_size > MOST_BYTES:
            return [Fault(path, f"the secret file {file} is larger than {MOST_BYTES // 1024} KiB", "name another file",
                          "secret-file")]
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        return [Fault(path, f"the secret file {file} cannot be read: {reason}", "create it, readable by alertd",
                      "secret-file")]
    if not text:
        return [Fault(path, f"the secret file {file} is empty", "write the secret into it", "secret-file")]
    del found[path[0]]
    found[key] = Secret(text)
    return []


def _sections(settings: type[pydantic.BaseModel]) -> Iterator[tuple[str, type[pydantic.BaseModel]]]:
    """The keys that hold a section of their own (http_config), with its model."""
    for name, field in settings.model_fields.items():
        for inner in _types(field.annotation):
            if isinstance(inner, type) and issubclass(inner, pydantic.BaseModel):
                yield _key(name, field), inner


def _key(name: str, field: pydantic.fields.FieldInfo) -> str:
    return field.alias or name


def _inside(annotation: Any, wanted: type) -> bool:
    return any(part is wanted for part in _types(annotation))


def _types(annotation: Any) -> list[Any]:
    """The types a `X | None` is made of."""
    return list(typing.get_args(annotation)) or [annotation]

"""Plain data as YAML text, quickly: mappings, lists and text as rules and tests have them. PyYAML's emitter took nine
tenths of a build. What comes out is read back the same by it and by Go's YAML."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from yaml import ScalarNode, resolver

_PLAIN = re.compile(r"[A-Za-z0-9_./(](?:[^:#]|:(?! |$)|(?<! )#)*(?<! )")
_RESOLVER = resolver.Resolver()
_TEXT = "tag:yaml.org,2002:str"


def dump(data: Mapping[str, Any]) -> str:
    """`data` in blocks, its keys in their order."""
    return "\n".join(_mapping(data, "") if data else ["{}"]) + "\n"


def _mapping(data: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in data.items():
        yield from _entry(f"{indent}{_scalar(key)}:", value, indent)


def _entry(start: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from (start, *_mapping(value, indent + "  ")) if value else (f"{start} {{}}",)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield from (start, *_items(value, indent)) if value else (f"{start} []",)
    elif isinstance(value, str) and _block(value):
        yield f"{start} |-"
        yield from (f"{indent}  {line}" if line else "" for line in value.split("\n"))
    else:
        yield f"{start} {_scalar(value)}"


def _items(values: Sequence[Any], indent: str) -> Iterator[str]:
    """The first key of a mapping stands behind the dash."""
    for value in values:
        if isinstance(value, Mapping) and value:
            first, *rest = _mapping(value, indent + "  ")
            yield f"{indent}- {first[len(indent) + 2:]}"
            yield from rest
        else:
            yield f"{indent}- {_scalar(value) if value != {} else '{}'}"


def _block(text: str) -> bool:
    """Whether it can stand as lines: the indentation of its first line would be taken for that of all."""
    return "\n" in text and text[0] not in " \n" and not text.endswith("\n") and text.replace("\n", "").isprintable()


@functools.lru_cache(maxsize=65_536)
def _scalar(value: str | float) -> str:
    if not isinstance(value, str):
        return str(value)
    if not value.isprintable():
        return '"' + "".join(character if character.isprintable() and character not in '"\\' else
                             f"\\U{ord(character):08x}" for character in value) + '"'
    meant = _RESOLVER.resolve(ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]  # the stubs' gap
    if meant == _TEXT and _PLAIN.fullmatch(value):
        return value
    return "'" + value.replace("'", "''") + "'"

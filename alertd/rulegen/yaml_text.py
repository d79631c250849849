"""Plain data as YAML text, quickly: mappings, lists and text as rules and tests have them. PyYAML's emitter took nine
tenths of a build. What comes out is read back the same by it and by Go's YAML."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from yaml import ScalarNode, resolver

_PLAIN = re.compile(r"[A-Za-z0-9_./(](?:[^:#]|:(?! |$)|(?<! )#)*(?<! )")
_RESOLVER = resolver.Resolver()
_TEXT = "tag:yaml.org,2002:str"


class Shared(dict[str, str]):
    """A mapping that stands in several places: written in the first, named in the others."""


def dump(data: Mapping[str, Any]) -> str:
    """`data` in blocks, its keys in their order."""
    lines: list[str] = []
    _mapping(lines, data, "", "", {})
    return "\n".join(lines or ["{}"]) + "\n"


# The functions add to `lines` and yield nothing: through a generator for each level a line took five times as long.
# Subclasses of dict and list are none of ours; `type(…) is` spares the asking of abstract classes.

def _mapping(lines: list[str], data: Mapping[str, Any], start: str, indent: str, named: dict[int, int]) -> None:
    """`start` stands in place of the indentation of the first key; `named` are the shared mappings so far."""
    for key, value in data.items():
        if type(value) is str and "\n" not in value:
            lines.append(f"{start}{_scalar(key)}: {_scalar(value)}")
        else:
            _entry(lines, f"{start}{_scalar(key)}:", value, indent, named)
        start = indent


def _entry(lines: list[str], start: str, value: Any, indent: str, named: dict[int, int]) -> None:
    if type(value) is dict:
        lines.append(start if value else f"{start} {{}}")
        _mapping(lines, value, indent + "  ", indent + "  ", named)
    elif type(value) is list:
        lines.append(start if value else f"{start} []")
        _items(lines, value, indent, named)
    elif type(value) is Shared:
        if number := named.get(id(value)):
            lines.append(f"{start} *x{number}")
            return
        number = named[id(value)] = len(named) + 1
        lines.append(f"{start} &x{number}")
        _mapping(lines, value, indent + "  ", indent + "  ", named)
    elif type(value) is str and "\n" in value and _block(value):
        lines.append(f"{start} |-")
        lines.extend(f"{indent}  {line}" if line else "" for line in value.split("\n"))
    else:
        lines.append(f"{start} {_scalar(value)}")


def _items(lines: list[str], values: list[Any], indent: str, named: dict[int, int]) -> None:
    """The first key of a mapping stands behind the dash."""
    for value in values:
        if type(value) is dict and value:
            _mapping(lines, value, f"{indent}- ", indent + "  ", named)
        else:
            lines.append(f"{indent}- {'{}' if value == {} else _scalar(value)}")


def plain(text: str) -> bool:
    """Whether it stands as it is, without quotes."""
    return _scalar(text) == text


def _block(text: str) -> bool:
    """Whether it can stand as lines: the indentation of its first line would be taken for that of all."""
    return text[0] not in " \n" and not text.endswith("\n") and text.replace("\n", "").isprintable()


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

"""YAML with places: the data, and for every key and value the line and column it stands at.

PyYAML keeps the last of two equal keys without a word and reads YAML 1.1 (`on` is true, `1:30` is 90, a date is a
date object). Here duplicate keys are findings, and only null, true, false and plain decimal numbers are not text.
"""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pydantic
import yaml

from alertd.errors import BadInput, Finding

MOST_BYTES = 5_000_000  # a file over this is a mistake: the largest generated set measured is far below it
MOST_DEPTH = 64  # composing recurses in C: hundreds of thousands of "[" would end the process, not raise
MOST_NODES = 500_000  # aliases expand while constructing; a "billion laughs" file must end here, not in memory
MOST_DIGITS = 4000  # Python refuses to convert a longer number

Key = str | int
Model = TypeVar("Model", bound=pydantic.BaseModel)


class _Loader(yaml.CSafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  PyYAML's own attribute


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?(0|[1-9][0-9]*)?\.[0-9]+|[-+]?[0-9]+(\.[0-9]+)?[eE][-+]?[0-9]+", list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _first)


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """One parsed file. `data` is plain Python; `values` and `keys` map a path such as ("receivers", "on-call")
    to the (line, column) of the value and of its key, counted from 1."""

    file: str
    data: Any
    values: Mapping[tuple[Key, ...], tuple[int, int]]
    keys: Mapping[tuple[Key, ...], tuple[int, int]]
    duplicates: tuple[Finding, ...] = ()

    def finding(self, path: Iterable[Key], what: str, fix: str = "", *, key: bool = False, id: str = "invalid",
                level: str = "error") -> Finding:
        """A finding at the value (or with `key`, the key) of `path`, or at its nearest parent that exists."""
        at = tuple(path)
        places = (self.keys, self.values) if key else (self.values, self.keys)
        while at and not any(at in known for known in places):
            at = at[:-1]
        line, column = next((known[at] for known in places if at in known), (1, 1))
        return Finding(self.file, line, column, what, fix, id, level)

    def line(self, path: Iterable[Key]) -> int:
        """The line of the key (or value) at `path`; 0 when it is not in the file."""
        at = tuple(path)
        return self.keys.get(at, self.values.get(at, (0, 0)))[0]


def read(path: Path, name: str | None = None) -> Document:
    """The parsed file; raises BadInput where it is missing, no file, too large or no YAML. `name` is how
    messages call it."""
    shown = name or str(path)
    try:
        if not path.is_file():
            what, fix = ("is a folder", "give a file") if path.is_dir() else ("no such file", "")
            raise BadInput([Finding(shown, 0, 0, what, fix, "file")])
        if path.stat().st_size > MOST_BYTES:
            raise BadInput([Finding(shown, 0, 0, f"is larger than {MOST_BYTES // 1_000_000} MB", "split it", "file")])
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput([Finding(shown, 0, 0, f"is not UTF-8 text (byte {error.start})", "", "file")]) from error
    except OSError as error:
        raise BadInput([Finding(shown, 0, 0, f"cannot be read: {error.strerror}", "", "file")]) from error
    return parse(text, shown)


def parse(text: str, file: str) -> Document:
    """`text` as a Document; raises BadInput with the place where YAML itself is wrong."""
    try:
        _refuse_deep(text, file)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise BadInput([_not_yaml(error, text, file)]) from error
    except yaml.YAMLError as error:
        what = " ".join(str(error).split())
        raise BadInput([Finding(file, 0, 0, f"is not YAML: {what}", "", "yaml")]) from error
    builder = _Builder(file)
    data = builder.build(node, ()) if node is not None else None
    return Document(file, data, builder.values, builder.keys, tuple(builder.duplicates))


def _refuse_deep(text: str, file: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_DEPTH:
            what = f"is nested over {MOST_DEPTH} deep"
            raise BadInput([Finding(file, *_place(event), what, "use fewer levels", "yaml")])


def _not_yaml(error: yaml.MarkedYAMLError, text: str, file: str) -> Finding:
    """The parser's complaint in our form: where it gave up, and where what it was reading began."""
    mark, begun = error.problem_mark or error.context_mark, error.context_mark
    if mark is None:
        return Finding(file, 0, 0, f"is not YAML: {error.problem}", "", "yaml")
    line = text.splitlines()[mark.line] if mark.line < len(text.splitlines()) else ""
    if line[:mark.column + 1].endswith("\t"):
        return Finding(file, mark.line + 1, mark.column + 1, "a tab", "indent by spaces: YAML takes no tabs", "yaml")
    since = f" (begun in line {begun.line + 1})" if begun and begun.line != mark.line else ""
    what = " ".join(str(part) for part in (error.context, error.problem) if part) + since
    return Finding(file, mark.line + 1, mark.column + 1, what, "mend the YAML", "yaml")


class _Builder:
    """Walks the node tree once: data, places and duplicate keys."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.values: dict[tuple[Key, ...], tuple[int, int]] = {}
        self.keys: dict[tuple[Key, ...], tuple[int, int]] = {}
        self.duplicates: list[Finding] = []
        self.count = 0

    def build(self, node: yaml.Node, path: tuple[Key, ...]) -> Any:
        self.count += 1
        if self.count > MOST_NODES or len(path) > MOST_DEPTH:  # the depth of an alias inside itself has no end
            raise self.wrong(node, "expands to too many values", "use fewer aliases")
        self.values[path] = _place(node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        try:
            return _scalar(node)
        except ValueError as error:  # such as `!!int abc`
            raise self.wrong(node, f"{node.value[:40]!r} is not what its tag {node.tag!r} says", "drop it") from error

    def wrong(self, node: yaml.Node, what: str, fix: str) -> BadInput:
        return BadInput([Finding(self.file, *_place(node), what, fix, "yaml")])

    def _mapping(self, node: yaml.MappingNode, path: tuple[Key, ...]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self.wrong(key_node, "a key must be plain text", "put it in quotes")
            key = str(key_node.value)
            if key == "<<" and not key_node.style:
                raise self.wrong(key_node, "merge keys (<<) are not read", "write the keys out")
            if key in result:
                first = self.keys[(*path, key)][0]
                self.duplicates.append(Finding(self.file, *_place(key_node), f"{key!r} is given twice",
                                               f"the first stands in line {first}; keep one", "duplicate-key"))
                continue
            self.keys[(*path, key)] = _place(key_node)
            result[key] = self.build(value_node, (*path, key))
        return result


def _place(at: yaml.Node | yaml.Event) -> tuple[int, int]:
    return (at.start_mark.line + 1, at.start_mark.column + 1) if at.start_mark else (0, 0)


def _scalar(node: yaml.Node) -> Any:
    kind = node.tag.rpartition(":")[2]
    text: str = node.value
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return int(text) if len(text) <= MOST_DIGITS else text
    return float(text) if kind == "float" else text


def validate(document: Document, model: type[Model], data: Any = None, under: tuple[Key, ...] = ()
             ) -> tuple[Model | None, list[Finding]]:
    """`data` (default: the whole document) as `model`, and every fault with its place; None where there is one."""
    try:
        return model.model_validate(document.data if data is None and not under else data), []
    except pydantic.ValidationError as error:
        return None, _one_each([_finding(document, model, under, dict(fault))
                                for fault in error.errors(include_url=False)])


def _one_each(findings: list[Finding]) -> list[Finding]:
    """One finding a value: pydantic tells each way of a union (`rate: 2` or `rate: none`) as a fault of its own."""
    values = [finding for finding in findings if finding.id == "invalid-value"]
    found = [finding for finding in findings if finding.id != "invalid-value"]
    for _, ways in itertools.groupby(values, key=lambda finding: (finding.line, finding.column)):
        first, *others = ways
        what = " or ".join([first.what, *(other.what.removeprefix("must be ") for other in others)])
        found.append(dataclasses.replace(first, what=what))
    return found


def _finding(document: Document, model: type[pydantic.BaseModel], under: tuple[Key, ...], fault: dict[str, Any]
             ) -> Finding:
    path = (*under, *fault["loc"])
    if fault["type"] == "extra_forbidden":
        known = _fields_at(model, fault["loc"][:-1])
        return document.finding(path, f"unknown key {path[-1]!r}", did_you_mean(str(path[-1]), known), key=True,
                                id="unknown-key")
    if fault["type"] == "missing":
        return document.finding(path[:-1], f"{path[-1]!r} is missing", "add it", key=True, id="missing-key")
    if known_fault := _FAULTS.get(fault["type"]):
        return document.finding(path, *known_fault, id="invalid-value")
    if fault["type"] == "literal_error":
        return document.finding(path, f"must be {fault['ctx']['expected']}", id="invalid-value")
    what, _, fix = str(fault["msg"]).removeprefix("Value error, ").partition("; ")
    return document.finding(path, what[:1].lower() + what[1:], fix, id="invalid-value")


# pydantic's words for these name Python types and classes; a person writing YAML knows sections, lists and text.
_FAULTS = {
    "model_type": ("must be a section of keys", "write `key: value` lines below it"),
    "dict_type": ("must be a section of keys", "write `key: value` lines below it"),
    "list_type": ("must be a list", "write it as [a, b]"),
    "tuple_type": ("must be a list", "write it as [a, b]"),
    "string_type": ("must be text", "put it in quotes"),
    "bool_type": ("must be true or false", ""),
    "bool_parsing": ("must be true or false", ""),
    "float_type": ("must be a number", ""),
    "float_parsing": ("must be a number", ""),
    "int_type": ("must be a whole number", ""),
    "int_parsing": ("must be a whole number", ""),
}


def _fields_at(model: type[pydantic.BaseModel], loc: tuple[Key, ...]) -> list[str]:
    """The keys allowed where `loc` points, so that a misspelt one can be answered with the nearest."""
    current: Any = model
    for part in loc:
        fields = current.model_fields if isinstance(current, type) and issubclass(current, pydantic.BaseModel) else {}
        field = next((info for name, info in fields.items() if str(part) in (name, info.alias)), None)
        current = _model_in(field.annotation) if field else current
    if isinstance(current, type) and issubclass(current, pydantic.BaseModel):
        return [info.alias or name for name, info in current.model_fields.items()]
    return []


def _model_in(annotation: Any) -> Any:
    """The pydantic model inside `X | None`, `dict[str, X]`, `list[X]`, or None."""
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return annotation
    inner = (_model_in(part) for part in getattr(annotation, "__args__", ()))
    return next((found for found in inner if found is not None), None)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """What to do about an unknown word: the nearest known one, else all of them."""
    choices = sorted(known)
    near = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known are {', '.join(choices)}" if choices else "remove it"

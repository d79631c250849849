"""Every key of the files people write, with what it takes and means, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alertd import channels
from alertd.config import json_schema
from alertd.config.json_schema import ANY

Form = dict[str, Any]
PLURAL = ("a section", "a secret", "a number")


def settings() -> str:
    """A section for each file, and in it one for each of its top-level keys."""
    files = {"routing.yaml": json_schema.routing(channels.settings_types()), "rules/*.yaml": json_schema.rules(),
             "rules/presets/*.yaml": json_schema.preset(), "The file of --web.config.file": json_schema.web()}
    return "\n".join(line for file, form in files.items() for line in _file(file, form))


def _file(file: str, form: Form) -> Iterator[str]:
    yield f"## {file}\n"
    for name, value in form["properties"].items():
        yield f"### {name}\n\n{_meaning(value)}\n"
        below = [(path, inner) for path, inner in json_schema.keys(value) if not _said_elsewhere((name, *path))]
        if below:
            yield "| key | takes | meaning |\n| --- | --- | --- |"
            yield from (f"| `{_shown(path)}` | {_takes(inner)} | {_meaning(inner)} |" for path, inner in below)
        else:
            yield f"Takes {_takes(value)}."
        yield ""


def _said_elsewhere(path: tuple[str, ...]) -> bool:
    """What a channel takes is said of receivers, and how alerts are told of the top level."""
    above = {*path[:-1]}
    of_channel = bool(above & {*channels.names()}) and bool(above & {"defaults", "digest"})
    return of_channel or {"services", "alerts"} <= above


def _shown(path: tuple[str, ...]) -> str:
    return ".".join("NAME" if part == ANY else part for part in path).replace(".[]", "[]")


def _meaning(form: Form) -> str:
    return str(form.get("description", ""))


def _takes(form: Form) -> str:
    """In words, such as `a duration` or `one of a, b`."""
    if "title" in form:
        return str(form["title"])
    if "enum" in form:
        return " or ".join(f"`{_word(value)}`" for value in form["enum"])
    if "const" in form:
        return f"`{form['const']}`"
    if "anyOf" in form:
        return " or ".join(dict.fromkeys(_takes(part) for part in form["anyOf"] if part.get("type") != "null"))
    kind = form.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "array":
        inner = _takes(form["items"])
        return f"a list of {inner.removeprefix('a ').removeprefix('an ')}{'s' if inner in PLURAL else ''}"
    return {"string": "text", "boolean": "`true` or `false`", "integer": "a whole number", "number": "a number",
            "object": "a section"}.get(str(kind), "")


def _word(value: object) -> str:
    return "off" if value is False else str(value)

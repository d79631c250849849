"""The files people write as JSON Schema, for editors: every key with its meaning, and how its value is written.

It takes all that alertd takes, and refuses unknown keys and values that can never be; what depends on other values of
the file (a receiver that is not there) only `alertd check` finds. https://json-schema.org/draft-07/schema
"""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pydantic
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from alertd import __version__
from alertd.config import access, alive, floods, maintenance, preset_file, receivers, rotas, rules_model, web_file
from alertd.config.json_forms import DURATION, MATCHERS, NAMES, SEVERITY, TEXT, Form, written

DIALECT = "http://json-schema.org/draft-07/schema#"  # the newest that editors' YAML servers read whole
ANY, EACH = "*", "[]"  # in a path: a name that people choose, and a place in a list


class _Generator(GenerateJsonSchema):
    """pydantic's own, but for what functions read, and without defaults: those are said in the meanings."""

    def function_plain_schema(self, schema: core_schema.PlainValidatorFunctionSchema) -> JsonSchemaValue:
        return written(schema["function"]["function"], dict)

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        return written(schema["function"]["function"], lambda: self.generate_inner(schema["schema"]))

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def rules() -> Form:
    """Of a file in rules/."""
    return _whole("rules", f"rules/*.yaml of alertd {__version__}", _model(rules_model.RulesFile))


def preset() -> Form:
    """Of a file in rules/presets/."""
    return _whole("preset", f"preset of alertd {__version__}", _model(preset_file.PresetSection))


def web() -> Form:
    """Of the file of --web.config.file."""
    return _whole("web", f"web configuration file of alertd {__version__}", _model(web_file.WebSection))


def routing(channels: Mapping[str, type[pydantic.BaseModel]]) -> Form:
    """Of routing.yaml; `channels` are the Settings classes by name."""
    settings = {name: _model(kind) for name, kind in channels.items()}
    # In `defaults` and beside a rota a section need not be whole, and what is needed may stand in `defaults`.
    partly = {name: {key: value for key, value in form.items() if key != "required"} for name, form in settings.items()}
    digest = _with(_model(receivers.DigestSection), partly)
    receiver = _with(_model(receivers.ReceiverSection), {**partly, receivers.DIGEST: digest})
    severities = _section(dict.fromkeys(("critical", "warning", "info"), NAMES))
    step = _section({"after": DURATION, "to": NAMES, "repeat": DURATION}, "after", "to")
    labels = _list(TEXT)
    return _whole("routing", f"routing.yaml of alertd {__version__}", _section({
        "defaults": _section(partly),
        "receivers": _named(_or_nothing(receiver)),
        "routes": _any_case(severities),
        "overrides": _list(_section({"match": MATCHERS, "to": NAMES}, "match", "to")),
        "severities": _named({**SEVERITY, "pattern": f"{SEVERITY['pattern'][:-2]}|[Nn][Oo][Nn][Ee])$"}),
        "incident_by": labels,
        "acknowledge": _named(DURATION),
        "escalation": _named(_list(step)),
        "flapping": _or_off(_model(floods.FlappingSection)),
        "storm": _or_off(_model(floods.StormSection)),
        "heartbeats": _list(_section({"match": MATCHERS, "every": DURATION, "to": NAMES}, "match", "every", "to")),
        "inhibit": _list(_section({"source": MATCHERS, "target": MATCHERS, "equal": labels}, "source", "target")),
        "maintenance": _list(_model(maintenance.WindowSection)),
        "people": _named(_model(rotas.Person)),
        "rotas": _named(_model(rotas.RotaSection)),
        "access": _model(access.AccessSection),
        "retention": DURATION,
        "outgoing": _section({"private_addresses": {"enum": ["allow", "deny"]}}),
        alive.KEY: _model(alive.BeatSection),
    }, "receivers", "routes"))


def meanings() -> dict[str, str]:
    """What each key means, by its path from the file's name on; `*` is a name that people choose. A path may leave out
    its beginning, for what stands in several places."""
    text = importlib.resources.files("alertd.config").joinpath("meanings.txt").read_text(encoding="utf-8")
    lines = (line.partition(": ") for line in text.splitlines() if line and not line.startswith("#"))
    return {path: told for path, _, told in lines}


def keys(form: Form, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Form]]:
    """Every key below, with its path and what it takes."""
    for part in (form, *form.get("anyOf", ())):
        for name, value in part.get("properties", {}).items():
            yield (*path, name), value
            yield from keys(value, (*path, name))
        for step, inner in ((ANY, part.get("additionalProperties")), (EACH, part.get("items"))):
            if isinstance(inner, dict):
                yield from keys(inner, (*path, step))


def meaning(path: tuple[str, ...], known: Mapping[str, str]) -> str:
    """The meaning of the key at `path`, "" where nobody wrote one."""
    return next((known[tail] for tail in tails(path) if tail in known), "")


def tails(path: tuple[str, ...]) -> Iterator[str]:
    """How the meaning of the key at `path` may be headed, the longest first."""
    plain = [ANY if part == EACH else part for part in path]
    return (".".join(plain[start:]) for start in range(len(plain)))


def _whole(file: str, title: str, form: Form) -> Form:
    known = meanings()
    # Through text, so that no two keys share a form: each gets a meaning of its own.
    form = json.loads(json.dumps({"$schema": DIALECT, "title": title, **form}))
    for path, value in keys(form, (file,)):
        if told := meaning(path, known):
            value["description"] = told
    return form


def _model(model: type[pydantic.BaseModel]) -> Form:
    """A section as the model reads it, without references: editors show those badly, and none leads to itself."""
    form = model.model_json_schema(by_alias=True, schema_generator=_Generator)
    definitions = form.pop("$defs", {})
    found: Form = _inlined(form, definitions)
    return found


def _inlined(part: Any, definitions: Mapping[str, Any]) -> Any:
    """A copy in which references are what they name, and no title or description of pydantic's is left."""
    if isinstance(part, list):
        return [_inlined(each, definitions) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(definitions[part["$ref"].rpartition("/")[2]], definitions)
    ours = "type" not in part or part["type"] != "object"
    kept = {key: value for key, value in part.items()
            if key != "description" and not (key == "title" and not (ours and _ours(value)))}
    if "properties" in kept:  # keys of a file may be called title or description
        kept["properties"] = {name: _inlined(value, definitions) for name, value in part["properties"].items()}
    return {key: value if key == "properties" else _inlined(value, definitions) for key, value in kept.items()}


def _ours(title: object) -> bool:
    """A title of json_forms is a few words in small letters, pydantic's begin with a capital."""
    return isinstance(title, str) and not title[:1].isupper()


def _section(properties: Mapping[str, Form], *needed: str) -> Form:
    return {"type": "object", "properties": {name: dict(form) for name, form in properties.items()},
            "additionalProperties": False, **({"required": [*needed]} if needed else {})}


def _with(section: Form, more: Mapping[str, Form]) -> Form:
    return {**section, "properties": {**section.get("properties", {}), **{
        name: _or_nothing(form) for name, form in more.items()}}}


def _named(form: Form) -> Form:
    return {"type": "object", "additionalProperties": dict(form)}


def _list(form: Form) -> Form:
    return {"type": "array", "items": dict(form)}


def _or_nothing(form: Form) -> Form:
    """`log:` with nothing behind it is a section too."""
    return {**form, "type": ["object", "null"]}


def _or_off(form: Form) -> Form:
    return {"anyOf": [form, {"enum": ["off", False]}]}


def _any_case(section: Form) -> Form:
    """Severities compare without case; the usual spelling is the one that an editor offers."""
    return {**section, "additionalProperties": dict(NAMES)}
